"""Options of a command, as Python code writes them, turned into the words of its command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from posture_classifier.utils.arguments import as_word
from posture_classifier.utils.errors import UserError

Options = Mapping[str, Any]
"""Options by name. A section, such as ``model``, is a dictionary, as in a YAML file."""
Config = str | Path | Sequence[str | Path] | None
"""One YAML file of options, or several of which the later wins."""


def command_words(config: Config, options: Options, shorthands: Options) -> list[str]:
    """The words of a command line: YAML files, then options, which win over them.

    Shorthands are values by the full names of options, such as ``data.root``; None was not given.

    Raises:
        UserError: An option is given twice, or has a value that no command line can hold.

    Example:
        >>> command_words(None, {"model": {"backbone": "resnet18"}}, {"data.root": "photos"})
        ['--model.backbone', 'resnet18', '--data.root', 'photos']
    """
    named = _by_full_name(options)
    given = {name: value for name, value in shorthands.items() if value is not None}
    if twice := sorted(named.keys() & given.keys()):
        raise UserError(f"{twice[0]} is given twice; give it among the options, or by the argument that stands for it")
    files = [config] if isinstance(config, (str, Path)) else config or []
    words = [word for file in files for word in ("--config", str(file))]
    for name, value in (named | given).items():
        try:
            words += [f"--{name}", as_word(value)]
        except yaml.YAMLError as error:
            raise UserError(f"{name} is {type(value).__name__}; give numbers, texts, lists and dictionaries of them") from error
    return words


def _by_full_name(options: Options, prefix: str = "") -> dict[str, Any]:
    """Values by the full names of options, such as ``model.backbone``."""
    named: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value) and "class_path" not in value:
            named |= _by_full_name(value, f"{prefix}{name}.")
        else:
            named[prefix + name] = value
    return named
