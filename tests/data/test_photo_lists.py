"""CSV files that name photos."""

from pathlib import Path

import pytest

from posture_classifier.data.folder import read_folder
from posture_classifier.data.photo_lists import exclude_photos, read_photo_list
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder


def test_a_spreadsheets_byte_order_mark_and_short_rows_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,reason\na.jpg,blurred\nb.jpg\n", encoding="utf-8-sig")
    rows = read_photo_list("data.exclude", path, ["path"], "check")
    assert rows == [{"path": "a.jpg", "reason": "blurred"}, {"path": "b.jpg", "reason": ""}]


@pytest.mark.parametrize("content", [None, "", "name\na.jpg\n"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"data\.exclude .*list\.csv .*check"):
        read_photo_list("data.exclude", path, ["path"], "check")


def test_named_photos_are_left_out(tmp_path: Path, draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder())
    (tmp_path / "list.csv").write_text("path\nleft/person0_0.png\n")
    assert set(photos.paths) - set(exclude_photos(photos, tmp_path / "list.csv").paths) == {"left/person0_0.png"}


def test_a_list_may_name_what_is_no_photo_anyway(tmp_path: Path, draw_folder: DrawFolder) -> None:
    """An earlier version took thumbnails for photos, and its check found that they are copies."""
    photos = read_folder(draw_folder())
    (tmp_path / "list.csv").write_text("path\nleft/person0_0.png\nleft/@eaDir/person0_0.png/SYNOPHOTO_THUMB_M.jpg\n")
    rest = exclude_photos(photos, tmp_path / "list.csv")
    assert len(rest) == 23
    assert rest.left_out == {("excluded", ""): 1}


def test_an_empty_list_leaves_out_nothing(tmp_path: Path, draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder())
    (tmp_path / "list.csv").write_text("path\n")
    assert len(exclude_photos(photos, tmp_path / "list.csv")) == len(photos)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("path\nleft/nobody.png\n", "left/nobody.png"),
        ("name\nleft/person1_0.png\n", "path"),
        ("path\n" + "".join(f"left/person{p}_{n}.png\n" for p in range(6) for n in range(2)), "left"),
        (None, "No such file"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, draw_folder: DrawFolder, content: str | None, expected: str) -> None:
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"data\.exclude") as error:
        exclude_photos(read_folder(draw_folder()), path)
    assert expected in str(error.value).replace(str(tmp_path), "")
