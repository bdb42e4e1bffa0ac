"""The options of ``fit``, ``validate`` and ``test``."""

from collections.abc import Sequence
from itertools import chain, takewhile
from pathlib import Path, PurePath
from typing import Any

from jsonargparse import Namespace
from jsonargparse.typing import restricted_number_type
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from posture_classifier.callbacks.frozen_cache import FrozenCache
from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.data.photo_table import TABLE_SUFFIXES, folder_of_table
from posture_classifier.models.precision import Precision
from posture_classifier.training.trained_checkpoint import LINKED
from posture_classifier.training.trainer_options import check_trainer
from posture_classifier.utils.arguments import OneSentenceErrors
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import one_line

LOGS = "lightning_logs"
YAML_SUFFIXES = (".yaml", ".yml")
Seed = restricted_number_type("Seed", int, [(">=", 0), ("<", 2**32)], docstring="A seed as NumPy takes it.")
SECTIONS = ("trainer", "model", "data", "unfreezing", "cache")
# All photos have been decoded once before, so a sanity check would find nothing.
TRAINER_DEFAULTS = {"max_epochs": 20, "num_sanity_val_steps": 0, "log_every_n_steps": 1, "enable_model_summary": False}


class Parser(OneSentenceErrors, LightningArgumentParser):
    """Lightning's parser with our errors."""

    def parse_args(self, args: Any = None, *more: Any, **kwargs: Any) -> Any:
        """Parse, and refuse what jsonargparse and Lightning would take, but nobody can use."""
        parsed = super().parse_args(None if args is None else name_leading_words(args), *more, **kwargs)
        if "subcommand" in parsed:  # otherwise this is the parser of the subcommand itself
            settings = parsed[parsed.subcommand]
            for name in SECTIONS:
                if not isinstance(settings[name], Namespace):
                    raise UserError(f"{name} is {settings[name]!r}, but must be a section of options, or be left out")
            try:
                self.validate(parsed, skip_unset=False)  # a null where a number has to be would otherwise pass
            except (TypeError, KeyError) as error:
                self.error(str(error))
            _find_root(settings.data)
            check_trainer(settings.trainer)
            experiment_folder(settings)
        return parsed


def _find_root(data: Namespace) -> None:
    """Name the folder that a table's paths are relative to, so that the settings of a run do."""
    if data.root is None and data.table is None:
        raise UserError("missing: --data.root, the folder of photos, or --data.table, a table that lists them; see --help")
    if data.root is None:
        data.root = folder_of_table(Path(data.table))


class FitOptions(LightningCLI):
    """LightningCLI with our options."""

    _command: str

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """Only the subcommand that is wanted: each other one takes as long again to build."""
        # The first two are options of our own, the third is always true.
        skipped = {"ckpt_path", "verbose", "weights_only"}
        return {self._command: LightningCLI.subcommands()[self._command] | skipped}

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Give the seed a default, so that every run can be repeated."""
        parser.add_argument(
            "--seed_everything", type=Seed, default=0, help="Seed of the split, the new head, the order and the augmentation."
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the program's own options, and link what the model needs to the data."""
        parser.add_argument(
            "--experiment",
            type=str | None,
            default=None,
            help="Runs go to lightning_logs/<experiment>/, never outside; by default the name of the photos' folder or table.",
        )
        parser.add_argument(
            "--precision",
            type=Precision,
            default="auto",
            help="auto computes in bfloat16 where the hardware has it, fp32 nowhere; a trainer.precision of yours replaces it.",
        )
        parser.add_argument("--report", type=bool, default=True, help="Whether fit writes report.html at its end.")
        switch: dict[str, Any] = {"type": bool, "nargs": "?", "const": True, "default": False}
        parser.add_argument(
            "--refit",
            **switch,
            help="Whether fit trains once more, on training and validation photos together, for as many epochs as these chose; "
            "the test photos stay unseen. On the command line only.",
        )
        parser.add_argument("--verbose", **switch, help="Whether to say what the machine does for speed, too.")
        parser.add_lightning_class_args(ProgressiveUnfreezing, "unfreezing")
        parser.add_lightning_class_args(FrozenCache, "cache")
        parser.add_argument(
            "--ckpt_path",
            type=str | None,
            default=None,
            help="The .ckpt of a run to resume or to evaluate; last is that of the newest run.",
        )
        parser.link_arguments("seed_everything", "data.seed")
        for name in LINKED:
            parser.link_arguments(f"data.{name}", f"model.{name}", apply_on="instantiate")


def name_leading_words(arguments: Sequence[str]) -> list[str]:
    """Put an option before words that follow the command at once: photos, a table, a YAML file.

    The photos win over those that the file names.

    Example:
        >>> name_leading_words(["fit", "my_photos", "my.yaml", "--report", "false"])
        ['fit', '--config', 'my.yaml', '--data.root', 'my_photos', '--report', 'false']
    """
    if not arguments or arguments[0].startswith("-"):  # the parser of the subcommand itself gets named words
        return list(arguments)
    command, *words = arguments
    leading = list(takewhile(lambda word: not word.startswith("-"), words))
    configs = [word for word in leading if Path(word).suffix in YAML_SUFFIXES]
    tables = [word for word in leading if Path(word).suffix.lower() in TABLE_SUFFIXES]
    roots = [word for word in leading if word not in configs + tables]
    for words_of, what in ((roots, "folders of photos"), (tables, "tables")):
        if len(words_of) > 1:
            raise UserError(f"{' and '.join(words_of)} are several {what}; give one")
    options = {"--config": configs, "--data.root": roots, "--data.table": tables}
    named = [(option, word) for option, words_of in options.items() for word in words_of]
    return [command, *chain.from_iterable(named), *words[len(leading) :]]


def experiment_name(settings: Namespace) -> str:
    """The experiment that a run belongs to: by default, the name of the photos' folder or table.

    Raises:
        UserError: It names a folder outside of ``lightning_logs``, or has characters that a
            terminal does not show.
    """
    photos = Path(settings.data.root).resolve().name if settings.data.table is None else Path(settings.data.table).stem
    name: str = settings.experiment or photos
    path = PurePath(name)
    if path.is_absolute() or path.drive or ".." in path.parts or one_line(name) != name:
        raise UserError(
            f"--experiment {one_line(name)} must name a folder below {LOGS}; --trainer.default_root_dir says where that lies"
        )
    return name


def experiment_folder(settings: Namespace) -> Path:
    """The folder that holds the runs of these settings."""
    return Path(settings.trainer.default_root_dir or ".") / LOGS / experiment_name(settings)
