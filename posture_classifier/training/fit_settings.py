"""The settings of ``fit``, for a command that trains several times."""

import yaml
from jsonargparse import Namespace

from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.errors import UserError


class Parsed(Exception):  # noqa: N818 - a way out, not an error
    """Carries what ``SettingsOnly`` parsed: as values, and as YAML."""

    def __init__(self, settings: Namespace, text: str) -> None:
        super().__init__()
        self.settings, self.text = settings, text


class SettingsOnly(PostureCLI):
    """Parses a command line of ``fit`` for a command that trains several times, and stops there."""

    command = "crossval"

    def before_instantiate_classes(self) -> None:
        """Leave with what was parsed."""
        if self.checkpoint is not None:
            raise UserError(f"{self.command} goes on by itself where it stopped; leave --ckpt_path out")
        whole = yaml.safe_load(self.parser.dump(self.config, skip_none=False))
        raise Parsed(self.config.fit, yaml.safe_dump(whole["fit"], sort_keys=False, allow_unicode=True))


def fit_settings(options: list[str], command_line: type[SettingsOnly] = SettingsOnly) -> tuple[Namespace, str]:
    """What ``fit`` would be run with, given these options: as values, and as YAML.

    Raises:
        UserError: ``fit`` would refuse the options.
    """
    try:
        command_line(["fit", *options])
    except Parsed as parsed:
        return parsed.settings, parsed.text
    raise AssertionError("the command line was parsed and left")
