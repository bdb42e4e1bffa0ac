"""Batches, and the processes that decode."""

import gc
import sys

import pytest
from torch.utils.data import DataLoader, Dataset

from posture_classifier.data.loaders import init_worker


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
