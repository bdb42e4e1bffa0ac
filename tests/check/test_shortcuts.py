"""Classes that file properties or light give away."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from posture_classifier.metrics.intervals import NORMAL_QUANTILE
from tests.helpers.check_folders import check_folder, draw_people, draw_scenes, finding_of, kinds


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
