"""Threads and processes that decode share the memory that there is."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Lock, Thread

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from posture_classifier.cache.directory import cache_directory
from posture_classifier.images import decoding_memory
from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.images.decoding_memory import BYTES_PER_PIXEL, Budget, memory_to_decode

SIZE = (100, 100)
NEEDED = 100 * 100 * BYTES_PER_PIXEL


class Together:
    """Counts how many photos are being decoded."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = Lock()

    def add(self, change: int) -> None:
        with self._lock:
            self.now += change
            self.most = max(self.most, self.now)


def use(budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_memory, "budget", budget)


@pytest.mark.parametrize(("photos", "together"), [(0.5, 1), (1, 1), (2.5, 2), (4, 4)])
def test_no_more_photos_are_decoded_than_the_memory_holds(photos: float, together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use(Budget(photos * NEEDED), monkeypatch)
    counted, enough = Together(), Barrier(together)

    def one(_: int) -> None:
        with memory_to_decode(Image.new("L", SIZE), SIZE):
            counted.add(1)
            enough.wait(60)  # as many are let in at once
            counted.add(-1)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one, range(2 * 4)))
    assert counted.most == together


def test_the_memory_of_a_photo_that_fails_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(3 * NEEDED)
    use(budget, monkeypatch)
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:9000])
    with pytest.raises(DecodeError):
        decode(tmp_path / "a.png")
    assert budget.left == budget.limit


def test_a_smaller_scale_takes_less_unless_the_jpeg_is_progressive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[float] = []

    class Recording(Budget):
        def taken(self, amount: float):  # type: ignore[no-untyped-def]
            taken.append(amount)
            return super().taken(amount)

    use(Recording(1e9), monkeypatch)
    for progressive in (False, True):
        Image.new("RGB", (800, 800)).save(tmp_path / "a.jpg", progressive=progressive)
        decode(tmp_path / "a.jpg", at_least=50)
    assert taken == [100 * 100 * BYTES_PER_PIXEL, 100 * 100 * BYTES_PER_PIXEL + 800 * 800 * 6]


def test_a_huge_photo_waits_for_that_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    use(Budget(NEEDED / 2), monkeypatch)
    cache_directory().mkdir(parents=True, exist_ok=True)
    decoded = Event()

    def one() -> None:
        with memory_to_decode(Image.new("L", SIZE), SIZE):
            decoded.set()

    thread = Thread(target=one, daemon=True)
    with FileLock(cache_directory() / "decoding.lock"):  # as another process would
        thread.start()
        assert not decoded.wait(0.3)
    assert decoded.wait(60)
    thread.join()


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process may have been stopped."""
    use(Budget(NEEDED / 2), monkeypatch)
    monkeypatch.setattr(decoding_memory, "PATIENCE", 0.1)
    cache_directory().mkdir(parents=True, exist_ok=True)
    with FileLock(cache_directory() / "decoding.lock"), memory_to_decode(Image.new("L", SIZE), SIZE):
        pass


def test_nor_where_no_file_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(Budget(NEEDED / 2), monkeypatch)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with memory_to_decode(Image.new("L", SIZE), SIZE):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_a_process_that_is_forked_meanwhile_begins_with_all_of_it() -> None:
    """Its copy of the lock would otherwise never be released."""
    budget = decoding_memory.budget
    with budget.taken(budget.limit), budget._changed:
        child = os.fork()
        if child == 0:
            os._exit(0 if budget.left == budget.limit and budget._changed.acquire(timeout=5) else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_worker_processes_divide_it() -> None:
    budget = Budget(80)
    budget.begin(processes=4)
    assert (budget.limit, budget.left) == (20, 20)


MEASURE = """
import sys
from posture_classifier.images.decode import decode
def peak(): return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
decode(sys.argv[1])
open("/proc/self/clear_refs", "w").write("5")
before = peak()
for path in sys.argv[2:]:
    decode(path)
print(1024 * (peak() - before))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux counts a process's memory")
@pytest.mark.parametrize("kind", ["16 bits", "floats", "transparent"])
def test_memory_of_a_huge_picture(tmp_path: Path, kind: str) -> None:
    """Before, they took 28, 32 and 16 bytes a pixel."""
    side, path = 3000, tmp_path / "a.tif"
    image = {
        "16 bits": Image.fromarray(np.full((side, side), 4000, dtype=np.uint16)),
        "floats": Image.fromarray(np.full((side, side), 0.4, dtype=np.float32)),
        "transparent": Image.new("RGBA", (side, side), (9, 9, 9, 9)),
    }[kind]
    image.save(path, compression="tiff_deflate")
    Image.new("RGBA", (9, 9)).save(tmp_path / "small.png")
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "small.png"), str(path)]
    taken = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert taken < 12 * side * side
