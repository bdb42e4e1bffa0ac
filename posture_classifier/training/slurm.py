"""Jobs that SLURM interrupts and starts again: the same command goes on with the job's own run."""

import json
import os
import subprocess
from pathlib import Path

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch import Trainer

from posture_classifier.runs.folder import versions
from posture_classifier.runs.names import LAST_CHECKPOINT
from posture_classifier.utils.stop import Cause
from posture_classifier.utils.stopping import current

SLURM_JSON = "slurm.json"
"""File of a run folder that names the job and the command line that began the run."""
TIMEOUT = 20.0


def job() -> str | None:
    """The job that this process belongs to, as ``scontrol`` names it."""
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID')}"
    return os.environ.get("SLURM_JOB_ID")


def remember_job(run: Path, arguments: list[str]) -> None:
    """Note in a run folder which command line of which job of SLURM began it, if it is one."""
    if job():
        (run / SLURM_JSON).write_text(json.dumps({"job": job(), "arguments": arguments}), encoding="utf-8")


def interrupted_checkpoint(experiment: Path, arguments: list[str]) -> Path | None:
    """The last checkpoint that the same command line wrote before SLURM started its job again."""
    if os.environ.get("SLURM_RESTART_COUNT", "0") == "0":
        return None
    for run in reversed(versions(experiment)):
        file, checkpoint = run / SLURM_JSON, run / "checkpoints" / LAST_CHECKPOINT
        begun = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        if begun == {"job": job(), "arguments": arguments} and checkpoint.is_file():
            return checkpoint
    return None


class Requeue:
    """Has SLURM start the job again when it announces its end by a signal."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._signal = trainer, None
        environment = trainer._accelerator_connector.cluster_environment
        if isinstance(environment, SLURMEnvironment) and environment.auto_requeue and (stopping := current()) is not None:
            self._signal = environment.requeue_signal
            if self._signal is not None:
                stopping.stop_on(self._signal)

    def __call__(self, cause: Cause) -> str | None:
        """Ask for it; returns a sentence if that was the cause."""
        if cause.signal is None or cause.signal != self._signal or not self._trainer.is_global_zero:
            return None
        command = ["scontrol", "requeue", str(job())]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
            refused = done.stderr.strip() if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            refused = str(error)
        if refused:
            return f"SLURM does not start job {job()} again ({refused})"
        return f"SLURM starts job {job()} again, and the same command goes on with this run"
