"""Callbacks are named by their class alone, in YAML and as options; old paths still work."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentParser, capture_parser
from lightning.pytorch import callbacks as lightning_callbacks

from posture_classifier.callbacks.early_stopping import EarlyStoppingAfterUnfreezing
from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.callbacks.wandb_report import WandbReport
from posture_classifier.training.fit import PostureCLI
from tests.helpers.callbacks import Recorder
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit

by_name = pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EarlyStoppingAfterUnfreezing", EarlyStoppingAfterUnfreezing),
        ("WandbReport", WandbReport),
        ("ProgressiveUnfreezing", ProgressiveUnfreezing),
        ("posture_classifier.callbacks.early_stopping.EarlyStopping", EarlyStoppingAfterUnfreezing),
        ("posture_classifier.callbacks.wandb_report.WandbReport", WandbReport),
        ("EarlyStopping", lightning_callbacks.EarlyStopping),
        ("LearningRateMonitor", lightning_callbacks.LearningRateMonitor),
    ],
)


@pytest.fixture(scope="module")
def parser() -> ArgumentParser:
    return capture_parser(PostureCLI, ["fit"])


def configured(parser: ArgumentParser, *words: str) -> list[tuple[type, dict[str, Any]]]:
    """Classes and arguments of the callbacks of a command line."""
    callbacks = parser.parse_args(["fit", "--data.root", "photos", *words]).fit.trainer.callbacks
    found = []
    for callback in callbacks if isinstance(callbacks, list) else [callbacks]:
        module, _, name = callback.class_path.rpartition(".")
        found.append((getattr(import_module(module), name), callback.init_args.as_dict()))
    return found


@by_name
def test_in_yaml(parser: ArgumentParser, tmp_path: Path, name: str, expected: type) -> None:
    arguments = {"monitor": "val/loss", "patience": 7} if "EarlyStopping" in name else {}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"trainer": {"callbacks": [{"class_path": name, "init_args": arguments}]}}))
    ((found, init_args),) = configured(parser, "--config", str(config))
    assert found is expected
    assert init_args | arguments == init_args


@pytest.mark.parametrize("option", ["--trainer.callbacks", "--trainer.callbacks+"])
@by_name
def test_on_the_command_line(parser: ArgumentParser, option: str, name: str, expected: type) -> None:
    words = ["--trainer.callbacks.monitor", "val/loss"] if name == "EarlyStopping" else []
    ((found, _),) = configured(parser, option, name, *words)
    assert found is expected


def test_a_later_file_and_a_later_option_add_to_the_list(parser: ArgumentParser, tmp_path: Path) -> None:
    first, overlay = tmp_path / "first.yaml", tmp_path / "overlay.yaml"
    first.write_text("trainer: {callbacks: [{class_path: EarlyStoppingAfterUnfreezing, init_args: {patience: 7}}]}")
    overlay.write_text("trainer: {callbacks+: [{class_path: WandbReport, init_args: {project: mine}}]}")
    words = ["--trainer.callbacks+", "LearningRateMonitor", "--trainer.callbacks.logging_interval", "epoch"]
    found = configured(parser, "--config", str(first), "--config", str(overlay), *words)
    assert [kind for kind, _ in found] == [EarlyStoppingAfterUnfreezing, WandbReport, lightning_callbacks.LearningRateMonitor]
    assert (found[0][1]["patience"], found[1][1]["project"], found[2][1]["logging_interval"]) == (7, "mine", "epoch")


def test_a_single_callback_that_is_no_list_takes_part_in_a_training(draw_folder: DrawFolder, fit: Fit) -> None:
    fit(draw_folder(), "--trainer.callbacks", "tests.helpers.callbacks.Recorder")
    assert len(Recorder.states) == 2, "at the start, and after the epoch"
