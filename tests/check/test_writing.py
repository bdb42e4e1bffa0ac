"""The list of photos to leave out holds certain things, and asks before it changes the set."""

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from posture_classifier.check.writing import write_fixes
from posture_classifier.cli.program import main
from posture_classifier.data.module import PostureData
from posture_classifier.utils.errors import UserError
from tests.helpers.check_folders import check_folder, draw_people, draw_scenes, finding_of, kinds, plant
from tests.helpers.videos import draw_videos


def read_paths(path: Path) -> set[str]:
    """The photos that a list names."""
    with path.open() as file:
        return {row["path"] for row in csv.DictReader(file)}


@pytest.mark.slow
def test_frames_of_a_video_are_neither_contradictory_nor_left_out(tmp_path: Path) -> None:
    root, fixes = draw_videos(tmp_path / "videos", people=3, frames=40), tmp_path / "fixes.csv"
    result = check_folder(root)
    assert not kinds(result) & {"contradictory_labels", "copies", "identical_pixels"}
    scenes = finding_of(result, "same_scene")
    assert (scenes.severity, scenes.values["of_several_classes"]) == ("note", 3)
    assert write_fixes(result, fixes) == 0
    assert read_paths(fixes) == set()


def test_only_what_is_certain_is_on_the_list(tmp_path: Path) -> None:
    root, fixes = draw_scenes(tmp_path / "photos"), tmp_path / "fixes.csv"
    expected = plant(root)
    write_fixes(check_folder(root), fixes)
    certain = expected["unreadable"] | expected["contradictory_labels"] | {"circles/006.jpg", "circles/same_pixels.png"}
    copies = {"circles/002.jpg", "circles/same_bytes.jpg"}
    assert read_paths(fixes) <= certain | copies
    assert len(read_paths(fixes)) == len(expected["unreadable"]) + 2 + 1 + 1, "one of two equal files stays"


def test_a_picture_saved_again_in_another_class_is_shown_as_a_pair_and_stays(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=6)
    Image.open(root / "circles/000.jpg").save(root / "squares/again.jpg", quality=60)
    finding = finding_of(check_folder(root), "contradictory_labels")
    assert finding.photos == [["circles/000.jpg", "squares/again.jpg"]]
    assert finding.exclude == {}


def test_a_long_list_is_written_only_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, fixes = draw_scenes(tmp_path / "photos", each=6), tmp_path / "fixes.csv"
    for n in range(3):
        shutil.copy(root / f"circles/00{2 * n}.jpg", root / f"circles/copy{n}.jpg")
    arguments = ["check", str(root), "--fix_list", str(fixes)]
    assert main(arguments) == 2
    assert not fixes.exists()
    error = capsys.readouterr().err
    assert "3 of 15 photos (20%)" in error
    assert main([*arguments, "--fix_list_anyway"]) == 1
    assert read_paths(fixes) == {f"circles/copy{n}.jpg" for n in range(3)}


def test_a_list_that_takes_a_class_from_a_person_says_so(tmp_path: Path) -> None:
    root, fixes = draw_people(tmp_path / "photos", people=6), tmp_path / "fixes.csv"
    for n, path in enumerate(sorted((root / "circles").glob("subject-03_*"))):
        shutil.copy(path, root / "squares" / f"subject-04_9{n}.jpg")
    result = check_folder(root, r"subject-\d+")
    with pytest.raises(UserError, match=r"subject-03 keeps 0 of 5 circles and 5 of 5 squares"):
        write_fixes(result, fixes)
    assert write_fixes(result, fixes, anyway=True) == 10
    with pytest.warns(UserWarning, match=r"subject-03 keeps 0 of 5 circles and 5 of 5 squares"):
        assert len(PostureData(str(root), r"subject-\d+", exclude=str(fixes)).choice.indexed) == 55
