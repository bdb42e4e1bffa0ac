"""Processes that decode: how many, and how each begins."""

from posture_classifier.parallel import cores


def default_workers(ranks: int) -> int:
    """A process for each core that a rank has, eight at most; none on one core."""
    return 0 if cores() == 1 else min(8, max(1, cores() // ranks))


def init_worker(worker: int) -> None:
    """One thread a worker, where OpenCV would start as many as there are cores."""
    import cv2

    cv2.setNumThreads(0)
