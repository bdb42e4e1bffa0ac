"""Groups that names and dates suggest."""

import re
from pathlib import Path

import pytest

from tests.helpers.check_folders import check_folder, draw_people, finding_of


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("s{0}_f{1:05}.jpg", r"--data.group_pattern '/(s\d+)_'"),
        ("IMG_202108{0:02}_1715{1:02}.jpg", r"--data.group_pattern '20\d{6}'"),
        ("kim{0}/{1}.jpg", r"--data.group_pattern '^[^/]+/([^/]+)/'"),
        ("user{0}-{1}.jpg", r"--data.group_pattern 'user\d+'"),
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
