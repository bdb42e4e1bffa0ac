"""Stores that all ranks of a training map: one file for all, or none for any."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from posture_classifier.cache.shared_stores import SharedStores, is_shared
from posture_classifier.cache.tensor_store import TensorStore


def trainer_of(files: list[int], rank: int) -> SimpleNamespace:
    """A trainer on one node, whose ranks have mapped these files."""
    strategy = SimpleNamespace(
        root_device="cpu", all_gather=lambda _: torch.tensor(files), reduce_boolean_decision=lambda own: own, barrier=lambda: None
    )
    return SimpleNamespace(strategy=strategy, global_rank=rank, local_rank=rank)


@pytest.mark.parametrize(("ranks", "shared"), [([0, 0], True), ([0, 1], False)])
def test_ranks_that_have_mapped_different_files_share_nothing(tmp_path: Path, ranks: list[int], shared: bool) -> None:
    """As when another run removes the file after the first of them."""
    stores = [TensorStore(tmp_path / name, 1, (1,), torch.uint8) for name in ("a", "b")]
    trainer = trainer_of([stores[n].identity for n in ranks], rank=1)
    assert is_shared(trainer, stores[ranks[1]]) == shared  # type: ignore[arg-type]


def test_a_store_that_is_not_shared_is_removed_and_refused_to_all(tmp_path: Path) -> None:
    stores = SharedStores(tmp_path, limit=1e6, keep=True)
    trainer = trainer_of([-1, 0], rank=1)
    for _ in range(2):
        assert stores.open_on_all_ranks(trainer, "0" * 32, 4, (2,), torch.uint8) is None  # type: ignore[arg-type]
        assert stores.refusal


@pytest.mark.parametrize("keep", [True, False])
def test_closing_removes_files_unless_they_are_kept(tmp_path: Path, keep: bool) -> None:
    stores = SharedStores(tmp_path, limit=1e6, keep=keep)
    one, other = (stores.open(name * 32, 4, (2,), torch.uint8) for name in "ab")
    assert one is not None
    assert other is not None
    assert stores.open("a" * 32, 4, (2,), torch.uint8) is one
    stores.close(keep_open="a" * 32)
    assert one.path.exists()
    assert other.path.exists() == keep
    stores.close()
    assert one.path.exists() == keep


def test_what_finds_no_room_is_refused_with_the_reason(tmp_path: Path) -> None:
    stores = SharedStores(tmp_path, limit=1000, keep=False)
    assert stores.open("a" * 32, 1000, (2,), torch.uint8) is None
    assert "cache.limit" in stores.refusal
    (tmp_path / "file").touch()
    closed = SharedStores(tmp_path / "file", limit=1e6, keep=False)
    assert closed.open("a" * 32, 4, (2,), torch.uint8) is None
    assert str(tmp_path / "file") in closed.refusal
