"""The processes that decode."""

import gc
import sys
from pathlib import Path

import pytest
from torch.utils.data import DataLoader, Dataset

from posture_classifier.data.workers import init_worker


class Collects(Dataset[float]):
    """Megabytes that a full collection makes a worker's own."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> float:
        before = unshared()
        gc.collect()
        return unshared() - before


def unshared() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork, or do not tell")
def test_collecting_garbage_copies_nothing_that_was_inherited() -> None:
    """The objects of torch, Lightning and a million file names are some 100 MB, of which each worker would have a copy."""
    loader = DataLoader(Collects(), num_workers=1, worker_init_fn=init_worker, multiprocessing_context="fork")
    assert float(next(iter(loader))) < 5
