"""The figures of Canziani et al. 2016 that ``backbones`` draws, by name, and what each needs.

Source: Canziani, Paszke and Culurciello 2016, "An Analysis of Deep Neural Network Models for
Practical Applications", arXiv 1605.07678.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from posture_classifier.utils.errors import UserError


@dataclass(frozen=True)
class CostFigure:
    """What a figure shows.

    Attributes:
        kind: Discs are networks in their largest batch, lines go over batch sizes, and bars are
            networks, the highest on top.
        x: Column of the ``backbones`` command along the horizontal axis.
        y: Column along the vertical axis.
        area: Column of the discs' area.
    """

    kind: Literal["discs", "lines", "bars"]
    x: str
    y: str
    area: str = "parameters"


FIGURES = {
    "accuracy": CostFigure("discs", "multiply_adds", "accuracy"),  # figure 2
    "throughput": CostFigure("discs", "multiply_adds", "photos_per_second"),
    "batch": CostFigure("lines", "batch_size", "ms_per_photo"),  # figure 3
    "power": CostFigure("lines", "batch_size", "watts"),  # figure 4
    "memory": CostFigure("lines", "batch_size", "batch_inference_bytes"),  # figure 5
    "operations": CostFigure("discs", "ms_per_photo", "multiply_adds"),  # figure 7
    "energy": CostFigure("discs", "joules_per_photo", "multiply_adds"),  # figure 8, by photo
    "speed": CostFigure("discs", "photos_per_second", "accuracy", area="multiply_adds"),  # figure 9
    "density": CostFigure("bars", "accuracy", "parameters"),  # figure 10
}
"""Figures by name, with the number that each has in the paper."""
MEASURED = {"ms_per_photo", "photos_per_second", "watts", "joules_per_photo"}
"""Columns that are empty without ``--measure``."""
POWER = {"watts", "joules_per_photo"}
"""Columns that are empty where no sensor can be read."""


def figure_files(names: Sequence[str], path: Path) -> dict[str, Path]:
    """Name the file of each figure: several get their names behind that of the file.

    Example:
        >>> [str(path) for path in figure_files(["batch", "speed"], Path("cpu.png")).values()]
        ['cpu_batch.png', 'cpu_speed.png']
    """
    return {name: path if len(names) == 1 else path.with_stem(f"{path.stem}_{name}") for name in names}


def choose_figures(wanted: str | None, measure: bool, accuracy: bool, n_batch_sizes: int) -> list[str]:
    """Read ``--figure``, and check that there will be something to draw.

    Args:
        wanted: Names with commas between them; None is the accuracy if there is one, or else the
            throughput.
        measure: Whether the networks are timed.
        accuracy: Whether accuracies are given.
        n_batch_sizes: Number of batch sizes.

    Raises:
        UserError: There is no such figure, or an option that it needs is missing.
    """
    if wanted is None:
        if not (measure or accuracy):
            raise UserError(
                "--plot needs something to draw against the multiply-adds; add --measure, or accuracies with --accuracy"
            )
        return ["accuracy" if accuracy else "throughput"]
    names = list(dict.fromkeys(name.strip() for name in wanted.strip("[]").split(",")))
    for name in names:
        if name not in FIGURES:
            raise UserError(f"--figure {name} is unknown; choose from {', '.join(FIGURES)}")
        figure = FIGURES[name]
        columns = {figure.x, figure.y}
        for missing, remedy in (
            ("accuracy" in columns and not accuracy, "accuracies; add --accuracy imagenet, a .csv file or run folders"),
            (columns & MEASURED and not measure, "measured times; add --measure"),
            (figure.kind == "lines" and n_batch_sizes < 2, "several batch sizes; add --batch_size 1,2,4,8,16,32,64"),
        ):
            if missing:
                raise UserError(f"--figure {name} needs {remedy}")
    return names


def needs_power(names: Sequence[str]) -> bool:
    """Whether a figure shows what only a GPU's sensor tells."""
    return any({FIGURES[name].x, FIGURES[name].y} & POWER for name in names)
