"""Classes that differ in size, or are too small."""

from pathlib import Path

from tests.helpers.check_folders import check_folder, draw_scenes, finding_of


def test_imbalance(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=22)
    for path in sorted((root / "squares").glob("*.jpg"))[2:]:
        path.unlink()
    result = check_folder(root)
    assert finding_of(result, "class_imbalance").values == {"counts": {"circles": 22, "squares": 2}}
    assert finding_of(result, "class_imbalance").severity == "warning"
    assert finding_of(result, "small_classes").values == {"units": {"circles": 22, "squares": 2}}
    assert finding_of(result, "small_classes").severity == "error", "two photos cannot be on three sides"


def test_what_takes_more_photos_is_reported_as_unchecked(tmp_path: Path) -> None:
    finding = finding_of(check_folder(draw_scenes(tmp_path / "photos", each=4)), "unchecked")
    assert finding.severity == "note"
    assert finding.values == {"units": 4}
    assert "circles" in finding.text
