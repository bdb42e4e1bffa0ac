"""Command lines from signatures, with errors of one sentence."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, get_args, get_origin

from jsonargparse import ArgumentParser

from posture_classifier.utils.errors import UserError


class OneSentenceErrors(ArgumentParser):
    """A jsonargparse parser that raises ``UserError`` rather than printing its usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Fold jsonargparse's explanation, which has a line per attempt, into one."""
        text = " ".join(str(message).split())
        # Of a union type jsonargparse explains every member; the key and the value are what helps.
        head, _, rest = text.partition(" Does not validate against any of the Union subtypes")
        value = rest.rpartition("Given value")[2]
        raise UserError(f"{head.rstrip(':.')}{': wrong value' + value if value else ''}; see --help") from ex

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """Add to jsonargparse's a sentence for a configuration that is no text, such as a photo."""
        try:
            return super().parse_args(*args, **kwargs)
        except UnicodeDecodeError as error:
            raise UserError("a file given with --config is not text; give a YAML file") from error


class Rest(list[str]):
    """Annotates the parameter of a tool that takes whatever no other parameter claims, to pass it on to another command."""


def parse_call(function: Callable[..., Any], arguments: list[str], prog: str) -> dict[str, Any]:
    """Parse a command line into the keyword arguments of a function.

    Required parameters are positional, and a required list takes one or more values, as in ``predict CHECKPOINT PATH [PATH ...]``,
    which jsonargparse by itself would want as ``[PATH,PATH]``. A ``Sequence`` that may be empty takes none or more, as in
    ``backbones [PATTERN ...]``. A switch needs no value: ``--overwrite`` is ``--overwrite true``. A ``Rest`` takes what is left
    over.

    Raises:
        UserError: The command line does not fit the signature.
    """
    parameters = inspect.signature(function).parameters.values()
    docstring = inspect.getdoc(function) or ""
    several = [p for p in parameters if (get_origin(p.annotation), p.default) in ((list, p.empty), (Sequence, ()))]
    rest = [p for p in parameters if p.annotation is Rest]
    # Of a rest the docstring's own words are the help, since it has no option to stand behind.
    parser = OneSentenceErrors(
        prog=prog, description="\n".join([docstring.partition("\n")[0], *(_described(docstring, p) for p in rest)])
    )
    parser.add_function_arguments(function, as_positional=True, skip={p.name for p in [*several, *rest]})
    for parameter in several:
        options: dict[str, Any] = {"nargs": "+"} if parameter.default is parameter.empty else {"nargs": "*", "default": []}
        kind = get_args(parameter.annotation)[0]
        parser.add_argument(parameter.name, type=kind, help=_described(docstring, parameter), **options)
    switches = {f"--{p.name}" for p in parameters if p.annotation is bool}
    words = _with_values(arguments, switches)
    left: list[str] = []
    if rest:
        words, left = _claimed(words, {f"--{p.name}" for p in parameters} | {"-h", "--help"})
    parsed = dict(parser.instantiate_classes(parser.parse_args(words)).as_dict())
    return parsed | {p.name: Rest(left) for p in rest}


def _described(docstring: str, parameter: inspect.Parameter) -> str:
    """What the docstring says about a parameter."""
    found = re.search(rf"^ +{parameter.name}: (.+)$", docstring, re.MULTILINE)
    return found[1] if found else ""


def _claimed(words: list[str], names: set[str]) -> tuple[list[str], list[str]]:
    """Divide a command line into the named options, each with its value, and all else."""
    mine: list[str] = []
    left: list[str] = []
    waiting = False
    for word in words:
        named = word.partition("=")[0] in names
        (mine if named or waiting else left).append(word)
        waiting = named and "=" not in word
    return mine, left


def _with_values(arguments: list[str], switches: set[str]) -> list[str]:
    """Put ``true`` behind a switch that stands alone."""
    values = ("true", "false")
    given: list[str] = []
    for word, following in zip(arguments, [*arguments, ""][1:], strict=True):
        given += [word, "true"] if word in switches and following not in values else [word]
    return given
