"""Every command reads a run folder that an earlier version wrote (``helpers/old_run``)."""

import csv
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from posture_classifier import Classifier
from posture_classifier.cli import main
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.restore import restore_model

OLD = Path(__file__).parent / "helpers" / "old_run"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run folder, below the folder that its photos' paths are relative to."""
    shutil.copytree(OLD / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(OLD / "version_0", tmp_path / "lightning_logs" / "photos" / "version_0")).relative_to(tmp_path)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_predicts_what_it_predicted(run: Path) -> None:
    tested = rows(run / "test" / "predictions.csv")
    predicted = Classifier.load(run / "checkpoints" / "best.ckpt", precision="fp32").predict(
        [f"photos/{row['path']}" for row in tested]
    )
    for row, prediction in zip(tested, predicted, strict=True):
        assert prediction.probabilities == pytest.approx({name: float(row[name]) for name in ("left", "right")}, abs=1e-6)


def test_is_tested_again_to_the_same_predictions(run: Path) -> None:
    assert main(["test", "--config", str(run / "config.yaml"), "--ckpt_path", str(run / "checkpoints" / "best.ckpt")]) == 0
    again = rows(run.with_name("version_1") / "test" / "predictions.csv")
    for row, before in zip(again, rows(run / "test" / "predictions.csv"), strict=True):
        assert row["path"] == before["path"]
        assert float(row["left"]) == pytest.approx(float(before["left"]), abs=1e-6)


def test_is_resumed_with_the_state_of_its_callbacks(run: Path) -> None:
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("min_delta: 0.0", "min_delta: 1.0"))  # the next epoch is no improvement
    waited = _epochs_waited(run)
    assert main(["fit", "--config", str(config), "--ckpt_path", "last", "--trainer.max_epochs", "4"]) == 0
    assert [row["epoch"] for row in rows(run / "metrics.csv")] == ["0", "1", "2", "3"]
    assert _epochs_waited(run) == waited + 1  # it did not begin to count anew


@pytest.mark.parametrize("command", ["fit", "test"])
def test_it_keeps_its_preprocessing(run: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    made: set[int] = set()
    square = Preprocessing.square

    def noted(preprocessing: Preprocessing, image: Image.Image) -> npt.NDArray[np.uint8]:
        made.add(preprocessing.version)
        return square(preprocessing, image)

    monkeypatch.setattr(Preprocessing, "square", noted)
    last = run / "checkpoints" / "last.ckpt"
    options = ["--trainer.max_epochs", "4", "--report", "false"] if command == "fit" else []
    assert main([command, "--config", str(run / "config.yaml"), "--ckpt_path", str(last), *options]) == 0
    assert made == {1}
    if command == "fit":
        assert restore_model(last, read_checkpoint(last)).preprocessing.version == 1


def test_its_stages_are_those_that_it_was_trained_in(run: Path) -> None:
    assert Classifier.load(run / "checkpoints" / "best.ckpt").model.hparams["stages"] == "fine"


def _epochs_waited(run: Path) -> int:
    states = read_checkpoint(run / "checkpoints" / "last.ckpt")["callbacks"]
    (count,) = (state["wait_count"] for key, state in states.items() if key.startswith("EarlyStopping"))
    return int(count)


def test_is_reported(run: Path) -> None:
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").is_file()


def test_is_compared(run: Path) -> None:
    other = Path(shutil.copytree(run, run.with_name("version_1")))
    config = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(config.replace("learning_rate: 0.05", "learning_rate: 0.01"))
    assert main(["compare", str(run), str(other), "--output", "comparison"]) == 0
    assert len(rows(Path("comparison/comparison.csv"))) == 2
