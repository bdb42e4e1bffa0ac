"""Batches, and the processes that decode."""

import errno
import gc
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from torch.utils.data import DataLoader, Dataset

from posture_classifier.data import loaders
from posture_classifier.data.loaders import PhotoLoader, choose_workers, init_worker, shared_memory
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY, fit_arguments

PHOTO = 3 * 224 * 224


class Collected(Dataset[int]):
    """Counts the objects that a full garbage collection writes to in this process."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        return len(gc.get_objects())


@pytest.mark.skipif(sys.platform == "win32", reason="a process that was not forked has inherited nothing")
def test_a_worker_writes_to_nothing_that_it_inherited() -> None:
    """Each worker would otherwise copy some 100 MB of imported objects."""
    loader = DataLoader(Collected(), num_workers=1, worker_init_fn=init_worker, multiprocessing_context="fork")
    assert int(next(iter(loader))) < Collected()[0] / 10


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "available_cores", lambda: 8)


def give_room(monkeypatch: pytest.MonkeyPatch, megabytes: float) -> None:
    monkeypatch.setattr(loaders, "shared_memory", lambda: megabytes * 2**20)


@pytest.mark.parametrize(
    ("megabytes", "ranks", "batches", "batch_size", "workers"),
    [
        (math.inf, 1, 100, 32, 8),
        (math.inf, 2, 100, 32, 4),
        (64, 1, 100, 32, 4),  # Docker's own
        (64, 1, 5, 32, 8),  # more than these five batches are never there
        (64, 1, 100, 256, 0),
        (64, 2, 100, 32, 1),
        (0, 1, 100, 1, 0),
    ],
)
def test_workers_fit_into_shared_memory(
    monkeypatch: pytest.MonkeyPatch, eight_cores: None, megabytes: float, ranks: int, batches: int, batch_size: int, workers: int
) -> None:
    give_room(monkeypatch, megabytes)
    assert choose_workers(None, ranks, batches, batch_size * PHOTO) == workers


def test_workers_that_the_user_asks_for_are_taken_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    give_room(monkeypatch, 64)
    assert choose_workers(5, 1, 100, 32 * PHOTO) == 5
    assert choose_workers(0, 1, 100, 1000 * PHOTO) == 0
    with pytest.raises(UserError, match=r"num_workers 8.*--shm-size"):
        choose_workers(8, 1, 100, 32 * PHOTO)


@pytest.mark.parametrize(("blocks", "room"), [(100, 40 * 512), (0, math.inf)])
def test_a_file_system_without_a_size_has_no_limit(monkeypatch: pytest.MonkeyPatch, blocks: int, room: float) -> None:
    monkeypatch.setattr(loaders, "SHARED_MEMORY", "/")
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_bavail=40 if blocks else 0, f_frsize=512, f_blocks=blocks))
    assert shared_memory() == room
    monkeypatch.setattr(loaders, "SHARED_MEMORY", "/no/such/place")
    assert shared_memory() == math.inf


class Full(Dataset[int]):
    """Fails as torch does where others have used up the shared memory meanwhile."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        raise RuntimeError(f"unable to allocate shared memory(shm) for file </torch_1>: {os.strerror(errno.ENOSPC)} (28)")


def test_shared_memory_that_runs_out_later_is_one_sentence() -> None:
    with pytest.raises(UserError, match="--shm-size"):
        list(PhotoLoader(Full(), num_workers=1))  # type: ignore[arg-type]


def can_mount() -> bool:
    """Whether this user may put another file system in place of the shared memory, for itself."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"]
    return shutil.which("unshare") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="this user may not mount")
def test_fit_trains_with_a_megabyte_of_shared_memory(draw_folder: DrawFolder, tmp_path: Path) -> None:
    """On the real thing: with as many workers as fit, or a sentence about those that do not."""
    words = [*fit_arguments(draw_folder(people=40), tmp_path, 1), "--cache.enabled", "false", "--model.image_size", "96"]
    del words[(at := words.index("--data.num_workers")) : at + 2]
    for options, code in ([], 0), (["--data.num_workers", "8"], 2):
        program = [sys.executable, "-m", "posture_classifier", *words, *options]
        shell = 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", shell, "sh", *program]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert ("--shm-size" in done.stderr) == bool(code)
