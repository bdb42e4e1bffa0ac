"""Training again on what was decided, and whether it helped."""

import json
import re
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from posture_classifier.app.review.retrained import progress, retraining_words
from posture_classifier.app.review.source import Source, find_source
from posture_classifier.app.workplace import find_workplace
from posture_classifier.cli.program import main
from posture_classifier.runs.tables import read_split_rows
from tests.app.review.conftest import Client


def wait(client: Client, state: str, seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (training := client.training())["state"] != state:
        assert time.monotonic() < deadline, training
        assert training["state"] in ("running", "idle"), training
        time.sleep(0.2)
    return training


def relabel_the_worst(client: Client) -> str:
    photo = client.state()["items"][0]["photos"][0]
    client.decide([photo["number"]], "relabel", "left" if photo["label"] == "right" else "right")
    return str(photo["path"])


@pytest.mark.usefixtures("no_check")
def test_the_command_that_is_shown_trains_with_the_same_split(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(run)
    path = relabel_the_worst(client)
    _, _, _, *words = shlex.split(client.training()["command"])
    assert main([*words, "--report", "false", "--trainer.max_epochs", "1"]) == 0
    sides = {row["path"]: row["split"] for row in read_split_rows(run / "split.csv")}
    rows = read_split_rows(run.with_name("version_1") / "split.csv")
    assert {row["path"]: row["split"] for row in rows} == sides
    assert {row["path"]: row["label"] for row in rows}[path] == "left"
    answer = client.training()["answer"]
    assert (answer["relabelled"], answer["removed"], answer["all"]["images"], answer["untouched"]["images"]) == (1, 0, 8, 7)
    assert answer["run"] == str((run.with_name("version_1")).resolve())
    assert not answer["other_versions"]
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"versions": {"torch": "1.0"}}))
    assert client.training()["answer"]["other_versions"]


@pytest.mark.parametrize(
    ("solver", "unfreezing", "most"),
    [
        ("gradient", {}, 20),
        ("lbfgs", {}, 1),
        ("lbfgs", {"open_stages": {"0": 3}}, 20),
        ("lbfgs", {"open_stages": {"20": "all"}}, 1),
        ("lbfgs", {"every_n_epochs": 2}, 20),
    ],
)
def test_a_solved_head_is_one_epoch_unless_another_stage_opens(
    run: Path, tmp_path: Path, solver: str, unfreezing: dict[str, Any], most: int
) -> None:
    settings = {"model": {"head_solver": solver}, "unfreezing": unfreezing, "trainer": {"max_epochs": 20}}
    assert progress(tmp_path, Source(Path("photos"), Path("fixes.csv"), run, settings))["of"] == most


@pytest.mark.usefixtures("no_check")
def test_a_run_that_was_moved_is_trained_again_beside_it(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "lightning_logs" / "deep" / "photos" / "version_3"
    shutil.copytree(run, moved)
    words = retraining_words(find_source(find_workplace(moved)))
    assert words[-4:] == ["--trainer.default_root_dir", str(tmp_path / "elsewhere"), "--experiment", "deep/photos"]


def test_what_the_split_decides_is_not_said_twice(run: Path) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    settings["data"] |= {"folds": 3, "fold": 1}
    settings["ckpt_path"] = "last"
    words = retraining_words(Source(Path("photos"), Path("fixes.csv"), run, settings))
    for name in ("--data.folds", "--data.fold", "--ckpt_path"):
        assert words[words.index(name) + 1] == "null", name
    assert "--data.holdout_groups" not in words


@pytest.mark.slow
@pytest.mark.usefixtures("no_check")
def test_a_training_is_begun_watched_and_answers(run: Path) -> None:
    client = Client(run)
    relabel_the_worst(client)
    assert client.client.post("/api/review/training", json={}).status_code == 202
    assert client.client.post("/api/review/training", json={}).status_code == 409
    training = wait(client, "done")
    assert (training["progress"]["done"], training["progress"]["of"]) == (3, 3)
    assert training["answer"]["untouched"]["difference"]["value"] == 0
    assert Client(run).training()["answer"]["run"] == training["run"], "another start of the program finds it"


@pytest.mark.slow
@pytest.mark.usefixtures("no_check")
def test_a_training_can_be_stopped(run: Path) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    settings["trainer"] |= {"max_epochs": 10_000, "callbacks": None}  # early stopping would end it within 0.1 s
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    client = Client(run)
    relabel_the_worst(client)
    client.client.post("/api/review/training", json={})
    deadline = time.monotonic() + 120
    while not (client.training()["progress"] or {}).get("done"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert client.client.post("/api/review/training/stop", json={}).status_code == 200
    assert wait(client, "stopped")["answer"] is None, "a network that was not tested answers nothing"


@pytest.mark.slow
@pytest.mark.usefixtures("no_check")
def test_a_training_that_fails_says_why(run: Path, tmp_path: Path) -> None:
    client = Client(run)
    relabel_the_worst(client)
    (tmp_path / "photos" / "fixes.csv").write_text("path,decision\nleft/gone.png,remove\n")
    client.client.post("/api/review/training", json={})
    assert "left/gone.png" in wait(client, "failed")["last_line"]
    in_korean = client.client.get("/api/review/training", headers={"Accept-Language": "ko"}).json()["last_line"]
    assert "left/gone.png" in in_korean
    assert re.search("[가-힣]", in_korean)


@pytest.mark.slow
@pytest.mark.usefixtures("no_check")
def test_a_cross_validation_is_reviewed_and_repeated(run: Path, tmp_path: Path) -> None:
    """Every photo is tested once by both, so all of them answer."""
    options = ["--config", str(run / "config.yaml"), "--data.folds", "3", "--trainer.max_epochs", "1", "--report", "false"]
    assert main(["crossval", *options]) == 0
    client = Client(tmp_path / "lightning_logs" / "photos" / "crossval_0")
    assert {reason["split"] for item in client.state()["items"] for reason in item["reasons"]} == {"folds"}
    relabel_the_worst(client)
    _, _, _, *words = shlex.split(client.training()["command"])
    assert main(words) == 0
    answer = client.training()["answer"]
    assert Path(answer["run"]).name == "crossval_1"
    assert (answer["relabelled"], answer["all"]["images"], answer["all"]["groups"]) == (1, 24, 6)
