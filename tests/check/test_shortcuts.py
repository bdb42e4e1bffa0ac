"""Classes that file properties or light give away."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.sample import Sample
from posture_classifier.check.shortcuts import shortcut_examples, shortcut_findings
from posture_classifier.data.folder import read_folder
from posture_classifier.metrics.intervals import NORMAL_QUANTILE
from tests.helpers.check_folders import check_folder, draw_people, draw_scenes, finding_of, kinds, no_progress


def quality(path: Path) -> None:
    Image.open(path).save(path, quality=50)


def dark_edges(path: Path) -> None:
    image = Image.open(path)
    image.paste((0, 0, 0), (0, 0, image.width, 30))
    image.save(path, quality=92)


def one_day(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = f"2024:05:01 10:{int(path.stem) % 60:02}:00"
    Image.open(path).save(path, quality=92, exif=exif)


@pytest.mark.parametrize(
    ("change", "kind", "used"),
    [
        (quality, "file_property_shortcut", "JPEG quality"),
        (one_day, "file_property_shortcut", "date"),
        (dark_edges, "light_shortcut", "blue of the corners"),
    ],
)
def test_a_class_taken_in_another_way(tmp_path: Path, change: Callable[[Path], None], kind: str, used: str) -> None:
    root = draw_scenes(tmp_path / "photos", each=25)
    for path in (root / "squares").glob("*.jpg"):
        change(path)
    finding = finding_of(check_folder(root), kind)
    assert finding.severity == "warning"
    alone = finding.values["alone"]
    assert alone[used] == max(alone.values()) == 1
    assert used in finding.text
    captions = [caption for caption in finding.examples if caption.startswith(("typical of circles", "typical of squares"))]
    assert captions == list(finding.examples), "the model is never wrong"
    assert all({path.split("/")[0] for path in finding.examples[caption]} == {caption.split()[2]} for caption in captions)
    best = [name for name, share in alone.items() if share == 1]
    for caption in captions:
        assert any(f"({name}: " in caption for name in best)
        assert len(finding.examples[caption]) == 6


def test_examples_are_of_many_groups_and_of_the_wrong_side() -> None:
    labels, groups = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 3, 4, 5])
    sample = Sample(np.arange(6), labels, ["circles", "squares"], groups, np.zeros((6, 2), np.float32))
    of_circles = np.array([0.9, 0.9, 0.9, 0.2, 0.1, 0.6])
    probabilities = np.stack([of_circles, 1 - of_circles], 1)
    found = shortcut_examples(probabilities, sample, list("abcdef"), "width", [10.0, 12.0, math.nan, 40.0, 40.0, 11.0])
    assert found == {
        "typical of circles (width: 10 to 12)": ["a", "b", "c"],
        "circles, but taken for squares (width: 40)": ["d"],
        "typical of squares (width: 40)": ["e"],
        "squares, but taken for circles (width: 11)": ["f"],
    }
    many = replace(sample, labels=np.zeros(6, np.int64), class_names=["circles"], joined_groups=np.array([0, 0, 2, 3, 4, 5]))
    first = shortcut_examples(np.ones((6, 1)), many, list("abcdef"), "camera", ["x"] * 5 + [""])
    assert first == {"typical of circles (camera: unknown, x)": ["a", "c", "d", "e", "f", "b"]}, "one of each group first"


def test_two_groups_show_no_shortcut(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=12)
    for path in (root / "squares").glob("*.jpg"):
        quality(path)
    folder = CheckedFolder(read_folder(root), no_progress)
    assert folder.folds
    assert shortcut_findings(folder.scan, folder.sample, folder.folds, folder.readable.paths.tolist())
    two = replace(folder.sample, joined_groups=np.arange(len(folder.sample.rows)) % 2)
    assert not shortcut_findings(folder.scan, two, folder.folds, folder.readable.paths.tolist()), "their interval is unknown"


def test_four_people_are_enough_to_see_a_shortcut(tmp_path: Path) -> None:
    root, pattern = draw_people(tmp_path / "people", people=4), r"subject-\d+"
    clean = check_folder(root, pattern)
    assert kinds(clean, "warning", "error") == {"small_classes"}
    assert finding_of(clean, "small_classes").severity == "warning", "fit takes them"
    assert finding_of(clean, "unchecked").values == {"units": 4}
    for path in (root / "squares").glob("*.jpg"):
        quality(path)
    found = finding_of(check_folder(root, pattern), "file_property_shortcut").values
    assert found["alone"]["JPEG quality"] == found["balanced_accuracy"] == found["high"] == 1
    assert found["chance"] == 0.5
    assert found["low"] == pytest.approx(4 / (4 + NORMAL_QUANTILE**2)), "each person is one trial, however many photos there are"
