"""The files below a folder, as ``fit`` finds them."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.check.folder_layout import list_folder
from posture_classifier.data.folder import read_folder
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
