"""The confusion matrix as a table and as a picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posture_classifier.rendering.confusion_matrix import confusion_table, plot_confusion, row_shares

CONFUSION = np.array([[3, 1, 0], [0, 0, 0], [2, 2, 4]])


def test_shares_of_the_row() -> None:
    np.testing.assert_array_equal(row_shares(CONFUSION), [[0.75, 0.25, 0], [0, 0, 0], [0.25, 0.25, 0.5]])


def test_the_table_has_counts_and_shades() -> None:
    page = confusion_table(CONFUSION, ["a", "b", "<c>"])
    assert '<td style="--share: 0.75">3</td>' in page
    assert '<th scope="row">&lt;c&gt;</th>' in page


@pytest.mark.parametrize("n_classes", [2, 4, 31])
def test_the_picture_is_written(tmp_path: Path, n_classes: int) -> None:
    """With upright names, turned names, and no room for counts; a dollar begins no formula."""
    plot_confusion(np.eye(n_classes, dtype=np.int64), ["$a_b$"] * n_classes, "title", tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as picture:
        assert picture.width > picture.height >= 600
