"""Learning curves from ``metrics.csv``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from posture_classifier.rendering.learning_curves import LOSSES, draw_curve, learning_chart, plot_curves

ROWS = [
    {"epoch": str(epoch), "stages_open": stages, "train/loss": str(1 / (epoch + 1)), "val/loss": loss}
    for epoch, (stages, loss) in enumerate([("1", "0.9"), ("1", ""), ("3", "0.5"), ("3", "0.4")])
]


def test_a_cell_that_is_empty_is_left_out() -> None:
    axes = Figure().add_subplot()
    assert draw_curve(axes, ROWS, "val/loss") == [0.9, 0.5, 0.4]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0, 2, 3])
    assert draw_curve(axes, ROWS, "val/accuracy") == [], "a column that is not there"


def test_a_chart_says_how_many_stages_learn() -> None:
    chart = learning_chart(ROWS, LOSSES, "cross-entropy", best=3)
    assert chart.count(">head<") == 1
    assert chart.count(">3 stages<") == 1
    assert "validation ends at 0.4" in chart
    plain = [{name: value for name, value in row.items() if name != "stages_open"} for row in ROWS]
    assert ">head<" not in learning_chart(plain, LOSSES, "cross-entropy", best=None)


def test_the_picture_is_written(tmp_path: Path) -> None:
    plot_curves(ROWS, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > picture.height > 300
