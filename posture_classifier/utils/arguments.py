"""Command lines from signatures, with errors of one sentence."""

import inspect
import re
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin

import yaml
from jsonargparse import ArgumentParser, Namespace, get_loader, set_loader, set_parsing_settings

from posture_classifier.utils.bounded_yaml import check_bounds
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.option_errors import one_sentence
from posture_classifier.utils.paths import expand_path
from posture_classifier.utils.text import first_line

# A YAML file may come from somebody else, and names classes and functions, such as callbacks. Given
# a list, if only of nothing more, jsonargparse refuses rather than warns about those that it knows
# to start programs, import, read pickles, or write, delete and send files.
set_parsing_settings(import_path_denylist=[])
UNEXPECTED = (ArithmeticError, AttributeError, ImportError, LookupError, RecursionError, TypeError, ValueError)
_load_yaml = get_loader("yaml")


def _load_bounded(text: str) -> Any:
    """Read YAML as jsonargparse does, but not what would exhaust memory or stack."""
    check_bounds(text)
    return _load_yaml(text)


set_loader("yaml", _load_bounded, exceptions=(yaml.YAMLError,))

DATA_OPTION = "--data."
"""Begins the names of the options of ``fit`` about photos."""
PATHS = frozenset(
    [
        *("root", "table", "split", "exclude", "fixes", "weights", "folder", "ckpt_path"),
        *("default_root_dir", "dirpath", "save_dir", "root_dir", "dir", "exclude_batches_path"),  # of Lightning and wandb
        *("checkpoint", "paths", "runs", "accuracy"),
    ]
)
"""Names of options that are paths, or hold some, though their type is ``str``; every option of type
``Path`` is one, whatever its name."""


class OneSentenceErrors(ArgumentParser):
    """A jsonargparse parser that raises ``UserError`` rather than printing its usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Say it in one sentence."""
        raise UserError(f"{one_sentence(str(message), self)}; see --help") from ex

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """Parse as jsonargparse does, with ``~`` and ``$NAME`` expanded in every path.

        Raises:
            UserError: A configuration or an option cannot be read.
        """
        try:
            parsed = super().parse_args(*args, **kwargs)
        except UnicodeDecodeError as error:
            raise UserError("a file given with --config is not text; give a YAML file") from error
        # jsonargparse lets pass what it does not expect, such as an integer that no float can hold.
        except UNEXPECTED as error:
            raise UserError(f"the options cannot be read: {first_line(error)}; see --help") from error
        _check_values(parsed)
        return _expand_paths(parsed)


def _check_values(settings: Namespace) -> None:
    """Refuse integers of more than 64 bits and texts with a null character: nobody takes them."""
    for key, value in settings.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int) and abs(each) >= 2**63:
                raise UserError(f"{key} is a number of {len(str(abs(each)))} digits, which is too large")
            if isinstance(each, (str, Path)) and "\0" in str(each):
                raise UserError(f"{key} has a null character in it, which no file name can have")


def as_word(value: object) -> str:
    """A value as a word of a command line, which is read as YAML.

    Raises:
        yaml.YAMLError: No YAML can hold it.

    Example:
        >>> as_word({0: 1, 4: "all"}), as_word("a b")
        ('{0: 1, 4: all}', 'a b')
    """
    if isinstance(value, (str, Path)):
        return str(value)
    text: str = yaml.safe_dump(value, default_flow_style=True, width=inf, sort_keys=False)
    return text.removesuffix("...\n").strip()


def parse_call(function: Callable[..., Any], arguments: list[str], prog: str) -> inspect.BoundArguments:
    """Parse a command line into the arguments of a function.

    The function's signature and docstring describe the command line:

    - Required parameters are positional, and a required list takes one or more values, as in
      ``predict CHECKPOINT PATH [PATH ...]``, which jsonargparse by itself would want as
      ``[PATH,PATH]``.
    - A ``Sequence`` that may be empty takes none or more, as in ``backbones [PATTERN ...]``.
    - A switch needs no value: ``--overwrite`` is ``--overwrite true``.
    - ``--data.root`` is ``--root``: an option about the photos may be named as that of ``fit``.
    - A function of ``*options`` gets the words as they are, and parses them itself.

    Raises:
        UserError: The command line does not fit the signature.
    """
    signature = inspect.signature(function)
    parameters = signature.parameters.values()
    docstring = inspect.getdoc(function) or ""
    parser = OneSentenceErrors(prog=prog, description=docstring.partition("\n")[0])
    if passed_on := [p for p in parameters if p.kind is p.VAR_POSITIONAL]:
        if not {"-h", "--help"} & set(arguments):
            return signature.bind(*arguments)
        parser.usage = f"{prog} [options]"
        parser.epilog = _described(docstring, passed_on[0])
    several = [p for p in parameters if (get_origin(p.annotation), p.default) in ((list, p.empty), (Sequence, ()))]
    parser.add_function_arguments(function, as_positional=True, skip={p.name for p in several})
    for parameter in several:
        options: dict[str, Any] = {"nargs": "+"} if parameter.default is parameter.empty else {"nargs": "*", "default": []}
        kind = get_args(parameter.annotation)[0]
        parser.add_argument(parameter.name, type=kind, help=_described(docstring, parameter), **options)
    arguments = [_own_name(word, signature) for word in arguments]
    switches = {f"--{p.name}" for p in parameters if p.annotation is bool}
    parsed = parser.instantiate_classes(parser.parse_args(_with_values(arguments, switches)))
    return signature.bind(**parsed.as_dict())


def _expand_paths(value: Any, is_path: bool = False) -> Any:
    """Expand paths in what was parsed: those of the options in ``PATHS``, and every ``Path``."""
    if isinstance(value, (str, Path)):
        return type(value)(expand_path(str(value))) if is_path or isinstance(value, Path) else value
    if isinstance(value, list):
        return [_expand_paths(item, is_path) for item in value]
    if isinstance(value, (dict, Namespace)):
        for name, inner in list(value.items()):  # a Namespace's names are whole, as in data.root
            value[name] = _expand_paths(inner, is_path or str(name).rpartition(".")[2] in PATHS)
    return value


def _described(docstring: str, parameter: inspect.Parameter) -> str:
    """What the docstring says about a parameter, in one line."""
    found = re.search(rf"^    {parameter.name}: (.+(?:\n {{8}}.+)*)", docstring, re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def _own_name(word: str, signature: inspect.Signature) -> str:
    """The command's own name of an option that is named as that of ``fit``."""
    name, equals, value = word.removeprefix(DATA_OPTION).partition("=")
    return f"--{name}{equals}{value}" if word.startswith(DATA_OPTION) and name in signature.parameters else word


def _with_values(arguments: list[str], switches: set[str]) -> list[str]:
    """Put ``true`` behind a switch that stands alone."""
    given: list[str] = []
    for word, following in zip(arguments, [*arguments, ""][1:], strict=True):
        given += [word, "true"] if word in switches and following not in ("true", "false") else [word]
    return given
