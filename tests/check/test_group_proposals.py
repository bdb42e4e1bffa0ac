"""Groups that names and dates suggest."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.check_folders import check_folder, draw_people, finding_of


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("s{0}_f{1:05}.jpg", r"--group_pattern '(?<![A-Za-z0-9])[psvPSV]\d+(?=[-_])'"),
        ("IMG_202108{0:02}_1715{1:02}.jpg", r"--group_pattern '(?<!\d)20\d\d[-_]?[01]\d[-_]?[0-3]\d(?!\d)'"),
        ("kim{0}/{1}.jpg", "--group_pattern '([^/]+)/[^/]+$'"),
        ("user{0}-{1}.jpg", r"--group_pattern 'user\d+'"),
    ],
)
def test_names_that_cameras_and_people_give(tmp_path: Path, name: str, proposal: str) -> None:
    root = draw_people(tmp_path / "people", people=6, each=2)
    for path in list(root.rglob("*.jpg")):
        person, n = re.findall(r"\d+", path.stem)
        new = path.parent / name.format(int(person) + 10, int(n))
        new.parent.mkdir(exist_ok=True)
        path.rename(new)
    assert finding_of(check_folder(root), "groups").values["proposal"] == proposal


def test_sessions_are_proposed_from_camera_and_time(tmp_path: Path) -> None:
    root = draw_people(tmp_path / "people", people=6, each=2)
    for n, path in enumerate(sorted(root.rglob("*.jpg"))):
        person = int(path.stem[8:10])
        exif = Image.Exif()
        exif[0x0110] = "Phone"
        exif[0x0132] = f"2024:05:01 {8 + person:02}:00:{n:02}"
        image = Image.open(path).copy()
        path.unlink()
        image.save(path.with_name(f"{n:03}.jpg"), exif=exif, quality=92)
    finding = finding_of(check_folder(root), "groups")
    assert (finding.values["proposal"], finding.values["groups"]) == ("data.group_by exif", 6)
