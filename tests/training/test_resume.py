"""A run that is killed at any moment and resumed ends as if nothing had happened."""

import csv
import json
import random
import shutil
import signal
from pathlib import Path

import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.models.checkpoint import read_checkpoint
from tests.helpers.kills import CONFIGURATIONS, differences, kill_one, uninterrupted
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import fit_arguments, run_forked

# Head alone, then one more stage, then everything; with augmentation and dropout, which both draw
# random numbers.
OPTIONS = [
    *("--unfreezing.open_stages", "{2: 2, 4: all}", "--data.augmentation", "null", "--model.drop_rate", "0.3"),
    *("--model.optimizer", "adamw", "--unfreezing.batch_statistics", "true"),
]
EPOCHS = 6
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")


def weights(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=6, each=2, classes=("left", "right"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """The run that nothing interrupts."""
    output = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(output)
        assert main([*fit_arguments(photos, Path(), EPOCHS), *OPTIONS]) == 0
    return output / "lightning_logs" / photos.name / "version_0"


@pytest.mark.parametrize(
    ("epoch", "batch", "pause", "kept"),
    [
        pytest.param(1, 1, 0, 0, id="within the head phase", marks=pytest.mark.slow),
        pytest.param(2, 0, 0, 1, id="exactly at an unfreezing"),
        pytest.param(4, 1, 0, 3, id="just after everything opened", marks=pytest.mark.slow),
        pytest.param(4, 1, 1000, 0, id="with later checkpoints still held in memory"),
    ],
)
def test_a_killed_run_leaves_what_a_whole_one_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: Path, whole: Path, epoch: int, batch: int, pause: float, kept: int
) -> None:
    """Checkpoints of the last and the best epoch, metrics, predictions and summary."""
    monkeypatch.chdir(tmp_path)
    arguments = [*fit_arguments(photos, Path(), EPOCHS), *OPTIONS]
    killer = f"[{{class_path: tests.helpers.callbacks.Killer, init_args: {{epoch: {epoch}, batch: {batch}, pause: {pause}}}}}]"
    log = tmp_path / "log.txt"
    assert run_forked(*arguments, "--trainer.callbacks", killer, log=log) == [-signal.SIGKILL], log.read_text()
    got = tmp_path / "lightning_logs" / photos.name / "version_0"
    assert read_checkpoint(got / "checkpoints" / "last.ckpt")["epoch"] == kept
    assert main([*arguments, "--ckpt_path", "last"]) == 0
    assert differences(got, whole) == []
    assert [row["stages_open"] for row in rows(got)] == ["1", "1", "2", "2", "6", "6"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_command_that_is_killed_at_random_moments_leaves_what_a_whole_one_leaves(tmp_path: Path, name: str) -> None:
    """Some twenty kills in all; ``benchmarks/kills.py`` makes as many as one has time for."""
    whole, seconds = uninterrupted(name, tmp_path)
    draw, killed = random.Random(name), 0
    for number in range(10):
        kills, difference = kill_one(name, whole, seconds, number, draw, most=4 - killed)
        assert difference == "equal"
        killed += kills
        if killed == 4:
            return
    pytest.fail("the machine was too quick to be killed")


def test_a_resumed_run_keeps_its_folder_and_its_first_config(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    assert main(fit_arguments(root, tmp_path, 1)) == 0
    run = tmp_path / "lightning_logs" / root.name / "version_0"
    config = (run / "config.yaml").read_text()
    assert main([*fit_arguments(root, tmp_path, 2), "--ckpt_path", str(run / "checkpoints" / "last.ckpt")]) == 0
    assert (run / "config.yaml").read_text() == config
    assert "max_epochs: 2" in (run / "config.resumed-1.yaml").read_text()
    assert [row["epoch"] for row in rows(run)] == ["0", "1"]
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]


@pytest.mark.slow
def test_a_resumed_run_stays_pretrained_without_its_weight_file(tmp_path: Path, draw_folder: DrawFolder) -> None:
    """Frozen BatchNorm statistics stay frozen after a resume, and no weights are fetched again."""
    root = draw_folder()
    assert main(fit_arguments(root, tmp_path / "first", 1)) == 0
    file = tmp_path / "weights.ckpt"
    shutil.copy(tmp_path / "first" / "lightning_logs" / root.name / "version_0" / "checkpoints" / "last.ckpt", file)
    options = ["--model.weights", str(file), "--unfreezing.open_stages", "{0: all}"]
    assert main([*fit_arguments(root, tmp_path, 1), *options]) == 0
    run = tmp_path / "lightning_logs" / root.name / "version_0"
    before = weights(run)
    file.unlink()
    assert main([*fit_arguments(root, tmp_path, 2), *options, "--ckpt_path", "last"]) == 0
    after = weights(run)
    assert not torch.equal(before["backbone.conv1.0.weight"], after["backbone.conv1.0.weight"])
    assert all(torch.equal(value, after[name]) for name, value in before.items() if "running" in name)
    assert json.loads((run / "summary.json").read_text())["weights"] == "weights.ckpt"
    assert "weights_source: null" in (run / "config.resumed-1.yaml").read_text()


def test_a_checkpoint_outside_of_a_run_is_resumed_in_a_new_folder(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    assert main(fit_arguments(root, tmp_path, 1)) == 0
    runs = tmp_path / "lightning_logs" / root.name
    shutil.copy(runs / "version_0" / "checkpoints" / "last.ckpt", tmp_path / "mine.ckpt")
    assert main([*fit_arguments(root, tmp_path, 2), "--ckpt_path", str(tmp_path / "mine.ckpt")]) == 0
    assert (runs / "version_1" / "checkpoints" / "last.ckpt").exists()


def test_a_run_of_another_experiment_is_resumed_in_its_own_folder(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    assert main([*fit_arguments(root, tmp_path, 1), "--experiment", "first"]) == 0
    last = tmp_path / "lightning_logs" / "first" / "version_0" / "checkpoints" / "last.ckpt"
    assert main([*fit_arguments(root, tmp_path, 2), "--ckpt_path", str(last)]) == 0
    assert [path.name for path in (tmp_path / "lightning_logs").iterdir()] == ["first"]
    assert torch.load(last, weights_only=True)["epoch"] == 1
