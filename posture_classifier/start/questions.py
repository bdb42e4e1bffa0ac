"""Questions at the terminal, each with a proposal that ``--yes`` takes."""

import sys
from collections.abc import Callable

from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError

Ask = Callable[[str, str], str]
"""Asks a question and returns the answer; the second argument is the proposal, which an empty
answer takes."""
YES = ("y", "yes")


def take_proposals(question: str, proposal: str) -> str:
    """Answer each question by its proposal, and print both."""
    say(f"{question} {proposal}")
    return proposal


def ask_at_terminal(question: str, proposal: str) -> str:
    """Ask a person.

    Raises:
        UserError: Nobody is at a terminal, or the input ended.
    """
    if not sys.stdin.isatty():
        raise UserError("start asks questions at a terminal; add --yes to take what it proposes")
    try:
        answer = input(f"{question} [{proposal}] ").strip()
    except EOFError as error:
        raise UserError("start was left without an answer; add --yes to take what it proposes") from error
    return answer or proposal
