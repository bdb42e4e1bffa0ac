"""``crossval --final``: a network of all photos, whose checkpoint holds the folds' figures."""

import contextlib
import csv
import io
import json
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high
from typing import Any

import numpy as np
import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.seen import photo_digests
from posture_classifier.experiments.final_network import best_epoch
from posture_classifier.inference import Classifier
from posture_classifier.metrics.temperature_scaling import fit_temperature
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.utils.errors import UserError
from tests.helpers.advice import arguments_of
from tests.helpers.callbacks import KillOnce
from tests.helpers.kills import unequal
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments, run_program

FOLDS = 3


@dataclass(frozen=True)
class Ended:
    """A cross-validation, whose final network was asked for afterwards.

    Attributes:
        photos: Folder of the photos.
        folder: Its own folder.
        before: What it printed without the final network.
        after: What the command printed that adds one.
        untouched: Whether the folds' files are as they were.
    """

    photos: Path
    folder: Path
    before: str
    after: str
    untouched: bool

    @property
    def summary(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return content

    @property
    def checkpoint(self) -> Path:
        return self.folder / "final" / "version_0" / "checkpoints" / "last.ckpt"

    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "predictions.csv").open() as file:
            return list(csv.DictReader(file))


def arguments(photos: Path, output: Path, *options: str) -> list[str]:
    own = fit_arguments(photos, output, 3)[1:-2]  # without --report false
    return ["crossval", *own, "--data.folds", str(FOLDS), "--model.learning_rate", "0.01", *options]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    output = tmp_path_factory.mktemp("ended")
    photos = draw_photos(output / "photos", people=6, each=2, classes=("left", "right"))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(arguments(photos, output)) == 0
    before, (folder,) = said.getvalue(), output.glob("lightning_logs/photos/crossval_*")
    files = {path: path.stat().st_mtime_ns for path in folder.glob("fold_*/**/*") if path.is_file()}
    advised = before.rpartition("next, a network that is trained on all photos: ")[2]
    with contextlib.redirect_stdout(said):
        assert main(arguments_of(advised)) == 0, "it is followed to the letter"
    assert [path.name for path in folder.parent.iterdir()] == ["crossval_0"], "in the folder of the folds"
    untouched = all(path.stat().st_mtime_ns == time for path, time in files.items())
    return Ended(photos, folder, before, said.getvalue().removeprefix(before), untouched)


def test_a_fold_is_one_line_and_all_folds_one_table(ended: Ended) -> None:
    rows = ended.rows()
    for fold in range(FOLDS):
        own = [row for row in rows if row["fold"] == str(fold)]
        right = np.mean([(float(row["left"]) > 0.5) == (row["label"] == "left") for row in own])
        groups = len({row["group"] for row in own})
        line = rf"fold {fold + 1} of 3: accuracy {right:.3f} on {len(own)} photos of {groups} groups, "
        assert re.search(rf"^{line}\d+ s$", ended.before, re.MULTILINE)
        assert f"{line}trained before" in ended.after
        assert "run folder" in (ended.folder / f"fold_{fold}" / "fit.log").read_text()
    assert ended.before.count("balanced accuracy") == 1, "one table"
    for silent in ("run folder", "checkpoint", "test split"):
        assert silent not in ended.before
    assert ended.untouched


def test_the_checkpoint_holds_the_figures_of_the_folds(ended: Ended) -> None:
    evaluation, rows = read_checkpoint(ended.checkpoint)["evaluation"], ended.rows()
    right = np.array([(float(row["left"]) > 0.5) == (row["label"] == "left") for row in rows])
    assert evaluation["procedure"] == "cross-validation"
    assert (evaluation["folds"], evaluation["images"], evaluation["groups"]) == (FOLDS, 24, 6)
    assert evaluation["accuracy"]["value"] == pytest.approx(right.mean())
    for name, estimate in ended.summary.items():
        if isinstance(estimate, dict) and "low" in estimate:
            assert evaluation[name] == estimate
    assert evaluation["status"] == ended.summary["status"]
    for name in ("left", "right"):
        true = np.array([row["label"] == name for row in rows])
        said = np.array([float(row[name]) > 0.5 for row in rows])
        assert evaluation["classes"][name]["images"] == 12
        assert evaluation["classes"][name]["recall"]["value"] == pytest.approx(said[true].mean())
        precision = evaluation["classes"][name]["precision"]["value"]
        assert precision == (pytest.approx(true[said].mean()) if said.any() else None)
    pooled = read_prediction_table(ended.folder / "predictions.csv").predictions
    assert evaluation["temperature"] == fit_temperature(pooled) == ended.summary["final"]["temperature"]


def test_the_checkpoint_holds_rules_that_the_folds_have_judged(ended: Ended) -> None:
    evaluation = read_checkpoint(ended.checkpoint)["evaluation"]
    assert evaluation["photos"]["train"] == {"images": 24, "groups": 6}
    assert set(evaluation["thresholds"]) == {"left", "right"}
    distances = []
    for fold in range(FOLDS):
        with (ended.folder / f"fold_{fold}" / "version_0" / "test" / "distances.csv").open() as file:
            distances += [float(row["distance"]) for row in csv.DictReader(file)]
    assert len(distances) == 24
    assert evaluation["familiarity"]["threshold"] == pytest.approx(sorted(distances)[-1])
    assert 0 <= evaluation["familiarity"]["false_alarms"]["value"] < 1
    for figure in (evaluation["abstention"]["answered"], evaluation["thresholds"]["left"][0]["recall"]):
        assert figure["value"] is not None
    prediction = Classifier.load(ended.folder, "cpu")(next(ended.photos.rglob("*.png")))
    assert prediction.familiar is True, "it was trained on"
    assert "When to trust an answer" in (ended.folder / "report.html").read_text()


def test_it_is_trained_on_all_photos_for_the_median_of_the_best_epochs(ended: Ended) -> None:
    best = []
    for fold in range(FOLDS):
        with (ended.folder / f"fold_{fold}" / "version_0" / "metrics.csv").open() as file:
            losses = [float(row["val/loss"]) for row in csv.DictReader(file)]
        best.append(int(np.argmin(losses)) + 1)
    content = read_checkpoint(ended.checkpoint)
    assert ended.summary["final"]["epochs"] == content["epoch"] + 1 == median_high(best)
    seen = content["PostureData"]
    assert sorted(seen["train"].tolist()) == sorted(photo_digests(read_folder(ended.photos)).tolist())
    assert len(seen["val"]) == len(seen["test"]) == 0


def test_without_validation_the_last_epoch_is_the_best() -> None:
    assert best_epoch([{"epoch": "0"}, {"epoch": "1"}]) == 1
    assert best_epoch([{"epoch": "0", "val/loss": "0.2"}, {"epoch": "1", "val/loss": "0.3"}, {"epoch": "2", "val/loss": ""}]) == 0


def test_what_is_printed_last_is_what_to_do_next(ended: Ended, tmp_path: Path) -> None:
    *_, checkpoint, report, following = ended.after.strip().splitlines()
    assert checkpoint == f"final checkpoint: {ended.checkpoint}"
    assert report == f"report: {ended.folder / 'report.html'}"
    command = following.removeprefix("next: ")
    new = draw_photos(tmp_path / "new_photos", 2, 1, ("left", "right"), seed=5)
    words = [str(new) if word == "new_photos/" else word for word in arguments_of(command)]
    assert main([*words, "--output", str(tmp_path / "out.csv")]) == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 5
    page = (ended.folder / "report.html").read_text()
    assert command in page
    assert page.count("data:image/jpeg") >= 6, "pictures by the networks of the folds"


def test_figures_that_were_changed_are_refused(ended: Ended, tmp_path: Path) -> None:
    content = torch.load(ended.checkpoint, weights_only=True)
    for change in ({"images": -1}, {"accuracy": 0.9}, {"temperature": float("nan")}):
        torch.save(content | {"evaluation": content["evaluation"] | change}, tmp_path / "changed.ckpt")
        with pytest.raises(UserError, match="evaluation"):
            read_checkpoint(tmp_path / "changed.ckpt")
    assert Classifier.load(ended.checkpoint).class_names == ["left", "right"]


def test_a_final_network_needs_a_checkpoint(tmp_path: Path, ended: Ended, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(ended.photos, tmp_path, "--final", "--trainer.enable_checkpointing", "false")) == 2
    assert "--final" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_final_training_ends_as_if_nothing_had_happened(tmp_path: Path, ended: Ended) -> None:
    killer = ("--trainer.callbacks", f"{KillOnce.__module__}.KillOnce", "--trainer.callbacks.diary", str(tmp_path / "diary"))
    call = arguments(ended.photos, tmp_path, "--final", *killer, "--trainer.callbacks.training", str(FOLDS + 1))
    assert run_program(*call).returncode == -signal.SIGKILL
    folder = tmp_path / "lightning_logs" / "photos" / "crossval_0"
    assert (folder / "predictions.csv").exists()
    assert not (folder / "summary.json").exists()
    assert main(call) == 0
    assert [path.name for path in folder.parent.iterdir()] == ["crossval_0"]
    assert [path.name for path in (folder / "final").glob("version_*")] == ["version_0"]
    ours, theirs = (read_checkpoint(path / "final/version_0/checkpoints/last.ckpt") for path in (folder, ended.folder))
    for part in ("state_dict", "evaluation", "epoch", "PostureData"):
        assert not unequal(ours[part], theirs[part])


@pytest.mark.slow
def test_a_final_network_is_exported_with_its_proof(ended: Ended) -> None:
    """Nobody is left to test it, so that it is proven on photos that it has learnt from."""
    assert main(["export", str(ended.folder)]) == 0
    folder = ended.checkpoint.parents[1] / "export" / "onnx"
    proof = json.loads((folder / "agreement.json").read_text())
    assert proof["passed"]
    assert proof["agreement"]["images"] > 0
    assert (folder / "model.onnx").is_file()
