"""The processes that decode."""

import gc
import sys

import pytest
from torch.utils.data import DataLoader, Dataset

from posture_classifier.data.loaders import init_worker


class Collected(Dataset[int]):
    """How many objects a full collection of garbage goes through, and so writes to, in the process that asks."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        return len(gc.get_objects())


@pytest.mark.skipif(sys.platform == "win32", reason="a process that was not forked has inherited nothing")
def test_a_worker_writes_to_nothing_that_it_inherited() -> None:
    """The objects of torch, Lightning and all else that is imported are some 100 MB, of which each worker would have a copy."""
    loader = DataLoader(Collected(), num_workers=1, worker_init_fn=init_worker, multiprocessing_context="fork")
    assert int(next(iter(loader))) < Collected()[0] / 10
