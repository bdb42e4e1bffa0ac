"""Computes from the epoch alone which stages are open, and their learning rates.

So resuming a run needs no state. Stages are counted from the output here: stage 0 is the head,
which is always open. One that is solved at once takes no steps before another stage opens.
"""

import math
from dataclasses import dataclass
from typing import Literal

OpenStages = dict[int, int | Literal["all"]]
"""Number of open stages (value) from an epoch (key) on, counted from the output; ``"all"`` opens
every stage."""


@dataclass(frozen=True)
class Schedule:
    """When each stage opens, and how its learning rate then runs.

    Args:
        openings: Epoch at which each stage opens, head first, or from which on a solved head takes
            steps; ``math.inf`` for a stage that stays frozen.
        warmup_epochs: Epochs over which a newly opened stage's rate rises from 0 to its peak.
        max_epochs: Epoch at which every rate has fallen to 0 by half a cosine; None keeps rates at
            their peak.

    Example:
        >>> schedule = Schedule(openings(n_stages=4, every_n_epochs=2))
        >>> [schedule.open_stages(epoch) for epoch in range(6)]
        [1, 1, 2, 2, 3, 3]
    """

    openings: tuple[float, ...]
    warmup_epochs: float = 0.0
    max_epochs: int | None = None

    def open_stages(self, epoch: float) -> int:
        """Number of open stages, counted from the output, at ``epoch``; at least 1 (the head)."""
        return max(1, sum(opening <= epoch for opening in self.openings))

    def all_opened_at(self) -> float:
        """Epoch at which the last stage opens, of those that ever open."""
        return max((opening for opening in self.openings if opening < math.inf), default=0.0)

    def rate(self, stage: int, epoch: float) -> float:
        """Learning rate of ``stage`` at the (fractional) ``epoch`` as a share of its peak, 0 to 1.

        Warm-up and cosine decay (Loshchilov and Hutter 2017, section 3) both count from the stage's
        own opening, so a stage that opens late still starts from its full rate.
        """
        age = epoch - self.openings[stage]
        if age < 0:
            return 0.0
        warmup = min(1.0, age / self.warmup_epochs) if self.warmup_epochs else 1.0
        if self.max_epochs is None:
            return warmup
        lifetime = max(self.max_epochs - self.openings[stage], 1e-9)
        return warmup * 0.5 * (1 + math.cos(math.pi * min(1.0, age / lifetime)))


def openings(n_stages: int, every_n_epochs: int | None = None, open_stages: OpenStages | None = None) -> tuple[float, ...]:
    """Turn the user's options into the epoch at which each of ``n_stages`` opens, head first.

    Args:
        n_stages: Number of stages of the network, head included.
        every_n_epochs: Open one more stage every n epochs.
        open_stages: Numbers of open stages by epoch, e.g. ``{10: 2, 15: "all"}``.

    Raises:
        ValueError: Both options are given, or one is out of range.
    """
    if every_n_epochs is not None and open_stages:
        raise ValueError("give unfreezing.every_n_epochs or unfreezing.open_stages, not both")
    if every_n_epochs is not None:
        if every_n_epochs < 1:
            raise ValueError(f"unfreezing.every_n_epochs is {every_n_epochs}, but must be at least 1")
        return tuple(float(stage * every_n_epochs) for stage in range(n_stages))
    result = [0.0] + [math.inf] * (n_stages - 1)
    for epoch, count in (open_stages or {}).items():
        n_open = n_stages if count == "all" else count
        if epoch < 0 or n_open < 1:
            raise ValueError(f"unfreezing.open_stages has {epoch}: {count}, but epochs start at 0 and counts at 1")
        for stage in range(min(n_open, n_stages)):
            result[stage] = min(result[stage], float(epoch))
    return tuple(result)


def with_solved_head(openings: tuple[float, ...]) -> tuple[float, ...]:
    """The same where the head is solved before the first step: it goes on with the second stage.

    Example:
        >>> with_solved_head(openings(n_stages=3, open_stages={2: 2}))
        (2.0, 2.0, inf)
    """
    return openings[1:2] + openings[1:]
