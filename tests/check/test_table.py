"""``check`` of photos that a table lists."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.api.functions import check
from posture_classifier.cli.program import main
from posture_classifier.data.module import PostureData
from tests.helpers.photo_tables import rows_of, write_table
from tests.helpers.photos import DrawFolder


@pytest.mark.slow
def test_a_table_is_checked_as_its_folder(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(each=4)
    gone = ("left/none.png", "left", "person0")
    table = write_table(tmp_path / "mine.csv", [*rows_of(root), gone])
    assert main(["check", str(root), "--table", str(table), "--output", str(tmp_path / "seen")]) == 2
    found = json.loads((tmp_path / "seen" / "check.json").read_text())
    assert found["table"] == str(table)
    assert ["left/none.png"] in [photos for finding in found["findings"] for photos in finding["photos"]]
    words = shlex.split(found["headline"]["command"])
    assert words[words.index("--data.table") + 1] == str(table)
    options: dict[str, Any] = {
        words[i].removeprefix("--data."): words[i + 1] for i in range(4, len(words) - 1) if words[i].startswith("--data.")
    }
    if "folds" in options:
        options["folds"] = int(options["folds"])
    with pytest.warns(UserWarning, match="skipping"):
        assert len(PostureData(**options).photos) == len(rows_of(root))


def test_python_takes_a_table_in_place_of_the_folder(draw_folder: DrawFolder) -> None:
    root = draw_folder()
    table = write_table(root / "mine.csv", rows_of(root))
    assert {finding.kind for finding in check(table)} == {finding.kind for finding in check(root, groups=r"person\d")}


def test_options_that_contradict_the_table_are_refused(draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw_folder()
    table = write_table(root / "mine.csv", rows_of(root))
    assert main(["check", str(table), "--group_pattern", "person"]) == 2
    assert "--group_pattern contradicts" in capsys.readouterr().err
    assert main(["check", str(table), "--layout", "class"]) == 2
    assert "--layout contradicts" in capsys.readouterr().err
