"""Trainings on the GPUs of one machine, one process each, which end with what started them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from filelock import FileLock
from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.experiments.engines import gpus
from posture_classifier.experiments.engines.engine import Training
from posture_classifier.experiments.engines.gpus import Gpus, usable_gpus
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments, rows
from tests.helpers.searches import prepare_search


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=10, each=2, classes=("left", "right"))


def arguments(photos: Path, output: Path, *options: str) -> list[str]:
    return [*fit_arguments(photos, output, 2)[1:], "--experiment", "search", "--search.seeds", "[0]", *options]


def _trainings(n: int) -> list[Training]:
    return [Training(str(number), Path(str(number)), []) for number in range(n)]


def test_every_gpu_has_one_training_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, seen, together = set[str](), [], threading.Barrier(2, timeout=20)

    def do(training: Training, environment: dict[str, str]) -> None:
        device = environment["CUDA_VISIBLE_DEVICES"]
        assert device not in busy
        busy.add(device)
        if int(training.name) < 2:
            together.wait()  # passes only if both GPUs are at work
        busy.remove(device)
        seen.append((training.name, device))

    monkeypatch.setattr(gpus, "fit_in_child", do)
    begun, ended = [], []
    Gpus(["0", "3"]).run(
        _trainings(6), lambda each, where: begun.append((each.name, where)), lambda each, _: ended.append(each.name)
    )
    assert sorted(begun) == sorted((name, f"on GPU {device}") for name, device in seen)
    assert sorted(ended) == [str(number) for number in range(6)]
    assert {device for name, device in seen if int(name) < 2} == {"0", "3"}


def test_an_error_of_ours_begins_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def do(training: Training, _: dict[str, str]) -> None:
        begun.append(training.name)
        raise KeyboardInterrupt

    monkeypatch.setattr(gpus, "fit_in_child", do)
    with pytest.raises(KeyboardInterrupt):
        Gpus(["0"]).run(_trainings(50), lambda *_: None, lambda *_: None)
    assert len(begun) < 50


@pytest.mark.parametrize(
    ("accelerator", "devices", "visible", "expected"),
    [
        ("auto", "auto", None, ["0", "1", "2"]),
        ("gpu", "2", None, ["0", "1"]),
        ("cuda", [0, 2], None, ["0", "2"]),
        ("auto", "-1", "5,7", ["5", "7"]),
        ("auto", "1", None, []),
        ("cpu", "auto", None, []),
    ],
)
def test_the_gpus_that_may_be_used(
    accelerator: str, devices: Any, visible: str | None, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    trainer: Any = SimpleNamespace(accelerator=accelerator, devices=devices)
    assert usable_gpus(trainer) == expected


@pytest.mark.slow
def test_two_gpus_train_in_processes_of_their_own(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "usable_gpus", lambda _: ["0", "1"])
    options = ("--search.backbones", "[test_resnet,test_vit]", "--model.image_size", "40")
    search = prepare_search(arguments(photos, tmp_path, *options))
    failures = search.train()
    assert list(failures) == ["test_vit-seed_0"]
    assert failures["test_vit-seed_0"].startswith("model.backbone test_vit cannot take images of 40 px")
    assert search.finished_run("test_resnet-seed_0")
    assert "run folder" in (search.folder / "test_resnet-seed_0" / "fit.log").read_text()


class Outlive(Callback):
    """Holds a lock, as do the processes that it forks, and sleeps a minute in its second epoch.

    It sleeps only the first time.

    Args:
        folder: Where it leaves its locks and that it was there.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.lock = FileLock(self.folder / f"{os.environ['CUDA_VISIBLE_DEVICES']}.lock")
        self.lock.acquire()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        there = self.folder / f"{os.environ['CUDA_VISIBLE_DEVICES']}.there"
        if trainer.current_epoch == 1 and not there.exists():
            there.touch()
            time.sleep(60)


ON_TWO_GPUS = """
import sys
from posture_classifier.cli.program import main
from posture_classifier.experiments.engines import gpus
gpus.usable_gpus = lambda trainer: ["0", "1"]
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("number", "code"), [("SIGKILL", -9), ("SIGTERM", 143)])
def test_trainings_on_gpus_end_with_the_search_that_started_them(tmp_path: Path, photos: Path, number: str, code: int) -> None:
    options = ["--search.backbones", "[test_resnet,test_efficientnet]", "--data.num_workers", "1"]
    options += ["--trainer.callbacks", f"{Outlive.__module__}.Outlive", "--trainer.callbacks.folder", str(tmp_path)]
    command = [sys.executable, "-c", ON_TWO_GPUS, "search", *arguments(photos, tmp_path, *options)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as search:
        try:
            give_up = time.monotonic() + 120
            while len(list(tmp_path.glob("*.there"))) < 2:
                assert search.poll() is None
                assert time.monotonic() < give_up
                time.sleep(0.1)
            search.send_signal(getattr(signal, number))
            assert search.wait(60) == code
        finally:
            search.kill()
    for lock in tmp_path.glob("*.lock"):
        with FileLock(lock, timeout=20):  # not before each process that held it is gone
            pass

    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False)
    assert again.returncode == 0, again.stderr
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    assert f"resuming in {folder}" in again.stdout
    assert len(rows(folder / "comparison" / "comparison.csv")) == 2
    for run in folder.glob("*/version_*"):
        assert [row["epoch"] for row in rows(run / "metrics.csv")] == ["0", "1"], "each epoch once"
    assert len(list(folder.glob("*/version_*"))) == 2, "resumed, not begun anew"
