"""A run whose checkpoint holds all that a checkpoint can, exported once a session."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.inference import Classifier
from posture_classifier.models.checkpoint import EVALUATION
from posture_classifier.models.familiarity import fit_familiarity
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments

PEOPLE = 40
"""Enough that a label that differs is still within what an artifact may do otherwise."""


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.05}


def measured(classifier: Classifier, classes: tuple[str, ...]) -> dict[str, Any]:
    """What a checkpoint knows of its network, in numbers that nobody measured."""
    images = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        _, features = classifier.model.eval().logits_and_features(images)
    shares = {name: interval(0.9) for name in ("recall", "false_alarms", "precision")}
    return {
        "procedure": "test split",
        "images": 16,
        "groups": 8,
        "accuracy": interval(0.8),
        "temperature": 0.31,
        "thresholds": {name: [{"wanted_recall": 0.95, "threshold": 0.4} | shares] for name in classes},
        "abstention": {"threshold": 0.6, "answered": interval(0.7), "accuracy": interval(0.9)},
        "familiarity": {
            "threshold": 1.5,
            "false_alarms": interval(0.1),
            "reference": fit_familiarity(features.clone(), torch.arange(12) % 2),
        },
    }


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "secret-photos", people=PEOPLE, each=1, classes=("left", "right"))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """A run of ``fit``."""
    output = tmp_path_factory.mktemp("run")
    options = ["--unfreezing.open_stages", "{0: all}", "--model.learning_rate", "0.01", "--data.test_fraction", "0.4"]
    assert main([*fit_arguments(photos, output, 2), *options]) == 0
    run = output / "lightning_logs" / photos.name / "version_0"
    best = run / "checkpoints" / "best.ckpt"
    content = torch.load(best, weights_only=True)
    content[EVALUATION] = measured(Classifier.load(best, "cpu", "fp32"), ("left", "right"))
    torch.save(content, best)
    return run


@pytest.fixture(scope="session")
def exported(run: Path) -> Path:
    """The folder of its export as ONNX."""
    assert main(["export", str(run)]) == 0
    return run / "export" / "onnx"


@pytest.fixture
def own_run(run: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may change."""
    copy = tmp_path / "logs" / "version_0"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("export"))
    return copy
