"""Questions at the terminal, each with a proposal that ``--yes`` takes."""

import sys
from collections.abc import Callable

from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError

Ask = Callable[[str, str], str]
"""Asks a question and returns the answer; the second argument is the proposal, which an empty
answer takes. Without a proposal an empty answer is one."""
# Also what the keys y and n type while a Korean keyboard is on.
YES = ("y", "yes", "ㅛ", "예", "네")
NO = ("n", "no", "ㅜ", "아니요", "아니오")


def take_proposals(question: str, proposal: str) -> str:
    """Answer each question by its proposal, and print both."""
    say(f"{question} {proposal}".rstrip())
    return proposal


def ask_at_terminal(question: str, proposal: str) -> str:
    """Ask a person.

    Raises:
        UserError: Nobody is at a terminal, or the input ended.
    """
    if not sys.stdin.isatty():
        raise UserError("start asks questions at a terminal; add --yes to take what it proposes")
    try:
        # Printed, and not given to input(), which would end its lines within words.
        say(question)
        answer = input(f"[{proposal}] " if proposal else "> ").strip()
    except EOFError as error:
        raise UserError("start was left without an answer; add --yes to take what it proposes") from error
    return answer or proposal


def says_yes(ask: Ask, question: str, proposal: str) -> bool:
    """Ask until the answer is yes or no."""
    while (answer := ask(f"{question} y or n:", proposal).lower()) not in (*YES, *NO):
        say(f"{answer!r} is neither y nor n.")
    return answer in YES
