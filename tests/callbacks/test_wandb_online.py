"""What W&B's own client, agent and command line do with our program, against a stand-in for its server on this machine."""

import base64
import csv
import json
import os
import re
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
from tests.helpers.wandb_kept import ServedRun
from tests.helpers.wandb_server import WandbServer

KEY = "0123456789abcdef" * 2 + "01234567"
SENT = ("split.csv", "summary.json", "metrics.csv", "test/predictions.csv")
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")
"""How their files begin."""
SECONDS = 120
"""That a process of a test may take."""


@pytest.fixture
def server(no_wandb_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """The server; what would go to another host reaches it too, as its proxy, and is strange to it."""
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
    """Run a fit with ``configs/wandb.yaml``; returns the run folder."""
    root = draw_photos(tmp_path / "photos", 10, 2, ("left", "right"))

    def run(*options: str, epochs: int = 2) -> Path:
        overlay = str(REPOSITORY / "configs" / "wandb.yaml")
        assert main(["fit", "--config", overlay, *fit_arguments(root, tmp_path, epochs)[1:], *options]) == 0
        return tmp_path / "lightning_logs" / "photos" / "version_0"

    return run


def only(server: WandbServer) -> ServedRun:
    (run,) = server.kept.runs.values()
    return run


def pictures_in(server: WandbServer) -> list[str]:
    files = [only(server).files, *(artifact.files for artifact in server.kept.artifacts)]
    return [name for sent in files for name, data in sent.items() if data.startswith(PICTURES)]


def epochs_of(run: ServedRun, name: str) -> list[int]:
    return [row["epoch"] for row in run.history if name in row]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """W&B's command line."""
    program = [sys.executable, "-m", "wandb", *words]
    return subprocess.run(program, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS, check=False)


def holds_all_of(run: ServedRun, folder: Path) -> None:
    """The figures and files of the test."""
    measured = json.loads((folder / "summary.json").read_text())["accuracy"]
    assert [run.summary[f"test/accuracy{end}"] for end in ("", "_low", "_high")] == [measured[n] for n in ("value", "low", "high")]
    for name in SENT:
        assert run.files[name] == (folder / name).read_bytes(), name


def test_a_fit_sends_all_but_photos_to_the_server_and_to_no_other(server: WandbServer, online: Callable[..., Path]) -> None:
    folder = online()
    run = only(server)
    assert (run.project, run.about["groupName"], run.about["displayName"]) == ("posture_classifier", "photos", "photos/version_0")
    assert run.id == json.loads((folder / "wandb.json").read_text())["id"]
    assert run.values["model"]["learning_rate"] == 1e-3
    assert run.values["run_facts"]["classes"] == ["left", "right"]
    assert epochs_of(run, "train/loss") == epochs_of(run, "val/loss") == epochs_of(run, "stages_open") == [0, 1]
    assert run.summary["val/loss"] == {"min": min(row["val/loss"] for row in run.history if "val/loss" in row)}
    holds_all_of(run, folder)

    artifacts = server.kept.artifacts
    assert len(artifacts) == 5, "four charts and the mistakes"
    assert all(artifact.committed and artifact.type == "run_table" for artifact in artifacts)
    assert not pictures_in(server)
    assert (run.begun, run.exit_codes, run.state) == (0, [0], "finished")
    assert server.kept.strange == []
    assert server.kept.keys == {f"Basic {base64.b64encode(f'api:{KEY}'.encode()).decode()}"}


def test_photos_and_the_model_reach_the_server_when_asked(server: WandbServer, online: Callable[..., Path]) -> None:
    asked = [f"--trainer.callbacks.{name}=true" for name in ("photos", "log_model")]
    folder = online(*asked, epochs=1)
    (model,) = (artifact for artifact in server.kept.artifacts if artifact.type == "model")
    assert model.committed
    assert model.files["best.ckpt"] == (folder / "checkpoints" / "best.ckpt").read_bytes()
    assert model.metadata["class_names"] == ["left", "right"]
    assert pictures_in(server)
    assert server.kept.strange == []


def test_no_name_of_a_photo_or_group_is_sent_when_told_so(server: WandbServer, online: Callable[..., Path]) -> None:
    online("--trainer.callbacks.names=false", epochs=1)
    run = only(server)
    sent = {name: "\n".join(lines).encode() for name, lines in run.lines.items()} | run.files
    for number, artifact in enumerate(server.kept.artifacts):
        sent |= {f"{number}/{name}": data for name, data in artifact.files.items()}
    assert {"output.log", "wandb-metadata.json", "summary.json", "0/manifest.json"} < sent.keys()
    assert not [name for name, data in sent.items() if re.search(rb"person\d", data)]
    assert not re.search(r"person\d", json.dumps([run.config, run.about]))


def test_a_resumed_fit_goes_on_in_its_run_on_the_server(server: WandbServer, online: Callable[..., Path]) -> None:
    online()
    steps = len(only(server).history)
    folder = online("--ckpt_path", "last", epochs=4)
    run = only(server)
    assert run.begun == 1, "the server said how far the run was"
    assert run.exit_codes == [0, 0]
    assert epochs_of(run, "val/loss") == epochs_of(run, "train/loss") == [0, 1, 2, 3]
    assert [row["_step"] for row in run.history] == list(range(2 * steps))
    holds_all_of(run, folder)


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

    server.kept.runs["begun"] = ServedRun(
        "begun", "posture_classifier", about={"displayName": "begun"}, config={"model": {"value": {}}}
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
    assert "begun has no test/predictions.csv in W&B" in "".join(capsys.readouterr())
    assert server.kept.strange == []


def test_runs_on_the_server_are_like_those_of_the_disk(server: WandbServer, tmp_path: Path) -> None:
    runs = {"good": settings("test_resnet", 0), "cheap": settings("test_vit"), "stopped": settings("test_efficientnet")}
    for name, config in runs.items():
        folder = make_run(tmp_path / name, some_right(0.9, len(name)), config=config)
        # Beside the settings W&B has facts.
        wrapped = {key: {"value": value} for key, value in (config | {"run_folder": str(folder), "_wandb": {}}).items()}
        run = ServedRun(name, "project", about={"displayName": name, "groupName": "search"}, config=wrapped)
        run.files = {file: (folder / file).read_bytes() for file in ("split.csv", "metrics.csv", "test/predictions.csv")}
        server.kept.runs[name] = run
    del server.kept.runs["stopped"].files["test/predictions.csv"]
    found, reasons = read_project("me/project", "search")
    assert [run.name for run in found] == ["wandb:me/project/good", "wandb:me/project/cheap"]
    here = read_tested_run(tmp_path / "good")
    assert (found[0].settings, found[0].seconds, found[0].experiment) == (here.settings, 3, "search")
    second = make_run(tmp_path / "second", some_right(0.9, 1), config=settings("test_resnet", 1))
    assert len(group_runs([*found, read_tested_run(second)])) == 2, "two seeds, one there and one here"
    assert len(reasons) == 1
    assert "stopped has no test/predictions.csv in W&B" in reasons[0]
    with pytest.raises(UserError, match=r"wandb:me/project, group other has no runs"):
        read_project("me/project", "other")


def test_compare_says_in_one_sentence_that_the_server_refuses(
    server: WandbServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "on_runs", None)
    assert main(["compare", "wandb:me/posture_classifier"]) == 2
    assert "error: wandb:me/posture_classifier cannot be read (" in capsys.readouterr().err


def test_an_offline_run_and_what_was_resumed_are_uploaded_later(
    server: WandbServer, online: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    online()
    folder = online("--ckpt_path", "last", epochs=3)
    wandb.teardown()
    assert not server.kept.runs
    monkeypatch.delenv("WANDB_MODE")
    words = capsys.readouterr().out.split("upload it with: wandb ")[1:]
    done = command("sync", *(line.splitlines()[0].split()[1] for line in words))
    assert done.returncode == 0, done.stderr
    run = only(server)
    assert epochs_of(run, "val/loss") == [0, 1, 2], run.history
    assert run.about["groupName"] == "photos"
    assert run.exit_codes == [0, 0]
    holds_all_of(run, folder)
    assert server.kept.strange == []


@pytest.mark.slow
def test_a_server_that_goes_away_costs_no_training_and_no_data(
    server: WandbServer, online: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(report: WandbReport, trainer: Trainer, module: LightningModule) -> None:
        if trainer.current_epoch == 0:
            server.stop()

    monkeypatch.setattr(WandbReport, "on_train_epoch_end", leave)
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "3")
    begun = time.monotonic()
    folder = online()
    assert time.monotonic() - begun < SECONDS
    said = capsys.readouterr().out
    assert "where a part is missing; it is kept here: wandb sync --include-online " in said
    wandb.teardown()

    words = said.partition("it is kept here: wandb ")[2].splitlines()[0].split()
    with WandbServer(server.port) as again:
        done = command(*words)
        assert done.returncode == 0, done.stderr
        run = only(again)
        assert run.id == only(server).id
        assert epochs_of(run, "val/loss") == [0, 1]
        holds_all_of(run, folder)


def all_end(folder: Path) -> bool:
    """Whether the processes that have the folder in their environment soon end; only Linux tells."""
    give_up = time.monotonic() + 20
    while processes_of(folder) and time.monotonic() < give_up:
        time.sleep(0.2)
    return not processes_of(folder)


def processes_of(folder: Path) -> list[str]:
    """Their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_the_stop_button_ends_a_run(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says it when lines arrive, by default every 15 seconds; wandb then interrupts, as Ctrl-C does."""
    monkeypatch.setenv("WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL", "1")
    arguments = fit_arguments(draw_photos(tmp_path / "photos", 10, 2, ("left", "right")), tmp_path, 5000)
    overlay = str(REPOSITORY / "configs" / "wandb.yaml")
    fit = [sys.executable, "-m", "posture_classifier", "fit", "--config", overlay, *arguments[1:]]
    with subprocess.Popen(fit, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert server.wait_for(lambda: server.kept.runs and only(server).history, SECONDS)
            only(server).stopped = True
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == 1
    assert f"W&B run: {server.url}" in said
    assert "Traceback" not in said
    assert only(server).exit_codes == [1]
    assert all_end(tmp_path)


@pytest.mark.slow
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
    done = command("sweep", str(tmp_path / "sweep.yaml"))
    assert done.returncode == 0, done.stderr
    (served,) = server.kept.sweeps.values()
    assert yaml.safe_load(served.config)["parameters"].keys() == sweep["parameters"].keys()
    assert "wandb agent me/posture_classifier/sweep0" in done.stderr

    drawn = {"model.backbone": "test_resnet", "model.learning_rate": 0.0007, "model.layer_decay": 0.61}
    drawn |= {"unfreezing.open_stages": sweep["parameters"]["unfreezing.open_stages"]["values"][2]}

    def trial(name: str, **more: Any) -> dict[str, Any]:
        values = drawn | more
        return {"type": "run", "run_id": name, "program": sweep["program"], "args": {k: {"value": v} for k, v in values.items()}}

    served.commands = [trial("whole"), trial("long", **{"trainer.max_epochs": 5000})]
    runs, folders = server.kept.runs, [tmp_path / "lightning_logs" / "turtle_neck" / f"version_{n}" for n in (0, 1)]
    agent = [sys.executable, "-m", "wandb", "agent", "me/posture_classifier/sweep0"]
    with (tmp_path / "agent.log").open("w") as log, subprocess.Popen(agent, cwd=REPOSITORY, stdout=log, stderr=log) as process:
        try:
            assert server.wait_for(lambda: "whole" in runs and runs["whole"].exit_codes, SECONDS)
            assert server.wait_for(lambda: all((folder / "checkpoints/last.ckpt").is_file() for folder in folders), SECONDS)
            by_id = {json.loads((folder / "wandb.json").read_text())["id"]: folder for folder in folders}
            last = by_id["long"] / "checkpoints" / "last.ckpt"
            served.commands = [{"type": "stop", "run_id": "long"}]
            assert server.wait_for(lambda: served.alive[-1] == set(), SECONDS)
            assert runs["long"].exit_codes, "ended before the process did"
            served.commands = [{"type": "exit"}]
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
    assert all_end(tmp_path)
    log_text = (tmp_path / "agent.log").read_text()
    assert "Stop: long" in log_text
    assert "Traceback" not in log_text

    whole = runs["whole"]
    assert (whole.sweep, whole.exit_codes) == ("sweep0", [0])
    assert (whole.values["model"]["learning_rate"], whole.values["model.learning_rate"]) == (0.0007, 0.0007)
    assert whole.values["unfreezing"]["open_stages"] == {"2": "all"}
    assert sweep["metric"]["name"] in whole.summary
    holds_all_of(whole, by_id["whole"])

    stopped = runs["long"]
    assert (stopped.sweep, stopped.exit_codes, stopped.state) == ("sweep0", [0], "finished"), "the search counts what it reached"
    epochs = torch.load(last, weights_only=True)["epoch"] + 1
    assert len(epochs_of(stopped, "val/loss")) >= epochs > 0
    resumed = ["fit", "--config", str(by_id["long"] / "config.yaml"), "--ckpt_path", str(last)]
    assert main([*resumed, "--trainer.max_epochs", str(epochs + 1)]) == 0
    assert (stopped.begun, stopped.exit_codes) == (1, [0, 0])
    assert epochs_of(stopped, "val/loss")[-1] == epochs
    holds_all_of(stopped, by_id["long"])
    assert server.kept.strange == []
