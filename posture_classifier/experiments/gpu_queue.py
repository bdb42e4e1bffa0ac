"""Many trainings on the GPUs of one machine, one process a GPU at a time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import torch
from jsonargparse import Namespace

Job = TypeVar("Job")
VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus(trainer: Namespace) -> list[str]:
    """The GPUs that the trainer's options allow, as CUDA names them; none where trainings share one device.

    Args:
        trainer: Options of Lightning's Trainer: ``accelerator``, and ``devices`` as ``auto``, a count or a list.
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
    """Counts trainings, and guesses how long the rest takes from those that came to their end.

    Args:
        total: All trainings.
        left: Those that are still to be done.
    """

    def __init__(self, total: int, left: int) -> None:
        self._total, self._left = total, left
        self._begun = self._ended = 0
        self._started = time.monotonic()

    def begin(self) -> str:
        """``3 of 20 (4 min so far, about 30 min to go)`` for the next one."""
        self._begun += 1
        elapsed = (time.monotonic() - self._started) / 60
        text = f"{self._total - self._left + self._begun} of {self._total}"
        if not self._ended:
            return text
        # What runs at the moment counts as not begun.
        to_go = elapsed / self._ended * (self._left - self._ended)
        return f"{text} ({elapsed:.0f} min so far, about {to_go:.0f} min to go)"

    def end(self) -> None:
        """One is done."""
        self._ended += 1


def run_on_gpus(jobs: list[Job], devices: list[str], do: Callable[[Job, str], None]) -> None:
    """Do every job on a device that is free, in order; as many at once as there are devices."""
    free: SimpleQueue[str] = SimpleQueue()
    for device in devices:
        free.put(device)

    def wait_and_do(job: Job) -> None:
        device = free.get()
        try:
            do(job, device)
        finally:
            free.put(device)

    pool = ThreadPoolExecutor(len(devices))
    try:
        for _ in pool.map(wait_and_do, jobs):
            pass
    finally:
        # What runs sees Ctrl-C itself; what waits should not begin after it.
        pool.shutdown(cancel_futures=True)


def fit_on(device: str, options: list[str], log: Path) -> str | None:
    """Run ``fit`` in a process that sees one GPU, and ends with this one; its output goes to a file.

    Returns:
        The last thing that it said if it failed.
    """
    with log.open("a", encoding="utf-8") as file:
        command = [sys.executable, "-m", "posture_classifier.cli.child_process", "fit", *options]
        seen = os.environ | {VISIBLE: device}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, env=seen) as child:
            code = child.wait()
    if code == 0:
        return None
    said = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"{said[-1].removeprefix('error: ') if said else 'no word'} (exit code {code}; all it said is in {log})"
