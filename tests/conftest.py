"""Tiny drawn photos and a tiny backbone: every test runs the real program on them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from posture_classifier.cli import main
from posture_classifier.cut import Cut
from posture_classifier.plots import plot_confusion, plot_curves

# Two cores gain nothing on pictures of 32 pixels.
torch.set_num_threads(1)

REPOSITORY = Path(__file__).parents[1]
PLOTS = {"plot_confusion": plot_confusion, "plot_curves": plot_curves}
DrawFolder = Callable[..., Path]
Fit = Callable[..., Path]


@pytest.fixture(autouse=True, scope="session")
def keep_out_of_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Also by what fixtures of modules do, which run outside of any test."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.getbasetemp() / "cache")


@pytest.fixture(autouse=True, scope="session")
def no_pictures() -> Iterator[None]:
    """Drawing is a third of so small a training; the tests that look at pictures put ``PLOTS`` back."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PLOTS:
            patch.setattr(f"posture_classifier.callbacks.evaluation_report.{name}", lambda *_: None)
        yield


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw them."""
    for name, function in PLOTS.items():
        monkeypatch.setattr(f"posture_classifier.callbacks.evaluation_report.{name}", function)


@pytest.fixture(autouse=True)
def leave_no_trace(tmp_path: Path) -> Iterator[None]:
    """Lightning's DDP leaves its process group, its environment variables and its number of threads behind; wandb its settings.

    A later test's children would inherit the former; and with another number of threads than its killed child a resumed run adds
    in another order, so that its weights would differ in the last bits. wandb reads its environment once a process, so a later
    test would go on in the mode of an earlier one.
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


def draw(label: int, seed: int, size: int = 40) -> Image.Image:
    """A bright square on noise, left for label 0 and right for label 1, further down for higher labels."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 120, (size, size, 3), dtype=np.uint8)
    top, left = 4 + 8 * (label // 2), 4 if label % 2 == 0 else size // 2
    pixels[top : top + 14, left : left + 14] = generator.integers(180, 255, 3, dtype=np.uint8)
    return Image.fromarray(pixels)


def draw_photos(root: Path, people: int, each: int, classes: tuple[str, ...], seed: int = 0) -> Path:
    """Make ``root/<class>/<person>_<n>.png``; each person has photos of every class. Another seed draws other photos."""
    for label, class_name in enumerate(classes):
        (root / class_name).mkdir(parents=True)
        for person in range(people):
            for n in range(each):
                draw(label, 100_000 * seed + 1000 * person + 10 * n + label).save(root / class_name / f"person{person}_{n}.png")
    return root


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
    """How many photos each pass through a frozen prefix held, but for those that only ask for its shape."""
    counts: list[int] = []
    prefix = Cut._until_left

    def counting(self: Cut, images: torch.Tensor) -> torch.Tensor:
        if images.abs().sum() > 0 and not torch.is_inference_mode_enabled():
            counts.append(len(images))
        return prefix(self, images)

    monkeypatch.setattr(Cut, "_until_left", counting)
    monkeypatch.setattr("posture_classifier.cut._agrees", lambda *_: True)  # whose own passes are not counted
    return counts


def cache_files() -> list[Path]:
    """What lies in the cache's folder now."""
    folder = Path(os.environ["XDG_CACHE_HOME"], "posture_classifier")
    return sorted(folder.iterdir()) if folder.is_dir() else []


def last(run: Path) -> dict[str, torch.Tensor]:
    """The weights after the last epoch."""
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state


def assert_same(one: Path, other: Path, tolerance: float = 1e-6) -> None:
    """Two runs ended with the same weights."""
    for name, value in last(one).items():
        torch.testing.assert_close(last(other)[name], value, rtol=0, atol=tolerance, msg=name)


def fit_arguments(root: Path, output: Path, epochs: int) -> list[str]:
    """A command line of ``fit`` for tiny pictures: random weights, no workers, no augmentation, nothing drawn."""
    return [
        "fit",
        *("--data.root", str(root), "--data.group_pattern", r"person\d+", "--data.num_workers", "0", "--data.batch_size", "4"),
        *("--data.augmentation", "[]", "--data.val_fraction", "0.2", "--data.test_fraction", "0.2"),
        *("--model.backbone", "test_resnet", "--model.pretrained", "false", "--model.image_size", "32"),
        *("--trainer.max_epochs", str(epochs), "--trainer.default_root_dir", str(output)),
        *("--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false", "--report", "false"),
    ]


def run_program(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, which may die."""
    command = [sys.executable, "-m", "posture_classifier", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, errors="replace", timeout=240, check=False, **options
    )
