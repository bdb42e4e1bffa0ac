"""Kills the real program at any moment, and compares what its runs leave behind."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import torch

from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.folder import last_checkpoint
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY

OFTEN = "{class_path: tests.helpers.callbacks.Killer, init_args: {epoch: -1, batch: 0}}"
"""Writes every checkpoint at once, and kills nothing."""
AVERAGE = "{class_path: EMAWeightAveraging, init_args: {decay: 0.9}}"
STOP = "{class_path: EarlyStoppingAfterUnfreezing, init_args: {patience: 3}}"
BEST_TWO = (
    "{class_path: lightning.pytorch.callbacks.ModelCheckpoint, "
    "init_args: {monitor: val/accuracy, mode: max, save_top_k: 2, filename: 'good-{epoch}', enable_version_counter: false}}"
)
"""With the counter, what was written just before a kill would stay, beside a second version."""
TINY = [
    *("--data.root", "photos", "--data.group_pattern", r"person\d+", "--data.num_workers", "0", "--data.batch_size", "8"),
    *("--data.val_fraction", "0.25", "--data.test_fraction", "0.25", "--cache.folder", "cache"),
    *("--model.backbone", "test_resnet", "--model.pretrained", "false", "--model.image_size", "32"),
    *("--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false", "--report", "false"),
]
STAGED = ["--unfreezing.open_stages", "{2: 2, 5: all}", "--unfreezing.batch_statistics", "true", "--model.drop_rate", "0.3"]


@dataclass(frozen=True)
class Configuration:
    """A command to be killed.

    Attributes:
        options: What it is given beside the tiny photos and network.
        command: Its first word.
        moves: Whether the run is moved, or reached by a symbolic link, after each kill.
    """

    options: list[str]
    command: str = "fit"
    moves: bool = False


CONFIGURATIONS = {
    "default": Configuration(["--trainer.max_epochs", "30"]),
    "staged, cached views": Configuration(
        [*STAGED, "--cache.views", "2", "--trainer.max_epochs", "12", "--trainer.callbacks", f"[{OFTEN}]"]
    ),
    "averaged weights, early stopping, a second ModelCheckpoint": Configuration(
        [*STAGED, "--trainer.max_epochs", "20", "--trainer.callbacks", f"[{OFTEN}, {AVERAGE}, {STOP}, {BEST_TWO}]"]
    ),
    "crossval": Configuration(
        ["--data.folds", "3", "--trainer.max_epochs", "6", "--trainer.callbacks", f"[{OFTEN}]"], command="crossval"
    ),
    "two ranks": Configuration(
        [
            *(*STAGED, "--precision", "fp32", "--trainer.devices", "2", "--trainer.strategy", "ddp"),
            *("--trainer.max_epochs", "10", "--trainer.callbacks", f"[{OFTEN}]"),
        ]
    ),
    "moved and linked": Configuration([*STAGED, "--trainer.max_epochs", "12", "--trainer.callbacks", f"[{OFTEN}]"], moves=True),
}


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
    """What in the files of a run is not as in those of another run, but for times and places."""
    return unequal(contents(run), contents(whole))


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


def unequal(one: Any, other: Any, where: str = "") -> list[str]:
    """Names of the parts of two values that are not the same to the bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() | other.keys()
        return [part for key in keys for part in unequal(one.get(key, "absent"), other.get(key, "absent"), f"{where} > {key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [part for n, pair in enumerate(zip(one, other, strict=True)) for part in unequal(*pair, f"{where} > {n}")]
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return [] if torch.equal(one, other) else [where]
    return [] if type(one) is type(other) and one == other else [where]


class Run:
    """One run of a configuration, in a folder of its own."""

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        self.configuration, self.folder, self.experiment = configuration, folder, "photos"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        draw_photos(folder / "photos", people=8, each=3, classes=("left", "right"))

    def go_on(self, delay: float | None = None) -> tuple[int, float]:
        """Begin or resume it, and kill it after the delay."""
        options = [self.configuration.command, *TINY, *self.configuration.options, "--experiment", self.experiment]
        if self.configuration.command == "fit":
            options += resume_options(self.folder / "lightning_logs" / self.experiment)
        return run_killed(options, self.folder, delay)

    def move(self, number: int) -> None:
        """Move the runs, move everything, or reach everything by a link, in turn."""
        logs = self.folder / "lightning_logs"
        other = self.folder.with_name(f"{self.folder.name}_{number}")
        if number % 3 == 0 and (logs / self.experiment).is_dir():
            (logs / self.experiment).rename(logs / f"moved{number}")
            self.experiment = f"moved{number}"
        elif number % 3 == 1:
            other.symlink_to(self.folder.resolve())
            self.folder = other
        else:
            self.folder = self.folder.resolve().rename(other)

    def results(self) -> list[Path]:
        """The run folders that hold its results."""
        parent = self.folder / "lightning_logs" / self.experiment
        if self.configuration.command == "fit":
            return [max(parent.glob("version_*"))]
        newest = max(parent.glob("crossval_*"))  # one that was killed before it was prepared is begun anew
        return [max(fold.glob("version_*")) for fold in sorted(newest.glob("fold_*"))]

    def differences(self, whole: "Run") -> list[str]:
        """What it left that differs from what another run left."""
        pairs = list(zip(self.results(), whole.results(), strict=True))
        found = [name for one, other in pairs for name in differences(one, other)]
        if self.configuration.command == "crossval":
            one, other = (_joined(run.results()[0].parents[1]) for run in (self, whole))
            found += unequal(one, other)
        return found


def _joined(crossval: Path) -> dict[str, Any]:
    """What a cross-validation says about all of its folds, but for the names of their folders."""
    summary = json.loads((crossval / "summary.json").read_text())
    del summary["runs"]
    return {"summary.json": summary, "predictions.csv": (crossval / "predictions.csv").read_text()}


def uninterrupted(name: str, work: Path) -> tuple[Run, float]:
    """A run that nothing interrupts, and the seconds that it took after its first words."""
    run = Run(CONFIGURATIONS[name], work / "".join(filter(str.isalpha, name)) / "whole")
    code, seconds = run.go_on()
    assert code == 0, (run.folder / "err.log").read_text()
    return run, seconds


def kill_one(name: str, whole: Run, seconds: float, number: int, draw: random.Random, most: int = 6) -> tuple[int, str]:
    """Kill one run several times, and let it end; returns how often, and what then differed."""
    run = Run(CONFIGURATIONS[name], whole.folder.with_name(f"run{number}"))
    killed, code = 0, -1
    while code < 0:
        code, _ = run.go_on(draw.uniform(0, 0.4 * seconds) if killed < most else None)
        killed += code < 0
        if code < 0 and run.configuration.moves:
            run.move(killed)
    differ = run.differences(whole) if code == 0 else [f"exit code {code}"]
    if not differ:
        shutil.rmtree(run.folder.resolve())
    return killed, " ".join(differ) or "equal"
