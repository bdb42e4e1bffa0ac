"""Writes ``options.txt``, the list of options that ``fit --help all`` prints, from the real parser.

Building that parser imports torch and Lightning, which takes seconds, so the list is part of the
package, and a test compares it with the parser. After a change of an option or of its docstring:
``python -m posture_classifier.training.fit_help``.
"""

import re
import textwrap
from argparse import Action, HelpFormatter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonargparse import DefaultHelpFormatter, capture_parser

from posture_classifier.training.fit import PostureCLI

FILE = Path(__file__).with_name("options.txt")
WIDTH = 100
SECTIONS = ("general", "data", "model", "unfreezing", "cache", "trainer")
"""First parts of the options' names, in the order of the list: Lightning's own come last."""


class OptionList(HelpFormatter):
    """A help formatter with a section for each first part of a name, and a paragraph an option."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._options: dict[str, list[Action]] = {name: [] for name in SECTIONS}

    def add_arguments(self, actions: Iterable[Action]) -> None:
        """Collect the options that hold a value; a link between options holds none."""
        for action in actions:
            name = action.option_strings[0]
            first, dot, _ = action.dest.partition(".")
            of_parser = action.dest in (*SECTIONS, "help", "print_config") or name.endswith(".help")
            if name.startswith("-") and not of_parser:
                self._options[first if dot else "general"].append(action)

    def format_help(self) -> str:
        """All sections, without the usage line and the titles that argparse adds."""
        sections = [f"{name}:\n" + "".join(map(_paragraph, options)) for name, options in self._options.items()]
        return "\n".join(sections)


def _paragraph(action: Action) -> str:
    """An option's name, then its description with type and default."""
    formatter = DefaultHelpFormatter("", max_help_position=6, width=100_000)  # type: ignore[no-untyped-call]
    formatter.add_argument(action)
    text = " ".join(formatter.format_help().splitlines()[1:])
    text = re.sub(r", known subclasses: .*(?=\)$)", "", text)
    text = re.sub(r":\w+:`~?(?:\w+\.)*(\w+)`", r"``\1``", text)  # references of Lightning's documentation
    text = re.sub(r" Default: \S+\.(?= )", "", text)  # Lightning's, where ours may differ
    name = next(name for name in action.option_strings if name.startswith("--"))
    indent = " " * 6
    filled = textwrap.fill(text.strip(), WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return f"  {name}\n{filled}\n"


class _FlatCLI(PostureCLI):
    """Has the options of ``fit`` in one parser, without Lightning's subcommands above it."""

    def setup_parser(self, add_subcommands: bool, main_kwargs: dict[str, Any], subparser_kwargs: dict[str, Any]) -> None:
        super().setup_parser(False, main_kwargs | {"formatter_class": OptionList}, subparser_kwargs)


def option_list() -> str:
    """The options of ``fit``, ``validate`` and ``test``, which are the same."""
    return capture_parser(_FlatCLI, ["fit"]).format_help()


if __name__ == "__main__":
    FILE.write_text(option_list(), encoding="utf-8")
