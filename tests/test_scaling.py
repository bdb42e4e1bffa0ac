"""The commands of ``docs/scaling.md``: the program takes each, and predictions are made."""

import csv
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from posture_classifier.cli.program import main
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY

PAGE = (REPOSITORY / "docs" / "scaling.md").read_text(encoding="utf-8")
PROGRAM = "-m posture_classifier "
COMMANDS = [
    shlex.split(line.partition(PROGRAM)[2], comments=True)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if PROGRAM in line
]
TRAININGS = [words for words in COMMANDS if words[0] != "predict"]


@pytest.mark.parametrize("words", TRAININGS, ids=" ".join)
def test_a_training_is_one_that_the_program_takes(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--print_config"])
    assert ended.value.code == 0
    settings = yaml.safe_load(capsys.readouterr().out)
    assert settings["data"]["root"] == "data/turtle_neck"
    if "--engine" in words:
        assert settings["engine"] == words[words.index("--engine") + 1]


@pytest.fixture
def folder(tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands of the page are given in."""
    draw_folder()
    shutil.copy(OLD_CHECKPOINT, tmp_path / "best.ckpt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def merge_and_count() -> int:
    """Merge the parts as the page says, and return the number of photos, each there once."""
    (words,) = [words for words in COMMANDS if "--merge" in words]
    assert main(words) == 0
    with Path("table.csv").open() as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    assert len(set(paths)) == len(paths)
    return len(paths)


@pytest.mark.usefixtures("folder")
def test_torchrun_shares_the_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    words, *same = [words for words in COMMANDS if words[0] == "predict" and not {"--merge", "--shard"} & set(words)]
    assert all(each == words for each in same)
    monkeypatch.setenv("WORLD_SIZE", "4")
    for rank in range(4):
        monkeypatch.setenv("RANK", str(rank))
        assert main(words) == 0
    monkeypatch.delenv("WORLD_SIZE")
    assert merge_and_count() == 24


@pytest.mark.usefixtures("folder")
def test_an_array_of_slurm_shares_the_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    (words,) = [words for words in COMMANDS if "--shard" in words]
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "3")
    for task in range(3):
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", str(task))
        assert main([os.path.expandvars(word) for word in words]) == 0
    assert merge_and_count() == 24


@pytest.mark.usefixtures("folder")
def test_an_indexed_job_shares_the_photos() -> None:
    (job,) = [yaml.safe_load(block)["spec"] for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    (container,) = job["template"]["spec"]["containers"]
    assert container["command"][:3] == ["python", "-m", "posture_classifier"]
    for index in range(job["completions"]):
        assert main([word.replace("$(JOB_COMPLETION_INDEX)", str(index)) for word in container["command"][3:]]) == 0
    assert merge_and_count() == 24
