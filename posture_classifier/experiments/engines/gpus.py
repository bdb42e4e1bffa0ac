"""The GPUs of one machine: one process per GPU at a time."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import torch
from jsonargparse import Namespace

from posture_classifier.experiments.engines.child_fit import fit_in_child
from posture_classifier.experiments.engines.engine import GPU_ACCELERATORS, Began, Ended, Training
from posture_classifier.utils.stop import Stop
from posture_classifier.utils.stopping import current

VISIBLE = "CUDA_VISIBLE_DEVICES"


def usable_gpus(trainer: Namespace) -> list[str]:
    """The GPUs that trainings can be spread over, as CUDA names them; none if it is only one.

    Args:
        trainer: Options of Lightning's Trainer: ``accelerator``, and ``devices`` as ``auto``, a
            count or a list.
    """
    if trainer.accelerator not in GPU_ACCELERATORS:
        return []
    # Names rather than numbers: the user may have hidden some already.
    names = os.environ.get(VISIBLE)
    known = names.split(",") if names else [str(n) for n in range(torch.cuda.device_count())]
    if isinstance(trainer.devices, list):
        chosen = [known[n] for n in trainer.devices if n < len(known)]
    else:
        count = len(known) if str(trainer.devices) in ("auto", "-1") else int(trainer.devices)
        chosen = known[:count]
    return chosen if len(chosen) > 1 else []


@dataclass(frozen=True)
class Gpus:
    """Carries out as many trainings at the same time as there are GPUs, named as CUDA does."""

    names: Sequence[str]

    def run(self, trainings: Sequence[Training], began: Began, ended: Ended) -> None:
        """Train each on a GPU that is free, in order."""
        free: SimpleQueue[str] = SimpleQueue()
        for gpu in self.names:
            free.put(gpu)

        def train(training: Training) -> None:
            gpu = free.get()
            try:
                began(training, f"on GPU {gpu}")
                failure = fit_in_child(training, {VISIBLE: gpu})
                if (stopping := current()) is not None and stopping.cause is not None:
                    raise Stop(stopping.cause)
                ended(training, failure)
            finally:
                free.put(gpu)

        executor = ThreadPoolExecutor(len(self.names))
        try:
            for _ in executor.map(train, trainings):
                pass
        finally:
            # Trainings that run are told themselves; those that wait must not begin after Ctrl-C.
            executor.shutdown(cancel_futures=True)
