"""Rows in a mapped file: what has a true checksum was written."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from posture_classifier.cache.tensor_store import TensorStore, file_size


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8])
def test_what_was_written_is_read(tmp_path: Path, dtype: torch.dtype) -> None:
    store = TensorStore(tmp_path / "a", 10, (3, 2), dtype)
    values = (torch.rand(2, 3, 2) * 100).to(dtype)
    store.write(np.array([7, 2]), values)
    assert store.has(np.arange(10)).tolist() == [row in (2, 7) for row in range(10)]
    assert torch.equal(store.read(np.array([2, 7])), values.flip(0))
    assert (tmp_path / "a").stat().st_size == file_size(10, (3, 2), dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8])
@pytest.mark.parametrize("shape", [(6, 1, 1), (1, 1, 1), (6, 4, 1), (6, 1, 4), (6, 4, 4), (6,), (), (1,), (4, 6)])
def test_values_are_written_whatever_their_order_in_memory(tmp_path: Path, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    """torch calls maps (B, C, 1, 1) contiguous with the channels innermost, too."""
    values = (torch.rand(3, *shape) * 100).to(dtype)
    channels_last = values.movedim(1, -1).clone(memory_format=torch.contiguous_format).movedim(-1, 1) if shape else values
    # Every second value of a larger tensor, and one value for all.
    others = (torch.stack([values, values], dim=-1)[..., 0], values[:1].expand(3, *shape))
    for n, given in enumerate((values, channels_last, *others)):
        store = TensorStore(tmp_path / str(n), 3, shape, dtype)
        store.write(np.arange(3), given)
        assert torch.equal(TensorStore(tmp_path / str(n), 3, shape, dtype).read(np.arange(3)), given)
        store.write(np.array([1]), given[2:])
        assert torch.equal(store.read(np.array([1])), given[2:])


def test_another_process_reads_it_and_a_pickled_one_maps_the_file(tmp_path: Path) -> None:
    first = TensorStore(tmp_path / "a", 4, (2,), torch.float32)
    second = pickle.loads(pickle.dumps(first))
    assert len(pickle.dumps(first)) < 1000, "the numbers stay in the file"
    program = (
        "import sys, numpy, torch; from pathlib import Path; from posture_classifier.cache.tensor_store import TensorStore\n"
        "TensorStore(Path(sys.argv[1]), 4, (2,), torch.float32).write(numpy.array([1]), torch.ones(1, 2))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], check=True)
    for store in (first, second):
        assert store.has(np.arange(4)).tolist() == [False, True, False, False]
        assert torch.equal(store.read(np.array([1])), torch.ones(1, 2))


def test_a_row_without_a_checksum_is_not_trusted(tmp_path: Path) -> None:
    """What a process leaves that is killed between writing a row and its checksum."""
    store = TensorStore(tmp_path / "a", 2, (4,), torch.uint8)
    with (tmp_path / "a").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"half")
    assert not store.has(np.array([1])).any()


def test_a_row_whose_numbers_never_reached_the_disk_is_not_trusted(tmp_path: Path) -> None:
    """After a power failure the checksum may be on the disk without the row, or with half of it."""
    TensorStore(tmp_path / "a", 3, (4,), torch.float32).write(np.arange(3), torch.rand(3, 4))
    with (tmp_path / "a").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(bytes(4))
    assert TensorStore(tmp_path / "a", 3, (4,), torch.float32).has(np.arange(3)).tolist() == [True, True, False]


def test_rows_that_changed_on_the_disk_are_not_trusted(tmp_path: Path) -> None:
    values, generator = torch.rand(50, 8), np.random.default_rng(0)
    TensorStore(tmp_path / "a", 50, (8,), torch.float32).write(np.arange(50), values)
    whole = np.frombuffer((tmp_path / "a").read_bytes(), dtype=np.uint8)
    for _ in range(40):
        changed = whole.copy()
        changed[generator.integers(len(whole), size=20)] ^= 255
        (tmp_path / "a").write_bytes(changed.tobytes())
        store = TensorStore(tmp_path / "a", 50, (8,), torch.float32)
        rows = np.flatnonzero(store.has(np.arange(50)))
        assert torch.equal(store.read(rows), values[torch.from_numpy(rows)])


@pytest.mark.parametrize("lost", [4144, 4000, 48, 4, -4])
def test_a_file_of_another_size_is_made_anew(tmp_path: Path, lost: int) -> None:
    TensorStore(tmp_path / "a", 3, (4,), torch.float32).write(np.arange(3), torch.rand(3, 4))
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes((content + bytes(4))[: len(content) - lost])
    store = TensorStore(tmp_path / "a", 3, (4,), torch.float32)
    assert not store.has(np.arange(3)).any()
    store.write(np.array([1]), torch.ones(1, 4))
    assert torch.equal(store.read(np.array([1])), torch.ones(1, 4))


def test_what_another_run_removed_is_not_there(tmp_path: Path) -> None:
    """A worker that is started later, and not forked, cannot map it any more."""
    store = TensorStore(tmp_path / "a", 3, (4,), torch.float32)
    store.write(np.arange(3), torch.rand(3, 4))
    sent = pickle.dumps(store)
    (tmp_path / "a").unlink()
    late = pickle.loads(sent)
    assert not late.has(np.arange(3)).any()
    late.write(np.arange(3), torch.rand(3, 4))
    assert not late.has(np.arange(3)).any()
    assert store.has(np.arange(3)).all(), "who has mapped it does not notice"


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refused)
    TensorStore(tmp_path / "a", 2, (4,), torch.uint8).write(np.array([1]), torch.ones(1, 4))
    assert TensorStore(tmp_path / "a", 2, (4,), torch.uint8).has(np.arange(2)).tolist() == [False, True]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_noticed_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(OSError, match="No space left"):
        TensorStore(tmp_path / "a", 2, (4,), torch.uint8)
    assert list(tmp_path.iterdir()) == []
