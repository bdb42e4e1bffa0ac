"""The confusion matrix as a table and as a picture."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from posture_classifier.rendering import confusion_matrix, elements, fonts
from posture_classifier.rendering.confusion_matrix import (
    confusion_table,
    draw_confusion,
    picture_names,
    plot_confusion,
    row_shares,
)
from posture_classifier.rendering.elements import SHADE
from posture_classifier.rendering.svg_charts import SERIES

CONFUSION = np.array([[3, 1, 0], [0, 0, 0], [2, 2, 4]])


def test_shares_of_the_row() -> None:
    np.testing.assert_array_equal(row_shares(CONFUSION), [[0.75, 0.25, 0], [0, 0, 0], [0.25, 0.25, 0.5]])


def test_the_table_has_counts_shares_and_shades() -> None:
    page = confusion_table(CONFUSION, ["a", "b", "<c>"])
    assert '<td style="--share: 0.75">3<br><span class="caption">75 %</span></td>' in page
    assert page.count(" %</span>") == 6, "a class without photos has no shares"
    assert '<th scope="row">&lt;c&gt;</th>' in page


def test_the_picture_has_the_counts_shares_and_shades_of_the_table() -> None:
    (axes, scale) = draw_confusion(CONFUSION, ["a", "b", "c"], "title").axes
    written = [text.get_text() for text in axes.texts]
    assert written.count("75 %") == 1
    assert written.count("0 %") == 1
    assert [text for text in written if "%" not in text] == [str(count) for count in CONFUSION.flat]
    (image,) = axes.images
    colours = np.asarray(image.cmap(np.asarray(image.norm(np.asarray(image.get_array())))))[..., :3]
    blue, shares = np.array(to_rgb(SERIES[0])), row_shares(CONFUSION)[..., None]
    np.testing.assert_allclose(colours, 1 - SHADE * shares * (1 - blue), atol=0.005)
    assert f"--most: {SHADE}" in confusion_table(CONFUSION, ["a", "b", "c"])
    style = (Path(elements.__file__).parent / "style.css").read_text(encoding="utf-8")
    assert "var(--series-1) calc(100% * var(--most) * var(--share))" in style
    assert f"--series-1: {SERIES[0]};" in style
    assert [label.get_text() for label in scale.get_yticklabels()] == ["0 %", "50 %", "100 %"]


def test_names_without_a_font_are_numbered_and_spelt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (confusion_matrix, fonts):
        monkeypatch.setattr(module, "drawable", str.isascii)
    monkeypatch.setattr(fonts, "_font_of", lambda letter: "DejaVu Sans" if letter.isascii() else "")
    classes = ["left", "거북목", "猫"]
    assert picture_names(classes) == ["left", "class 2 (geobugmog)", "class 3"]
    with pytest.warns(UserWarning, match="class 2 .geobugmog. is 거북목, class 3 is 猫.*fonts-noto-cjk.*report.html"):
        plot_confusion(CONFUSION, classes, "title", tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").is_file()


@pytest.mark.parametrize("n_classes", [2, 4, 31])
def test_the_picture_is_written(tmp_path: Path, n_classes: int) -> None:
    """With upright names, turned names, and no room for counts; a dollar begins no formula."""
    plot_confusion(np.eye(n_classes, dtype=np.int64), ["$a_b$"] * n_classes, "title", tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as picture:
        assert min(picture.size) >= 550


LONG = [
    "a_person_who_sits_upright_in_front_of_the_screen",
    "거북목_자세로_화면을_보고_있는_사람의_옆모습_사진_모음_폴더",
    "slouching" * 20,
]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("n_classes", [2, 3, 5, 12, 40])
def test_long_names_overlap_neither_each_other_nor_the_cells(n_classes: int) -> None:
    classes = [f"{LONG[label % 3]}_{label}" for label in range(n_classes)]
    figure = draw_confusion(np.eye(n_classes, dtype=np.int64), classes, "title")
    figure.canvas.draw()
    axes, scale = figure.axes
    assert axes.get_window_extent().width >= 300, "the cells keep their size"
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))
        assert not any(box.overlaps(axes.get_window_extent()) for box in boxes)
        assert len({label.get_text() for label in labels}) == n_classes, "names that differ still do"
    assert not scale.get_window_extent().overlaps(axes.get_window_extent())


def test_nothing_of_the_title_is_cut_off(tmp_path: Path) -> None:
    """It holds the interval."""
    widths = []
    for title in ("title", "a title with an interval " * 10):
        plot_confusion(np.eye(2, dtype=np.int64), ["a", "b"], title, tmp_path / "confusion.png")
        with Image.open(tmp_path / "confusion.png") as picture:
            widths.append(picture.width)
    assert widths[1] > 3 * widths[0]
