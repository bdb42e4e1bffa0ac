"""Tiny drawn photos and a tiny backbone: every test runs the real program on them."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.metrics import intervals
from posture_classifier.models.frozen_prefix import Cut
from posture_classifier.rendering.confusion_matrix import plot_confusion
from posture_classifier.rendering.learning_curves import plot_curves
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import Fit, fit_arguments

PLOTS = {"plot_confusion": plot_confusion, "plot_curves": plot_curves}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs more GPUs than there are."""
    there = torch.cuda.device_count()
    for marker in item.iter_markers("gpu"):
        needed = marker.args[0] if marker.args else 1
        if there < needed:
            pytest.skip(f"needs GPUs that torch can use by CUDA: {needed}, there: {there}")


@pytest.fixture(autouse=True, scope="session")
def keep_out_of_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Also by what fixtures of modules do, which run outside of any test."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.getbasetemp() / "cache")


@pytest.fixture(autouse=True, scope="session")
def speak_english() -> None:
    """Whatever language whoever runs the tests has."""
    os.environ["LC_ALL"] = "C.UTF-8"


@pytest.fixture(autouse=True, scope="session")
def no_pictures() -> Iterator[None]:
    """Drawing is a third of so small a training; tests of pictures put ``PLOTS`` back."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PLOTS:
            patch.setattr(f"posture_classifier.callbacks.evaluation_report.{name}", lambda *_: None)
        yield


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where anything asks the network."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing here may ask the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw them."""
    for name, function in PLOTS.items():
        monkeypatch.setattr(f"posture_classifier.callbacks.evaluation_report.{name}", function)


@pytest.fixture(autouse=True)
def leave_no_trace(tmp_path: Path) -> Iterator[None]:
    """Undo what DDP (process group, environment, threads) and wandb (settings) leave behind.

    A later test's children would inherit the former; and with another number of threads than its
    killed child a resumed run adds in another order, so that its weights would differ in the last
    bits. wandb reads its environment once a process, so a later test would go on in the mode of an
    earlier one.
    """
    before = dict(os.environ)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    if (wandb := sys.modules.get("wandb")) is not None:
        wandb.teardown()
    os.environ.clear()
    os.environ.update(before)
    torch.set_num_threads(1)


@pytest.fixture
def no_wandb_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No W&B settings or files of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    if used := sys.modules.get("wandb"):  # by an earlier test, whose run and settings wandb keeps
        used.finish()
        used.teardown()


@pytest.fixture
def draw_folder(tmp_path: Path) -> DrawFolder:
    """Draw a folder of photos below the test's own folder."""

    def make(
        name: str = "photos", people: int = 6, each: int = 2, classes: tuple[str, ...] = ("left", "right"), seed: int = 0
    ) -> Path:
        return draw_photos(tmp_path / name, people, each, classes, seed)

    return make


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    """Run ``fit`` on a folder with the tiny backbone, in seconds; returns the run folder."""

    def run(root: Path, *options: str, epochs: int = 1, version: int = 0, code: int = 0) -> Path:
        assert main([*fit_arguments(root, tmp_path, epochs), *options]) == code
        return tmp_path / "lightning_logs" / root.name / f"version_{version}"

    return run


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Photos in each pass through a frozen prefix, except those that only find out its shape."""
    counts: list[int] = []
    prefix = Cut._run_prefix

    def counting(self: Cut, images: torch.Tensor) -> torch.Tensor:
        if images.abs().sum() > 0 and not torch.is_inference_mode_enabled():
            counts.append(len(images))
        return prefix(self, images)

    monkeypatch.setattr(Cut, "_run_prefix", counting)
    monkeypatch.setattr("posture_classifier.models.frozen_prefix._equals_whole", lambda *_: True)  # its passes are not counted
    return counts


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bootstrap with 400 resamples: the standard error of these is within 4 % of that of 2000."""
    monkeypatch.setattr(intervals, "RESAMPLES", 400)
    intervals.resample_weights.cache_clear()
    yield
    intervals.resample_weights.cache_clear()
