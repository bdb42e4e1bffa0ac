"""Photos are found by what other programs call them, and never in place of another."""

from pathlib import Path

import pytest

from posture_classifier.audit.photos import PhotoPaths
from posture_classifier.data.folder import read_folder
from tests.helpers.photos import draw


@pytest.fixture
def paths(tmp_path: Path) -> PhotoPaths:
    for number, path in enumerate(("a/1.png", "a/2.png", "b/1.png", "b/one/3.png", "b/two/3.png")):
        file = tmp_path / "photos" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        draw(0, number).save(file)
    return PhotoPaths(read_folder(tmp_path / "photos"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/1.png", [0]),
        ("./a/1.png", [0]),
        ("a/1", [0]),
        ("a\\1.png", [0]),
        ("C:\\data\\photos\\b\\1.png", [2]),
        ("/elsewhere/a/1.png", [0]),
        ("file:///elsewhere/a/1.png", [0]),
        ("../other/b/two/3.png", [4]),
        ("two/3", [4]),
        ("2.png", [1]),
        ("flat/2.png", [1]),
        ("1.png", [0, 2]),
        ("3.png", [3, 4]),
        ("b/2.png", []),  # the photo of this name is of another class
        ("/elsewhere/b/2.png", []),
        ("4.png", []),
        ("", []),
    ],
)
def test_find(paths: PhotoPaths, name: str, found: list[int]) -> None:
    assert paths.find(name) == found


def test_a_path_below_the_folder_is_that_photo(tmp_path: Path, paths: PhotoPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.find("photos/a/1.png") == [0]
    assert paths.find(str(tmp_path / "photos" / "b" / "1.png")) == [2]


def test_all_of_one_path_must_fit_where_nothing_may_be_guessed(paths: PhotoPaths) -> None:
    assert paths.find("2.png", whole=True) == [1]
    assert paths.find("flat/2.png", whole=True) == []
    assert paths.find("/elsewhere/a/2.png", whole=True) == [1]
