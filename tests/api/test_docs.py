"""The examples of ``docs/python.md`` are run, one after the other, as a notebook would."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from posture_classifier import Run
from posture_classifier.api import functions, options
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY

TINY = ["--model.backbone", "lenet5", "--model.pretrained", "false", "--model.image_size", "32", "--data.num_workers", "0"]
PEOPLE = ("anna", "ben", "chloe", "david", "emma", "finn")


@pytest.mark.slow
def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for photo in draw_photos(tmp_path / "drawn", 6, 4, ("left", "right")).rglob("*.png"):
        person, number = re.findall(r"\d+", photo.stem)
        target = tmp_path / "my_photos" / photo.parent.name / f"{PEOPLE[int(person)]}_{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, target)
    (tmp_path / "new").mkdir()
    shutil.copy(target, tmp_path / "new" / "photo.jpg")
    # The examples name no network: the default one is large, and its weights are elsewhere.
    monkeypatch.setattr(functions, "command_words", lambda *given: TINY + options.command_words(*given))
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert isinstance(names["run"], Run)
    assert names["run"].folder == Path("lightning_logs/my_photos/version_1")
    assert names["run"].summary["seed"] == 1
    assert names["pooled"].groups == 6
    assert names["prediction"].label in ("left", "right")
    assert [prediction.path for prediction in names["predictions"]] == ["new/photo.jpg"]
    assert names["classifier"].model.preprocessing.image_size == 48
