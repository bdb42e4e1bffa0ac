"""Kills the real program at any moment, and compares what its runs leave behind."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path, PurePath
from typing import Any

import torch

from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.folder import last_checkpoint
from posture_classifier.utils.errors import UserError
from tests.helpers.program import REPOSITORY


def run_killed(arguments: list[str], folder: Path, delay: float | None) -> tuple[int, float]:
    """Run the program in a folder, and kill it and its children.

    Args:
        arguments: The command line.
        folder: The working directory; relative paths begin here.
        delay: Seconds from its first words, after its imports, to the kill; None lets it end.

    Returns:
        The exit code, negative if it was killed, and the seconds since the first words.
    """
    with (folder / "out.log").open("w") as out, (folder / "err.log").open("w") as err:
        command = [sys.executable, "-m", "posture_classifier", *arguments]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err, env=environment, start_new_session=True)
        while process.poll() is None and not (folder / "out.log").stat().st_size:
            time.sleep(0.01)
        began = time.monotonic()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait(), time.monotonic() - began


def resume_options(experiment: Path) -> list[str]:
    """What the next command needs to go on where the last one was killed."""
    try:
        last_checkpoint(experiment)
    except UserError:  # it was killed before the first checkpoint
        return []
    return ["--ckpt_path", "last"]


def differences(run: Path, whole: Path) -> list[str]:
    """Names of the files of a run whose content is not that of another run.

    Times and the places of the runs may differ.
    """
    one, other = contents(run), contents(whole)
    return sorted(name for name in one.keys() | other.keys() if not equal(one.get(name), other.get(name)))


def contents(run: Path) -> dict[str, Any]:
    """What a run folder of ``fit`` holds, by the file's name."""
    summary = json.loads((run / "summary.json").read_text())
    for phase in summary["phases"]:
        del phase["seconds"]
    with (run / "metrics.csv").open() as file:
        metrics = [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]
    found = {"summary.json": summary, "metrics.csv": metrics}
    found |= {f"checkpoints/{path.name}": _placeless(read_checkpoint(path)) for path in (run / "checkpoints").glob("*.ckpt")}
    return found | {name: (run / name).read_text() for name in ("split.csv", "test/predictions.csv")}


def _placeless(value: Any) -> Any:
    """The content of a checkpoint with files named by their names alone."""
    if isinstance(value, dict):
        return {_placeless(key): _placeless(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_placeless(item) for item in value]
    return PurePath(value).name if isinstance(value, str) else value


def equal(one: Any, other: Any) -> bool:
    """Whether two values of a checkpoint are the same to the bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)
