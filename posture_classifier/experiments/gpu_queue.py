"""Many trainings on the GPUs of one machine, one process per GPU at a time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import torch
from jsonargparse import Namespace

from posture_classifier.utils.stop import Stop
from posture_classifier.utils.stopping import at_stop, current

Job = TypeVar("Job")
VISIBLE = "CUDA_VISIBLE_DEVICES"


def usable_gpus(trainer: Namespace) -> list[str]:
    """The GPUs that trainings can be spread over, as CUDA names them; none if it is only one.

    Args:
        trainer: Options of Lightning's Trainer: ``accelerator``, and ``devices`` as ``auto``, a
            count or a list.
    """
    if trainer.accelerator not in ("auto", "gpu", "cuda"):
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


class RemainingTime:
    """Counts trainings, and estimates how long the rest takes from those that have ended.

    Args:
        total: Number of all trainings.
        waiting: Number of those that are still to be done.
    """

    def __init__(self, total: int, waiting: int) -> None:
        self._total, self._waiting = total, waiting
        self._begun = self._ended = 0
        self._started = time.monotonic()

    def begin(self) -> str:
        """Count one more as begun; returns ``3 of 20 (4 min so far, about 30 min to go)``."""
        self._begun += 1
        text = f"{self._total - self._waiting + self._begun} of {self._total}"
        if not self._ended:
            return text
        elapsed = (time.monotonic() - self._started) / 60
        # Trainings that run at the moment count as not begun.
        to_go = elapsed / self._ended * (self._waiting - self._ended)
        return f"{text} ({elapsed:.0f} min so far, about {to_go:.0f} min to go)"

    def end(self) -> None:
        """Count one more as ended."""
        self._ended += 1


def run_on_gpus(jobs: list[Job], gpus: Sequence[str], run: Callable[[Job, str], None]) -> None:
    """Run every job on a GPU that is free, in order; as many at once as there are GPUs."""
    free: SimpleQueue[str] = SimpleQueue()
    for gpu in gpus:
        free.put(gpu)

    def wait_and_run(job: Job) -> None:
        gpu = free.get()
        try:
            run(job, gpu)
        finally:
            free.put(gpu)

    executor = ThreadPoolExecutor(len(gpus))
    try:
        for _ in executor.map(wait_and_run, jobs):
            pass
    finally:
        # Trainings that run are told themselves; those that wait must not begin after Ctrl-C.
        executor.shutdown(cancel_futures=True)


def fit_on_gpu(gpu: str, options: list[str], log: Path) -> str | None:
    """Run ``fit`` in a child process that sees one GPU and ends with this process.

    Args:
        gpu: The GPU, as CUDA names it.
        options: Options of ``fit``.
        log: File that its output is added to.

    Returns:
        The last line of the output if it failed, else None.
    """
    with log.open("a", encoding="utf-8") as file:
        command = [sys.executable, "-m", "posture_classifier.cli.child_process", "fit", *options]
        environment = os.environ | {VISIBLE: gpu}
        with (
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, env=environment) as child,
            at_stop(lambda _: child.terminate()),
        ):
            code = child.wait()
    if (stopping := current()) is not None and stopping.cause is not None:
        raise Stop(stopping.cause)
    if code == 0:
        return None
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    reason = lines[-1].removeprefix("error: ") if lines else "no output"
    return f"{reason} (exit code {code}; all output is in {log})"
