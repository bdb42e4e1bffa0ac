"""W&B's own client, agent and command line with our program, against a stand-in for its server."""

import base64
import csv
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import wandb
import yaml
from lightning.pytorch import LightningModule, Trainer

from posture_classifier.callbacks.wandb_report import WandbReport
from posture_classifier.cli.program import main
from posture_classifier.compare.configurations import group_runs
from posture_classifier.compare.wandb_runs import read_project
from posture_classifier.runs.reading import read_tested_run
from posture_classifier.utils.errors import UserError
from tests.helpers.made_runs import make_run, settings, some_right
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments
from tests.helpers.wandb_received import ServedRun
from tests.helpers.wandb_server import WandbServer

KEY = "0123456789abcdef" * 2 + "01234567"
UPLOADED = ("split.csv", "summary.json", "metrics.csv", "test/predictions.csv")
PICTURE_FORMATS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")
"""First bytes of picture files."""
PATIENCE = 240
"""Seconds after which a process counts as hanging; generous, since other tests keep the machine
busy."""
ENDLESS = 50_000
"""Epochs of a training that will be stopped; far more than any machine trains while the test waits.
"""


@pytest.fixture
def server(no_wandb_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """The server, which is also the proxy for other hosts, so that it sees every request."""
    with WandbServer() as wandb_server:
        environment = {
            "WANDB_BASE_URL": wandb_server.url,
            "WANDB_API_KEY": KEY,
            "NO_PROXY": "127.0.0.1",
            "WANDB_DIR": str(tmp_path),
        }
        environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), wandb_server.url)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
            monkeypatch.delenv(name.lower(), raising=False)
        yield wandb_server
        wandb.teardown()


@pytest.fixture
def online(tmp_path: Path) -> Callable[..., Path]:
    """Run a fit with ``configs/wandb.yaml``, in a folder that is not to be read as a pattern."""
    root = draw_photos(tmp_path / "photos", 10, 2, ("left", "right"))
    output = tmp_path / "runs [1]"

    def run(*options: str, epochs: int = 2) -> Path:
        overlay = str(REPOSITORY / "configs" / "wandb.yaml")
        assert main(["fit", "--config", overlay, *fit_arguments(root, output, epochs)[1:], *options]) == 0
        return output / "lightning_logs" / "photos" / "version_0"

    return run


def only(server: WandbServer) -> ServedRun:
    (run,) = server.received.runs.values()
    return run


def pictures_in(server: WandbServer) -> list[str]:
    files = [only(server).files, *(artifact.files for artifact in server.received.artifacts)]
    return [name for sent in files for name, data in sent.items() if data.startswith(PICTURE_FORMATS)]


def epochs_of(run: ServedRun, name: str) -> list[int]:
    return [row["epoch"] for row in run.history if name in row]


def run_wandb(*words: str) -> subprocess.CompletedProcess[str]:
    """Run W&B's command line."""
    program = [sys.executable, "-m", "wandb", *words]
    return subprocess.run(program, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE, check=False)


def assert_uploaded(run: ServedRun, folder: Path) -> None:
    """The server has the metrics and files of a run folder."""
    measured = json.loads((folder / "summary.json").read_text())["accuracy"]
    values = [run.summary.get(f"test/accuracy{end}") for end in ("", "_low", "_high")]
    assert values == [measured[name] for name in ("value", "low", "high")]
    for name in UPLOADED:
        assert run.files[name] == (folder / name).read_bytes(), name


def test_a_fit_sends_all_but_photos_to_the_server_and_to_no_other(server: WandbServer, online: Callable[..., Path]) -> None:
    folder = online()
    run = only(server)
    assert (run.project, run.attributes["groupName"], run.attributes["displayName"]) == (
        "posture_classifier",
        "photos",
        "photos/version_0",
    )
    assert run.id == json.loads((folder / "wandb.json").read_text())["id"]
    assert run.values["model"]["learning_rate"] == 1e-3
    assert run.values["run_facts"]["classes"] == ["left", "right"]
    assert epochs_of(run, "train/loss") == epochs_of(run, "val/loss") == epochs_of(run, "stages_open") == [0, 1]
    assert run.summary["val/loss"] == {"min": min(row["val/loss"] for row in run.history if "val/loss" in row)}
    assert_uploaded(run, folder)

    artifacts = server.received.artifacts
    assert len(artifacts) == 5, "four charts and the mistakes"
    assert all(artifact.committed and artifact.type == "run_table" for artifact in artifacts)
    assert not pictures_in(server)
    assert (run.resumes, run.exit_codes, run.state) == (0, [0], "finished")
    assert server.received.unexpected == []
    assert server.received.credentials == {f"Basic {base64.b64encode(f'api:{KEY}'.encode()).decode()}"}


@pytest.mark.slow
def test_photos_and_the_model_reach_the_server_when_asked(server: WandbServer, online: Callable[..., Path]) -> None:
    asked = [f"--trainer.callbacks.{name}=true" for name in ("photos", "log_model")]
    folder = online(*asked, epochs=1)
    (model,) = (artifact for artifact in server.received.artifacts if artifact.type == "model")
    assert model.committed
    assert model.files["best.ckpt"] == (folder / "checkpoints" / "best.ckpt").read_bytes()
    assert model.metadata["class_names"] == ["left", "right"]
    assert pictures_in(server)
    assert server.received.unexpected == []


def test_no_name_of_a_photo_or_group_is_sent_when_told_so(server: WandbServer, online: Callable[..., Path]) -> None:
    online("--trainer.callbacks.names=false", "--verbose", epochs=1)
    run = only(server)
    sent = {name: "\n".join(lines).encode() for name, lines in run.lines.items()} | run.files
    for number, artifact in enumerate(server.received.artifacts):
        sent |= {f"{number}/{name}": data for name, data in artifact.files.items()}
    assert {"output.log", "wandb-metadata.json", "summary.json", "0/manifest.json"} < sent.keys()
    assert not [name for name, data in sent.items() if re.search(rb"person\d", data)]
    assert not re.search(r"person\d", json.dumps([run.config, run.attributes]))


@pytest.mark.slow
def test_a_resumed_fit_resumes_its_run_on_the_server(server: WandbServer, online: Callable[..., Path]) -> None:
    online()
    steps = len(only(server).history)
    folder = online("--ckpt_path", "last", epochs=4)
    run = only(server)
    assert run.resumes == 1, "the server said how far the run was"
    assert run.exit_codes == [0, 0]
    assert epochs_of(run, "val/loss") == epochs_of(run, "train/loss") == [0, 1, 2, 3]
    assert [row["_step"] for row in run.history] == list(range(2 * steps))
    assert_uploaded(run, folder)


@pytest.mark.slow
def test_compare_reads_from_the_server_what_the_run_folder_holds(
    server: WandbServer, online: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = online()
    (served,), untested = read_project("me/posture_classifier", "photos")
    assert not untested
    (entry,) = group_runs([read_tested_run(folder), served])
    assert entry.name == "test_resnet", "the same configuration, figures and photos"
    other = replace(served, settings=served.settings | {"precision": "64-true"})
    assert len({entry.name for entry in group_runs([read_tested_run(folder), other])}) == 2, "a path and a W&B run side by side"

    server.received.runs["begun"] = ServedRun(
        "begun", "posture_classifier", attributes={"displayName": "begun"}, config={"model": {"value": {}}}
    )
    capsys.readouterr()
    tables = []
    for code, run in enumerate((str(folder), "wandb:me/posture_classifier")):
        assert main(["compare", run, "--output", str(tmp_path / str(code))]) == code, "1 says that a run was left out"
        with (tmp_path / str(code) / "comparison.csv").open() as file:
            (table,) = csv.DictReader(file)
        assert table.pop("runs").endswith("photos/version_0")
        tables.append(table)
    assert tables[0] == tables[1]
    assert re.search("begun .*test/predictions.csv", "".join(capsys.readouterr()))
    assert server.received.unexpected == []


def test_runs_on_the_server_are_like_those_of_the_disk(server: WandbServer, tmp_path: Path) -> None:
    runs = {"good": settings("test_resnet", 0), "cheap": settings("test_vit"), "stopped": settings("test_efficientnet")}
    for name, config in runs.items():
        folder = make_run(tmp_path / name, some_right(0.9, len(name)), config=config)
        # Beside the settings W&B has facts.
        wrapped = {key: {"value": value} for key, value in (config | {"run_folder": str(folder), "_wandb": {}}).items()}
        run = ServedRun(name, "project", attributes={"displayName": name, "groupName": "search"}, config=wrapped)
        run.files = {file: (folder / file).read_bytes() for file in ("split.csv", "metrics.csv", "test/predictions.csv")}
        server.received.runs[name] = run
    del server.received.runs["stopped"].files["test/predictions.csv"]
    found, reasons = read_project("me/project", "search")
    assert [run.name for run in found] == ["wandb:me/project/good", "wandb:me/project/cheap"]
    here = read_tested_run(tmp_path / "good")
    assert (found[0].settings, found[0].seconds, found[0].experiment) == (here.settings, 3, "search")
    second = make_run(tmp_path / "second", some_right(0.9, 1), config=settings("test_resnet", 1))
    assert len(group_runs([*found, read_tested_run(second)])) == 2, "two seeds, one there and one here"
    assert len(reasons) == 1
    assert re.search("stopped .*test/predictions.csv", reasons[0])
    with pytest.raises(UserError, match=r"wandb:me/project.* other "):
        read_project("me/project", "other")


def test_compare_says_in_one_sentence_that_the_server_refuses(
    server: WandbServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "on_runs", None)
    assert main(["compare", "wandb:me/posture_classifier"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "wandb:me/posture_classifier" in error


@pytest.mark.slow
def test_an_offline_run_and_what_was_resumed_are_uploaded_later(
    server: WandbServer, online: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    online()
    folder = online("--ckpt_path", "last", epochs=3)
    wandb.teardown()
    assert not server.received.runs
    monkeypatch.delenv("WANDB_MODE")
    folders = [folder for (folder,) in map(shlex.split, re.findall(r": wandb sync (.+)", capsys.readouterr().out))]
    assert len(folders) == 2
    done = run_wandb("sync", *folders)
    assert done.returncode == 0, done.stderr
    run = only(server)
    assert epochs_of(run, "val/loss") == [0, 1, 2], run.history
    assert run.attributes["groupName"] == "photos"
    assert run.exit_codes == [0, 0]
    assert_uploaded(run, folder)
    assert server.received.unexpected == []


@pytest.mark.slow
@pytest.mark.timeout(4 * PATIENCE)
def test_a_server_that_goes_away_costs_no_training_and_no_data(
    server: WandbServer, online: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(report: WandbReport, trainer: Trainer, module: LightningModule) -> None:
        if trainer.current_epoch == 0:
            server.stop()

    monkeypatch.setattr(WandbReport, "on_train_epoch_end", leave)
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "3")
    folder = online()
    (words,) = re.findall(r": wandb (sync --include-online .+)", capsys.readouterr().out)
    wandb.teardown()

    with WandbServer(server.port) as again:
        done = run_wandb(*shlex.split(words))
        assert done.returncode == 0, done.stderr
        run = only(again)
        assert run.id == only(server).id
        assert epochs_of(run, "val/loss") == [0, 1]
        assert_uploaded(run, folder)


def wait_for_the_end_of(folder: Path) -> None:
    """Wait until no process has the folder in its environment."""
    give_up = time.monotonic() + PATIENCE
    while processes := processes_of(folder):
        assert time.monotonic() < give_up, processes
        time.sleep(0.2)


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that have the folder in their environment; Linux only."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(4 * PATIENCE)
def test_the_stop_button_ends_a_run(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server tells wandb, which asks every 15 seconds, also where Ctrl-C is ignored.

    That is so in the background of a script.
    """
    monkeypatch.setenv("WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL", "1")
    arguments = fit_arguments(draw_photos(tmp_path / "photos", 10, 2, ("left", "right")), tmp_path, ENDLESS)
    overlay = str(REPOSITORY / "configs" / "wandb.yaml")
    fit = [sys.executable, "-m", "posture_classifier", "fit", "--config", overlay, *arguments[1:]]
    in_background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *fit]
    with subprocess.Popen(in_background, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert server.wait_for(lambda: server.received.runs and only(server).history, PATIENCE)
            only(server).stop_requested = True
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 1
    assert server.url in said
    assert "Traceback" not in said
    assert only(server).exit_codes == [1]
    wait_for_the_end_of(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(4 * PATIENCE)
def test_an_agent_of_the_sweep_runs_trials_and_stops_one_which_can_be_resumed(
    server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent stops a run when the server says so, which is how Hyperband ends a trial."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    sweep = yaml.safe_load((REPOSITORY / "configs" / "sweep.yaml").read_text())
    # Tiny photos, and no weights to be fetched; what the agent gives comes last.
    tiny = fit_arguments(draw_photos(tmp_path / "photos", 10, 2, ("left", "right")), tmp_path, 2)[1:]
    sweep["command"][-1:] = [*tiny, "--data.num_workers", "2", "--cache.enabled", "false", "${args}"]
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    done = run_wandb("sweep", str(tmp_path / "sweep.yaml"))
    assert done.returncode == 0, done.stderr
    (served,) = server.received.sweeps.values()
    assert yaml.safe_load(served.config)["parameters"].keys() == sweep["parameters"].keys()
    assert "wandb agent me/posture_classifier/sweep0" in done.stderr

    drawn = {"model.backbone": "test_resnet", "model.learning_rate": 0.0007, "model.layer_decay": 0.61}
    drawn |= {"unfreezing.open_stages": sweep["parameters"]["unfreezing.open_stages"]["values"][2]}

    def trial(name: str, **more: Any) -> dict[str, Any]:
        values = drawn | more
        return {"type": "run", "run_id": name, "program": sweep["program"], "args": {k: {"value": v} for k, v in values.items()}}

    served.commands = [trial("whole"), trial("long", **{"trainer.max_epochs": ENDLESS})]
    runs, folders = server.received.runs, [tmp_path / "lightning_logs" / "turtle_neck" / f"version_{n}" for n in (0, 1)]
    agent = [sys.executable, "-m", "wandb", "agent", "me/posture_classifier/sweep0"]
    with (tmp_path / "agent.log").open("w") as log, subprocess.Popen(agent, cwd=REPOSITORY, stdout=log, stderr=log) as process:
        try:
            assert server.wait_for(lambda: "whole" in runs and runs["whole"].exit_codes, PATIENCE)
            assert server.wait_for(lambda: all((folder / "checkpoints/last.ckpt").is_file() for folder in folders), PATIENCE)
            by_id = {json.loads((folder / "wandb.json").read_text())["id"]: folder for folder in folders}
            last = by_id["long"] / "checkpoints" / "last.ckpt"
            served.commands = [{"type": "stop", "run_id": "long"}]
            assert server.wait_for(lambda: served.alive[-1] == set(), PATIENCE)
            assert runs["long"].exit_codes, "ended before the process did"
            served.commands = [{"type": "exit"}]
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    wait_for_the_end_of(tmp_path)
    log_text = (tmp_path / "agent.log").read_text()
    assert "Stop: long" in log_text
    assert "Traceback" not in log_text

    whole = runs["whole"]
    assert (whole.sweep, whole.exit_codes) == ("sweep0", [0])
    assert (whole.values["model"]["learning_rate"], whole.values["model.learning_rate"]) == (0.0007, 0.0007)
    assert whole.values["unfreezing"]["open_stages"] == {"2": "all"}
    assert sweep["metric"]["name"] in whole.summary
    assert_uploaded(whole, by_id["whole"])

    stopped = runs["long"]
    assert (stopped.sweep, stopped.exit_codes, stopped.state) == ("sweep0", [0], "finished"), "the search counts what it reached"
    epochs = torch.load(last, weights_only=True)["epoch"] + 1
    assert len(epochs_of(stopped, "val/loss")) >= epochs > 0
    resumed = ["fit", "--config", str(by_id["long"] / "config.yaml"), "--ckpt_path", str(last)]
    assert main([*resumed, "--trainer.max_epochs", str(epochs + 1)]) == 0
    assert (stopped.resumes, stopped.exit_codes) == (1, [0, 0])
    assert epochs_of(stopped, "val/loss")[-1] == epochs
    assert_uploaded(stopped, by_id["long"])
    assert server.received.unexpected == []
