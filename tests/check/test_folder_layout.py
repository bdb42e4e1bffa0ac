"""The files below a folder, as ``fit`` finds them."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.check.folder_layout import KINDS, layout_findings, list_folder
from posture_classifier.check.headline import not_estimated
from posture_classifier.check.html_page import write_check
from posture_classifier.check.run_checks import Result
from posture_classifier.check.writing import findings_table, write_json
from posture_classifier.data.folder import read_folder
from posture_classifier.rendering.elements import thumbnail
from posture_classifier.rendering.translation import ENGLISH, Translator
from tests.helpers.check_folders import CLASSES, check_folder, draw_scenes, finding_of


@pytest.mark.parametrize("split", ["", "train/"])
def test_folders_that_are_links_are_looked_into_as_by_fit(tmp_path: Path, split: str) -> None:
    real, root = draw_scenes(tmp_path / "elsewhere", each=3), tmp_path / "linked"
    (root / split).mkdir(parents=True)
    for name in CLASSES:
        (root / split / name).symlink_to(real / name)
    if split:
        (root / "test").symlink_to(draw_scenes(tmp_path / "more", each=3, seed=1000))
    (real / CLASSES[0] / "up").symlink_to(real)
    listed, taken = list_folder(root).photos, read_folder(root)
    assert listed.paths.tolist() == taken.paths.tolist()
    assert len(taken) == (12 if split else 6)
    assert listed.splits.tolist() == taken.splits.tolist()


def test_a_link_to_itself_is_no_class(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=3)
    (root / "circle").symlink_to(root / "circle")
    assert len(read_folder(root)) == len(list_folder(root).photos) == 6


def test_a_closed_folder_is_an_error_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not stop root, so the system's answer is made."""
    root = draw_scenes(tmp_path / "photos", each=3)
    closed = root / "circles" / "anna"
    closed.mkdir()
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    result = check_folder(root)
    finding = finding_of(result, "folder_layout")
    assert finding.severity == "error"
    assert str(closed) in finding.text
    assert len(result.photos) == 6


def test_every_kind_is_a_finding_with_its_number_and_what_to_do(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=3)
    for name in ("loose.jpg", "circles/._000.jpg", "circles/raw.nef", "circles/next.jxl", "circles/scan.dcm", "circles/notes.txt"):
        shutil.copy(root / "circles/000.jpg", root / name)
    for folder in ("circles/@eaDir", "circles/.Trash-1000", "#recycle"):
        shutil.copytree(root / "squares", root / folder)
    (root / "circles" / "again").symlink_to(root / "circles")
    listing = list_folder(root)
    findings = {finding.kind: finding for finding in layout_findings(listing)}
    assert list(findings) == list(KINDS)
    assert len(listing.photos) == 6
    assert findings["unsupported_formats"].photos == [["circles/next.jxl"], ["circles/raw.nef"], ["circles/scan.dcm"]]
    assert "1 .dcm (DICOM)" in findings["unsupported_formats"].text
    assert findings["other_files"].photos == [["circles/notes.txt"]]
    assert "4 files" in findings["hidden_files"].text
    assert "6 files" in findings["system_folders"].text
    assert findings["system_folders"].captions == ["3 files", "3 files"]
    assert {kind for kind, finding in findings.items() if finding.severity == "warning"} == {
        "unsupported_formats",
        "outside_classes",
    }
    result = Result(listing.photos, list(findings.values()), not_estimated("no photo was read"))
    write_check(result, tmp_path / "check.html")
    write_json(result, tmp_path / "check.json")
    assert findings_table(result.findings, Translator(ENGLISH)).row_count == len(KINDS)
    assert "circles/<wbr>@eaDir" in (tmp_path / "check.html").read_text()
    assert thumbnail(root / "circles" / "@eaDir", 16) is None


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (("left/a.jpg", "left/A.JPG", "left/b.jpg"), ["left/A.JPG", "left/a.jpg"]),
        (("left/a.jpg", "Left/a.jpg"), ["Left", "left"]),
        (("left/\u00e9.jpg", "left/e\u0301.jpg"), ["left/e\u0301.jpg", "left/\u00e9.jpg"]),
    ],
)
def test_names_that_another_disk_takes_for_one(tmp_path: Path, names: tuple[str, ...], alike: list[str]) -> None:
    for name in (*names, "right/a.jpg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).touch()
    (finding,) = layout_findings(list_folder(tmp_path / "photos"))
    assert finding.kind == "same_names"
    assert finding.photos == [alike]
