"""Loggers of Lightning beside our own: what they are told, and what is refused."""

from pathlib import Path

import pytest
import wandb
import yaml

from posture_classifier.cli.program import main
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments
from tests.helpers.wandb_offline import read_offline_run


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    return fit_arguments(draw_photos(tmp_path / "photos", 6, 1, ("left", "right")), tmp_path, 1)


def test_a_csv_logger_gets_the_whole_configuration(tmp_path: Path, arguments: list[str]) -> None:
    assert main([*arguments, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", str(tmp_path / "csv")]) == 0
    (written,) = (tmp_path / "csv").rglob("hparams.yaml")
    logged = yaml.safe_load(written.read_text())
    assert (logged["model"]["backbone"], logged["data"]["batch_size"], logged["seed_everything"]) == ("test_resnet", 4, 0)
    assert {"trainer", "unfreezing", "cache"} < set(logged)
    assert logged["run_folder"] == str(tmp_path / "lightning_logs" / "photos" / "version_0")


@pytest.mark.usefixtures("no_wandb_settings")
@pytest.mark.parametrize("name", [None, "mine"])
def test_a_wandb_logger_gets_it_too_with_a_name_and_tags(tmp_path: Path, arguments: list[str], name: str | None) -> None:
    options = ["--trainer.logger", "WandbLogger", "--trainer.logger.offline", "true", "--trainer.logger.save_dir", str(tmp_path)]
    assert main([*arguments, *options, *(["--trainer.logger.name", name] if name else [])]) == 0
    wandb.finish()  # which wandb itself does when the program ends
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    found = read_offline_run(folder)
    assert (found.config["model"]["backbone"], found.config["data"]["batch_size"]) == ("test_resnet", 4)
    assert found.run.display_name == (name or "photos/version_0")
    assert list(found.run.tags) == ["test_resnet", "photos"]
    assert len([row for row in found.history if "val/loss" in row]) == 1


@pytest.mark.parametrize("kind", ["overlay", "two loggers"])
def test_two_reports_to_wandb_are_refused(
    tmp_path: Path, arguments: list[str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = {"class_path": "WandbLogger", "init_args": {"offline": True, "save_dir": str(tmp_path)}}
    settings = tmp_path / "loggers.yaml"
    settings.write_text(yaml.safe_dump({"trainer": {"logger": [logger] * (1 if kind == "overlay" else 2)}}))
    overlay = ["--config", str(REPOSITORY / "configs" / "wandb.yaml")] if kind == "overlay" else []
    assert main(["fit", "--config", str(settings), *overlay, *arguments[1:]]) == 2
    said = capsys.readouterr().err
    assert "would both report this run to W&B" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "wandb").exists()


@pytest.mark.parametrize("as_list", [False, True])
def test_a_logger_whose_package_is_missing_is_one_sentence(
    tmp_path: Path, arguments: list[str], as_list: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_TENSORBOARD_AVAILABLE", "_TENSORBOARDX_AVAILABLE"):
        monkeypatch.setattr(f"lightning.fabric.loggers.tensorboard.{name}", False)
    logger = {"class_path": "TensorBoardLogger", "init_args": {"save_dir": str(tmp_path)}}
    settings = tmp_path / "logger.yaml"
    settings.write_text(yaml.safe_dump({"trainer": {"logger": [logger] if as_list else logger}}))
    assert main(["fit", "--config", str(settings), *arguments[1:]]) == 2
    said = capsys.readouterr().err
    assert "TensorBoardLogger cannot be used: Neither `tensorboard` nor" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["CSVLogger", "TensorBoardLogger"])
def test_what_a_logger_needs_is_named(name: str, tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What a user of Lightning types first; the first test above follows the advice."""
    assert main([*arguments, "--trainer.logger", name]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{name} needs save_dir; add --trainer.logger.save_dir" in said
    settings = tmp_path / "logger.yaml"
    settings.write_text(yaml.safe_dump({"trainer": {"logger": [{"class_path": name}]}}))
    assert main(["fit", "--config", str(settings), *arguments[1:]]) == 2
    assert "add init_args: {save_dir: ...} beside its class_path" in capsys.readouterr().err


def test_a_logger_that_cannot_write_is_one_sentence(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([*arguments, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_batches_of_one_photo_have_no_statistics(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Maps of one pixel, of which torch's BatchNorm wants several; and the advice is followed."""
    network = ["--model.backbone", "lcnet_035", "--unfreezing.open_stages", "{0: all}", "--data.batch_size", "1"]
    assert main([*arguments, *network]) == 2
    assert "raise data.batch_size, or set --unfreezing.batch_statistics false" in capsys.readouterr().err
    assert main([*arguments, *network, "--unfreezing.batch_statistics", "false"]) == 0
