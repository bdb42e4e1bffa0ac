"""Processes that decode: how many, and how each begins."""

import gc

from posture_classifier.parallel import cores


def default_workers(ranks: int) -> int:
    """A process for each core that a rank has, eight at most; none on one core."""
    return 0 if cores() == 1 else min(8, max(1, cores() // ranks))


def init_worker(worker: int) -> None:
    """One thread a worker, where OpenCV would start as many as there are cores; and what it inherited stays shared."""
    import cv2

    # Or else the first full collection would write to every object of the process that it was forked from, and so copy all of them.
    gc.freeze()
    cv2.setNumThreads(0)
