"""Checkpoints execute nothing when they are loaded, and are written whole or not at all."""

import multiprocessing
import os
import pickle
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.models.checkpoint import MARK, read_checkpoint
from posture_classifier.training.checkpoint_io import AtomicCheckpointIO, RunCheckpointIO
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit, fit_arguments

resource = pytest.importorskip("resource", reason="limits on files are a matter of Unix")


class Malicious:
    """Unpickling it makes a file: the proof that code ran."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.proof),))


@pytest.fixture
def malicious(tmp_path: Path) -> Path:
    torch.save({MARK: "0.1.0", "state_dict": {}, "hyper_parameters": Malicious(tmp_path / "proof")}, tmp_path / "evil.ckpt")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Malicious(tmp_path / "proof")))
    return tmp_path / "evil.ckpt"


def test_every_checkpoint_of_a_run_is_plain(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(), "--unfreezing.every_n_epochs", "1", epochs=2)
    files = sorted((run / "checkpoints").iterdir())
    assert [file.name for file in files] == ["best.ckpt", "last.ckpt"]
    for file in files:
        assert torch.load(file, weights_only=True)["hyper_parameters"]["class_names"] == ["left", "right"]


@pytest.mark.parametrize("command", ["fit", "validate", "test", "predict", "weights"])
def test_no_command_executes_a_malicious_checkpoint(
    tmp_path: Path, draw_folder: DrawFolder, malicious: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    arguments = {
        "predict": ["predict", str(malicious), str(root)],
        "weights": [*fit_arguments(root, tmp_path, 1), "--model.weights", str(malicious)],
    }.get(command, [command, *fit_arguments(root, tmp_path, 1)[1:], "--ckpt_path", str(malicious)])
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert str(malicious) in error
    assert "Traceback" not in error
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no file"),
        pytest.param(b"", id="empty file"),
        pytest.param(b"text", id="text"),
        pytest.param({"state_dict": {}}, id="another program's checkpoint"),
        pytest.param([1, 2], id="a list"),
    ],
)
def test_what_is_not_our_checkpoint_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "a.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=re.escape(str(path))):
        read_checkpoint(path)


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    path, io = tmp_path / "last.ckpt", AtomicCheckpointIO()
    io.save_checkpoint({MARK: "1", "epoch": 1}, path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(UserError, match=re.escape(str(path))):
            io.save_checkpoint({MARK: "1", "epoch": 2, "weights": torch.zeros(1_000_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read_checkpoint(path)["epoch"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"], "nothing half-written stays"


class Epochs:
    """Saves what a run saves, and reads what is on the disk."""

    def __init__(self, folder: Path, pause: float) -> None:
        self.io, self.best, self.last = RunCheckpointIO(pause), folder / "best.ckpt", folder / "last.ckpt"
        self.weights = torch.zeros(3)

    def end(self, epoch: int, best: bool) -> None:
        self.weights.fill_(epoch)  # in place, as an optimizer does
        for path in [self.best] * best + [self.last]:
            self.io.save_checkpoint({MARK: "1", "weights": self.weights}, path)

    def on_disk(self) -> list[float]:
        return [float(read_checkpoint(path)["weights"][0]) for path in (self.best, self.last)]


def test_checkpoints_of_short_epochs_are_held_until_the_time_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("posture_classifier.training.checkpoint_io.time.monotonic", lambda: now[0])
    epochs = Epochs(tmp_path, pause=10)
    epochs.end(1, best=True)
    assert epochs.on_disk() == [1, 1]
    now[0] += 6
    epochs.end(2, best=True)
    epochs.end(3, best=False)
    assert epochs.on_disk() == [1, 1], "last.ckpt on the disk does not name epoch 2 as the best"
    now[0] += 6
    epochs.end(4, best=False)
    assert epochs.on_disk() == [2, 4]
    epochs.end(5, best=True)
    epochs.io.save_checkpoint({MARK: "1"}, tmp_path / "mine.ckpt")
    assert (tmp_path / "mine.ckpt").exists(), "a checkpoint of the user's own is written when it is saved"
    assert epochs.on_disk() == [5, 5], "after the best one, which it may name"
    epochs.end(6, best=True)
    epochs.end(7, best=False)
    epochs.io.teardown()
    assert epochs.on_disk() == [6, 7]


def test_the_best_checkpoint_is_written_before_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", lambda self, checkpoint, path, *_: written.append(path.name))
    epochs = Epochs(tmp_path, pause=1000)
    for epoch, best in enumerate((True, False, True, False)):
        epochs.end(epoch, best)
    epochs.io.teardown()
    assert written == ["best.ckpt", "last.ckpt"] * 2


def test_a_full_disk_ends_fit_with_one_sentence(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second epoch's checkpoint does not fit on the disk, and the first one's remains."""
    root = draw_folder()
    arguments = fit_arguments(root, tmp_path, 1)
    assert main(arguments) == 0
    last = tmp_path / "lightning_logs" / root.name / "version_0" / "checkpoints" / "last.ckpt"
    capsys.readouterr()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**5, before[1]))
    try:
        assert main([*fit_arguments(root, tmp_path, 2), "--ckpt_path", "last"]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert re.fullmatch(f"error: .*{re.escape(str(last))}.*\n", capsys.readouterr().err)
    assert read_checkpoint(last)["epoch"] == 0


def write_forever(path: Path) -> None:
    for epoch in range(100_000):
        AtomicCheckpointIO().save_checkpoint({MARK: "1", "weights": torch.full((2_000_000,), float(epoch))}, path)


def test_a_kill_while_writing_leaves_a_loadable_file(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    process = multiprocessing.get_context("fork").Process(target=write_forever, args=(path,))
    process.start()
    while not path.exists():
        assert process.is_alive()
        time.sleep(0.01)
    written = set()
    for _ in range(50):  # at any moment, not only at the last, what lies there is whole
        weights = read_checkpoint(path)["weights"]
        assert len(weights) == 2_000_000
        assert weights.min() == weights.max()
        written.add(float(weights[0]))
        time.sleep(0.01)
    process.kill()
    process.join()
    assert len(written) > 1, "it was being replaced meanwhile"
    assert len(read_checkpoint(path)["weights"]) == 2_000_000
