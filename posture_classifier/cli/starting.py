"""Says on a terminal at once that a command has begun, since libraries take seconds to load."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

ERASE_LINE = "\r\x1b[2K"


@contextmanager
def starting(command: str) -> Iterator[None]:
    """A context in which a line stands on the terminal until anything else is printed.

    Nothing of it goes into a pipe or a file. Of several processes of one training, the first says
    it.
    """
    out, error = sys.stdout, sys.stderr
    if not error.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("LOCAL_RANK", "0") != "0":
        yield
        return
    stands = True

    def erase() -> None:
        nonlocal stands
        if stands:
            stands = False
            error.write(ERASE_LINE)
            error.flush()

    error.write(f"{command}: starting, which takes some seconds ...")
    error.flush()
    wrapped = [cast(TextIO, _ErasingFirst(stream, erase)) for stream in (out, error)]
    sys.stdout, sys.stderr = wrapped
    try:
        yield
    finally:
        erase()
        if sys.stdout is wrapped[0]:
            sys.stdout = out
        if sys.stderr is wrapped[1]:
            sys.stderr = error


class _ErasingFirst:
    """A stream that erases the line before each text; whoever prints first is any library."""

    def __init__(self, stream: TextIO, erase: Callable[[], None]) -> None:
        self._stream = stream
        self._erase = erase

    def write(self, text: str) -> int:
        self._erase()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
