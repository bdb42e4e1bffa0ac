"""``fit`` puts into its best checkpoint what it measured, and a classifier uses that."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.inference import Classifier
from posture_classifier.metrics.temperature_scaling import rescale
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.training.best_checkpoint import _has_same_figures
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import EXACT, Fit, fit_arguments

LEARNS = (*EXACT, "--model.learning_rate", "0.01")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 people, of whom it has learnt little: some photos are wrong."""
    folder = tmp_path_factory.mktemp("run")
    root = draw_photos(folder / "photos", 20, 2, ("left", "right"))
    assert main([*fit_arguments(root, folder, 2), *LEARNS]) == 0
    return folder / "lightning_logs" / "photos" / "version_0"


@pytest.fixture(scope="module")
def stored(run: Path) -> dict[str, Any]:
    evaluation: dict[str, Any] = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["evaluation"]
    return evaluation


def photos_of(run: Path, split: str) -> list[str]:
    table = read_prediction_table(run / split / "predictions.csv")
    return [str(run.parents[2] / "photos" / path) for path in table.paths]


def test_the_figures_are_those_of_the_summary(run: Path, stored: dict[str, Any]) -> None:
    summary = json.loads((run / "summary.json").read_text())
    for name in ("images", "groups", "accuracy", "log_loss"):
        assert stored[name] == summary[name]
    assert (stored["procedure"], stored["photos"]) == ("test split", summary["splits"])
    assert "evaluation" not in read_checkpoint(run / "checkpoints" / "last.ckpt"), "another network"
    evaluation = Classifier.load(run, device="cpu").evaluation
    assert evaluation is not None
    assert evaluation.photos == summary["splits"]
    assert evaluation.abstention is not None
    assert evaluation.abstention.answered.value == stored["abstention"]["answered"]["value"]
    assert [each.wanted_recall for each in evaluation.thresholds["left"]] == [0.9, 0.95, 0.99]


def test_a_classifier_is_calibrated_as_the_report_is_and_says_the_same(run: Path, stored: dict[str, Any]) -> None:
    table = read_prediction_table(run / "test" / "predictions.csv")
    files = photos_of(run, "test")
    calibrated, raw = (Classifier.load(run, "cpu", "fp32", calibrated=calibrated).predict(files) for calibrated in (True, False))
    assert stored["temperature"] not in (None, 1)
    expected = rescale(table.predictions, stored["temperature"])
    for predictions, probabilities in ((calibrated, expected.probabilities), (raw, table.predictions.probabilities)):
        found = [[*(each.probabilities or {}).values()] for each in predictions]
        np.testing.assert_allclose(found, probabilities, atol=1e-5)
    for ours, theirs, confidence in zip(calibrated, raw, expected.confidence, strict=True):
        assert ours.label == theirs.label
        assert ours.sure == theirs.sure == (confidence >= stored["abstention"]["threshold"])
        assert ours.probability == max((ours.probabilities or {}).values())


def test_distances_are_those_that_were_measured(run: Path, stored: dict[str, Any]) -> None:
    with (run / "test" / "distances.csv").open() as file:
        measured = [float(row["distance"]) for row in csv.DictReader(file)]
    predictions = Classifier.load(run, "cpu", "fp32").predict(photos_of(run, "test"))
    assert [each.distance for each in predictions] == pytest.approx(measured, rel=1e-3)
    threshold = stored["familiarity"]["threshold"]
    assert [each.familiar for each in predictions] == [distance <= threshold for distance in measured]
    assert stored["familiarity"]["false_alarms"]["value"] == pytest.approx(np.mean(np.array(measured) > threshold))
    chosen_by = [each.distance for each in Classifier.load(run, "cpu", "fp32").predict(photos_of(run, "val"))]
    assert max(distance for distance in chosen_by if distance) == pytest.approx(threshold, rel=1e-3), "of 16 photos the largest"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert Classifier.load(run, "cpu")(noise).familiar is False


def test_the_report_finds_the_validation_predictions(run: Path, tmp_path: Path) -> None:
    before = (run / "val" / "predictions.csv").stat().st_mtime_ns
    assert main(["report", str(run), "--output", str(tmp_path / "page")]) == 0
    assert (run / "val" / "predictions.csv").stat().st_mtime_ns == before, "they are newer than the network"
    assert "when-to-trust-an-answer" in (tmp_path / "page" / "report.html").read_text()


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": float("inf")},
        {"abstention": {"threshold": 1.5}},
        {"thresholds": {"left": [{"threshold": 0.5}]}},
        {"familiarity": {"threshold": 1.0, "false_alarms": {"value": None, "low": None, "high": None}, "reference": {}}},
        {"photos": {"train": {"images": -1, "groups": None}}},
    ],
)
def test_what_somebody_changed_is_refused(run: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    content = read_checkpoint(run / "checkpoints" / "best.ckpt")
    torch.save(content | {"evaluation": content["evaluation"] | change}, tmp_path / "changed.ckpt")
    with pytest.raises(UserError, match=r"damaged.*evaluation"):
        Classifier.load(tmp_path / "changed.ckpt")


def test_a_reference_of_another_network_is_refused(run: Path, tmp_path: Path) -> None:
    content = read_checkpoint(run / "checkpoints" / "best.ckpt")
    familiarity = content["evaluation"]["familiarity"]
    reference = familiarity["reference"]
    narrow = reference | {"class_means": reference["class_means"][:, :5], "basis": reference["basis"][:5]}
    changed = content["evaluation"] | {"familiarity": familiarity | {"reference": narrow}}
    torch.save(content | {"evaluation": changed}, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match="5 features"):
        Classifier.load(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("stored", "measured", "same"), [(None, None, True), (None, 0.5, False), (0.5, 0.5 + 1e-8, True), (0.5, 0.51, False)]
)
def test_a_checkpoint_is_written_anew_only_where_its_figures_are_others(
    stored: float | None, measured: float | None, same: bool
) -> None:
    one, other = ({"images": 4, "accuracy": {"value": 0.5}, "auroc": {"value": value}} for value in (stored, measured))
    assert _has_same_figures(one, other) == same


@pytest.mark.slow
def test_a_resumed_run_measures_anew(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=10)
    run = fit(root, *LEARNS)
    best = run / "checkpoints" / "best.ckpt"
    for path in ("last", str(best)):
        content = torch.load(best, weights_only=True)
        torch.save(content | {"evaluation": content["evaluation"] | {"temperature": 19.0, "images": 1}}, best)
        fit(root, *LEARNS, "--ckpt_path", path, epochs=2)
        assert read_checkpoint(best)["evaluation"]["temperature"] != 19


def test_without_test_photos_nothing_is_judged(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(people=10), *LEARNS, "--data.test_fraction", "0")
    evaluation = read_checkpoint(run / "checkpoints" / "best.ckpt")["evaluation"]
    assert evaluation["procedure"] == "validation split, which chose the epoch"
    assert evaluation["abstention"]["answered"]["value"] is None
    assert evaluation["familiarity"]["false_alarms"]["value"] is None
    assert evaluation["familiarity"]["threshold"] > 0
    prediction = Classifier.load(run, "cpu")(np.zeros((32, 32, 3), dtype=np.uint8))
    assert None not in (prediction.sure, prediction.distance, prediction.familiar)


def test_without_validation_photos_nothing_is_chosen(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(people=10), *LEARNS, "--data.val_fraction", "0")
    classifier = Classifier.load(run, "cpu")
    assert classifier.evaluation is not None
    assert classifier.evaluation.procedure == "test split"
    assert (classifier.evaluation.temperature, classifier.evaluation.abstention, classifier.familiarity) == (None, None, None)
    prediction = classifier(np.zeros((32, 32, 3), dtype=np.uint8))
    assert (prediction.sure, prediction.distance, prediction.familiar) == (None, None, None)


def test_a_fault_of_the_measurement_ends_no_training(draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr("posture_classifier.training.best_checkpoint.fit_familiarity", fail)
    with pytest.warns(UserWarning, match="no memory"):
        run = fit(draw_folder(people=10), *LEARNS)
    assert "evaluation" not in read_checkpoint(run / "checkpoints" / "best.ckpt")
    assert os.listdir(run / "test") == ["predictions.csv"]


def test_cached_activations_give_what_the_photos_do(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=10)
    distances = []
    for version, enabled in enumerate(("true", "false")):
        run = fit(root, *LEARNS, "--unfreezing.open_stages", "{}", "--cache.enabled", enabled, version=version)
        distances.append(read_checkpoint(run / "checkpoints" / "best.ckpt")["evaluation"])
    assert distances[0]["log_loss"]["value"] == pytest.approx(distances[1]["log_loss"]["value"], rel=1e-3)
    assert distances[0]["familiarity"]["threshold"] == pytest.approx(distances[1]["familiarity"]["threshold"], rel=1e-3)
