"""A table of the epochs of a training, of which each line is printed when its epoch ends."""

from collections.abc import Mapping

COLUMNS = ("epoch", "stages open", "train loss", "val loss", "val accuracy", "seconds")
MISSING = "-"


class EpochTable:
    """Makes the lines: the head once, then one for each epoch.

    Example:
        >>> table = EpochTable(n_epochs=10, n_stages=6)
        >>> values = {"train/loss": 0.7, "val/loss": 0.6, "val/accuracy": 0.75, "stages_open": 1}
        >>> print(table.lines(0, values, 1.5))
        epoch  stages open  train loss  val loss  val accuracy  seconds
          0/9       1 of 6       0.700     0.600         0.750      1.5
        >>> print(table.lines(1, {}, 1.5))
          1/9            -           -         -             -      1.5
    """

    def __init__(self, n_epochs: int | None, n_stages: int) -> None:
        """Begin a table; a training without an end has None epochs."""
        self._of = f"/{n_epochs - 1}" if n_epochs is not None and n_epochs > 0 else ""
        self._n_stages = n_stages
        self._widths = [max(len(title), len(self._of) * 2 - 1) for title in COLUMNS]
        self._has_head = False

    def lines(self, epoch: int, values: Mapping[str, float], seconds: float) -> str:
        """The epoch's line, below the head if that was not made yet.

        Epochs count from 0, as in ``metrics.csv``, whose names the values have; some may lack.
        Seconds include validation.
        """
        n_open = values.get("stages_open")
        measured = [values.get(name) for name in ("train/loss", "val/loss", "val/accuracy")]
        cells = [
            f"{epoch}{self._of}",
            MISSING if n_open is None else f"{n_open:.0f} of {self._n_stages}",
            *(MISSING if value is None else f"{value:.3f}" for value in measured),
            f"{seconds:.1f}",
        ]
        head = [] if self._has_head else [self._line(COLUMNS)]
        self._has_head = True
        return "\n".join([*head, self._line(cells)])

    def _line(self, cells: tuple[str, ...] | list[str]) -> str:
        return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, self._widths, strict=True))
