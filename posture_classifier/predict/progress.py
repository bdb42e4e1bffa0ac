"""How far a prediction of hours is: a bar on a terminal, a line now and then in a log."""

import threading
import time
from contextlib import suppress
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from posture_classifier.predict.photo_list import PhotoList
from posture_classifier.predict.shard import Shard
from posture_classifier.utils.console import say, terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural

LINE_EVERY = 300.0
"""Seconds between two lines in a log."""


class Progress:
    """Shows how many photos are done, of how many of a shard once that is known.

    The photos are counted while the first ones are classified: a walk through millions of files
    takes a while, and nothing waits for its end.

    Attributes:
        done: Number of photos that are done.
        total: Number of all photos of the part; None until they are counted, which only the first
            part does.
        first: When the first photo was done, by ``time.perf_counter``; None until then.
    """

    def __init__(self, photos: PhotoList, shard: Shard) -> None:
        self.done = 0
        self.total: int | None = None
        self.first: float | None = None
        self._photos, self._shard = photos, shard
        self._before, self._began = 0, time.perf_counter()
        self._next_line = self._began + LINE_EVERY
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=terminal(), transient=True)
        self._task = self._bar.add_task("Classifying", total=self.total)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def begin(self, done: int) -> None:
        """Begin, with some photos done already."""
        self.done = self._before = done
        self._began = time.perf_counter()
        self._bar.update(self._task, completed=done)
        if self._shard.number == 0:  # a thousand processes need not all ask the disk twice
            threading.Thread(target=self._count, name="counting photos", daemon=True).start()

    def advance(self) -> None:
        """One more photo is done."""
        self.first = self.first or time.perf_counter()
        self.done += 1
        self._bar.update(self._task, completed=self.done, total=self.total)
        if time.perf_counter() >= self._next_line:
            self._next_line = time.perf_counter() + LINE_EVERY
            if not self._bar.console.is_terminal:
                say(str(self))

    def __str__(self) -> str:
        rate = (self.done - self._before) / max(time.perf_counter() - self._began, 1e-9)
        part = "" if self._shard.of == 1 else f"shard {self._shard}: "
        said = f"{part}{self._how_many()}, {rate:.3g} a second"
        if self.total and rate:
            said += f", about {_duration((self.total - self.done) / rate)} left"
        return said

    def _how_many(self) -> str:
        return plural(self.done, "photo") if self.total is None else f"{self.done} of {plural(self.total, 'photo')}"

    def describe(self, where: str) -> str:
        """Say how many of how many photos are there: ``20 of 100 photos are in table.csv.part``."""
        return f"{self._how_many()} {where}"

    def _count(self) -> None:
        with suppress(UserError, OSError):  # which the photos that are classified will meet, too
            self.total = sum(map(self._shard.holds, self._photos))


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
