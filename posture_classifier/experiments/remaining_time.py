"""How long a series of trainings still takes."""

import time


class RemainingTime:
    """Counts trainings, and estimates how long the rest takes from those that have ended.

    Of all trainings some may have ended before, so that fewer are waiting.
    """

    def __init__(self, total: int, waiting: int) -> None:
        self._total, self._waiting = total, waiting
        self._begun = self._ended = 0
        self._started = time.monotonic()

    def begin(self) -> str:
        """Count one more as begun; returns ``3 of 20 (4 min so far, about 30 min to go)``."""
        self._begun += 1
        text = f"{self._total - self._waiting + self._begun} of {self._total}"
        if not self._ended:
            return text
        elapsed = (time.monotonic() - self._started) / 60
        # Trainings that run at the moment count as not begun.
        to_go = elapsed / self._ended * (self._waiting - self._ended)
        return f"{text} ({elapsed:.0f} min so far, about {to_go:.0f} min to go)"

    def end(self) -> None:
        """Count one more as ended."""
        self._ended += 1
