"""Why the program stops, and who has to know of it."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Cause:
    """Why the program stops.

    Attributes:
        what: The beginning of a sentence.
        exit_code: Exit code of the program.
        signal: Number of the signal, if it is one.
    """

    what: str
    exit_code: int
    signal: int | None = None

    @classmethod
    def of_signal(cls, number: int) -> "Cause":
        """A signal; shells too report number N as exit code 128 + N."""
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        return cls(f"stopped by {name}", 128 + number, number)


class Stop(KeyboardInterrupt):
    """Raised in the main thread: what knows Ctrl-C ends in order."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.what)
        self.cause = cause


StopFunction = Callable[[Cause], str | None]
"""Writes what must not be lost, and may say how to go on; called once, in any thread."""


class Peers(Protocol):
    """Other processes that should stop too."""

    def tell(self, cause: Cause) -> None:
        """Stop them for a cause."""

    def failed(self, error: Exception) -> None:
        """Stop them, since this process has failed."""

    def end(self) -> None:
        """Let them go on, since this process has done its part."""

    def forget(self) -> None:
        """Leave them to the parent of this process, which was forked."""
