"""What a run sends to Weights & Biases and what not, read back from the file of an offline run."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wandb
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from posture_classifier.callbacks.save_config import SaveConfig
from posture_classifier.callbacks.wandb_report import WandbReport, begin_run
from posture_classifier.cli.program import main
from posture_classifier.costs.operations import count_costs
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.runs.status import status_line
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments
from tests.helpers.wandb_offline import read_offline_run

CHARTS = {f"charts/{name}" for name in ("calibration", "confusion_matrix", "precision_recall", "roc")}
pytestmark = pytest.mark.usefixtures("no_wandb_settings")


def fit_with(overlay: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--config", str(overlay), *arguments[1:]]) == 0
    assert "wandb: " not in capsys.readouterr().err, "no noise"


@pytest.mark.slow
def test_an_offline_run_holds_everything_but_photos_and_a_resumed_fit_resumes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    root = draw_photos(tmp_path / "photos", 10, 2, ("left", "right"))
    arguments = [*fit_arguments(root, tmp_path, 2), "--experiment", "posture", "--report", "true"]
    fit_with(REPOSITORY / "configs" / "wandb.yaml", arguments, capsys)
    folder = tmp_path / "lightning_logs" / "posture" / "version_0"
    (place,) = (folder / "wandb").glob("offline-run-*")
    found = read_offline_run(place)

    assert found.config["model"]["learning_rate"] == 1e-3
    assert found.config["trainer"]["callbacks"][0]["class_path"].endswith("WandbReport")
    assert found.config["data"]["group_pattern"] == r"person\d+"
    assert {"unfreezing", "cache", "seed_everything"} < set(found.config)
    assert found.config["run_folder"] == str(folder)
    facts = found.config["run_facts"]
    assert (facts["classes"], facts["splits"]["train"]) == (["left", "right"], {"images": 24, "groups": 6})
    assert len(facts["dataset_fingerprint"]) == 32
    assert (found.run.run_group, found.run.job_type, found.run.display_name) == ("posture", "fit", "posture/version_0")
    assert list(found.run.tags) == ["test_resnet", "photos"]
    assert "test_resnet" in found.run.notes

    for names in (["train/loss", "train/accuracy", "stages_open", "lr/head", "lr/conv1"], ["val/loss", "val/accuracy", "val/f1"]):
        assert [row["epoch"] for row in found.history if set(names) <= set(row)] == [0, 1]
    assert found.metrics["*"].step_metric == "epoch"
    assert found.summary["val/loss"] == {"min": min(row["val/loss"] for row in found.history if "val/loss" in row)}
    assert "max" in found.summary["val/accuracy"]
    measured = json.loads((folder / "summary.json").read_text())["accuracy"]
    assert {end: found.summary[f"test/accuracy{end}"] for end in ("", "_low", "_high")} == {
        "": measured["value"],
        "_low": measured["low"],
        "_high": measured["high"],
    }
    status = json.loads((folder / "summary.json").read_text())["status"]
    assert found.summary["status"] == status_line(status) != ""
    assert found.summary["test/accuracy_interval"] == "unknown (2 groups)"
    assert found.charts == CHARTS
    counted = count_costs("test_resnet", 32, batch_size=4, classes=2)
    for name in ("parameters", "multiply_adds", "inference_bytes", "training_bytes"):
        assert found.summary[f"costs/{name}"] == getattr(counted, name)
    phases = json.loads((folder / "summary.json").read_text())["phases"]
    assert found.summary["costs/seconds"] == pytest.approx(sum(phase["seconds"] for phase in phases), abs=1e-2)
    assert {"split.csv", "summary.json", "test/predictions.csv", "val/predictions.csv"} < found.files
    assert (place / "files" / "test" / "predictions.csv").read_text() == (folder / "test" / "predictions.csv").read_text()
    assert not found.pictures, "photos stay here unless asked for"
    assert not [path for path in found.files if "images" in path]
    assert not found.models

    asked = {"names": False, "photos": True, "log_model": True}
    overlay = tmp_path / "asked.yaml"
    report = {"class_path": "posture_classifier.callbacks.wandb_report.WandbReport", "init_args": asked}
    overlay.write_text(yaml.safe_dump({"trainer": {"callbacks": [report]}}))
    fit_with(overlay, [*arguments, "--trainer.max_epochs", "3", "--ckpt_path", "last"], capsys)
    (place,) = set((folder / "wandb").glob("offline-run-*")) - {place}
    again = read_offline_run(place)
    assert again.run.run_id == found.run.run_id == json.loads((folder / "wandb.json").read_text())["id"]
    assert [row["epoch"] for row in again.history if "val/loss" in row] == [2]
    assert not again.files & {"split.csv", "test/predictions.csv"}
    tables = [json.loads(path.read_text()) for path in place.rglob("mistakes*.table.json")]
    assert [table["columns"][:3] for table in tables] == [["photo", "picture", "label"]]
    assert "person" not in json.dumps([table["data"] for table in tables])
    assert len(again.pictures) == len(tables[0]["data"]) > 0, "one of each mistake"
    (model,) = again.models
    metadata = json.loads(model.metadata)
    assert (metadata["class_names"], metadata["preprocessing"]["image_size"]) == (["left", "right"], 32)
    assert model.manifest.contents[0].path == "best.ckpt"


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "No API key"),
        ({"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_INIT_TIMEOUT": "1"}, "offline"),
    ],
)
def test_a_run_without_the_server_is_recorded_offline(
    tmp_path: Path, environment: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = begin_run(tmp_path, {"project": "p"}, stop=lambda: None)
    assert run is not None
    assert run.offline
    said = capsys.readouterr().out
    assert said.count("\n") == 1, "one sentence"
    assert reason in said
    run.finish()


def test_only_one_process_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []
    monkeypatch.setattr("posture_classifier.callbacks.wandb_report.begin_run", lambda folder, *_: begun.append(folder))
    monkeypatch.setattr(SaveConfig, "settings", lambda _: {})
    monkeypatch.setattr(WandbReport, "_options", lambda *_: {})
    monkeypatch.setattr("posture_classifier.callbacks.wandb_report.data_of", lambda _: None)
    saved, model = SaveConfig.__new__(SaveConfig), PostureClassifier.__new__(PostureClassifier)  # only their classes count
    for rank in (1, 0):
        trainer: Any = SimpleNamespace(log_dir=str(tmp_path / str(rank)), callbacks=[saved], is_global_zero=rank == 0)
        WandbReport().setup(trainer, model, "fit")
    assert begun == [tmp_path / "0"]


def test_the_command_of_a_sweeps_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Formed as by wandb.wandb_agent.Agent; the trial reports to the run that the agent names."""
    sweep = yaml.safe_load((REPOSITORY / "configs" / "sweep.yaml").read_text())
    drawn = {"model.backbone": "test_resnet", "model.learning_rate": 0.0007, "model.layer_decay": 0.61}
    drawn |= {"unfreezing.open_stages": sweep["parameters"]["unfreezing.open_stages"]["values"][2]}
    assert set(drawn) == set(sweep["parameters"])
    args = {name: {"value": value} for name, value in drawn.items()}
    macros = create_sweep_command_args({"args": args}) | {"env": ["/usr/bin/env"], "interpreter": ["python"]}
    command: list[str] = []
    for word in create_sweep_command(sweep["command"]):
        command += macros[word[2:-1]] if word.startswith("${") else [word]
    assert command[:4] == ["/usr/bin/env", "python", "-m", "posture_classifier"]
    parameters = tmp_path / "config-abc123.yaml"
    parameters.write_text(yaml.safe_dump({"wandb_version": 1} | args))
    environment = {"MODE": "offline", "SWEEP_ID": "sweep1", "RUN_ID": "abc123", "SWEEP_PARAM_PATH": str(parameters)}
    for name, value in environment.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.chdir(REPOSITORY)

    # Tiny photos, and no weights to be fetched; what the agent gave comes last.
    tiny = fit_arguments(draw_photos(tmp_path / "photos", 6, 2, ("left", "right")), tmp_path, 1)[1:]
    assert main([command[4], *command[5:9], *tiny, *command[9:]]) == 0
    folder = tmp_path / "lightning_logs" / "turtle_neck" / "version_0"
    (place,) = (folder / "wandb").glob("offline-run-*")
    found = read_offline_run(place)
    assert (found.run.run_id, found.run.sweep_id) == ("abc123", "sweep1")
    assert found.config["unfreezing"]["open_stages"] == {"2": "all"}
    assert (found.config["model"]["learning_rate"], found.config["model"]["layer_decay"]) == (0.0007, 0.61)
    assert found.config["model.learning_rate"] == 0.0007, "what W&B drew, beside"
    assert sweep["metric"]["name"] in found.summary


def test_the_file_of_a_run_folder_names_a_wandb_run_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may come from others, and wandb would send its key to a server that it names."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(wandb, "init", lambda **options: given.update(options) or SimpleNamespace(disabled=True))
    known = {"id": "abc", "project": "mine", "entity": None, "settings": {"base_url": "http://example.org"}, "dir": "elsewhere"}
    (tmp_path / "wandb.json").write_text(json.dumps(known))
    begin_run(tmp_path, {"project": "other", "entity": "me"}, stop=lambda: None)
    assert (given["id"], given["project"], given["entity"], given["dir"]) == ("abc", "mine", None, str(tmp_path))
    assert given["settings"].base_url != "http://example.org"
