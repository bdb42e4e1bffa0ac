"""Runs that are killed at random moments, against runs that nothing interrupts.

    python -m benchmarks.kills WORK_FOLDER --kills 200 --results kills.csv

Every run is a series of fresh processes in a folder of its own, with relative paths. Each process
but the last is killed by SIGKILL at a random moment after its imports, and the next one resumes the
run. Then all that the run left (last and best checkpoint, metrics, predictions, summary) is
compared with the run that nothing interrupted. A run is added to the results when it ends.
"""

import argparse
import csv
import itertools
import random
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.kills import differences, equal, resume_options, run_killed
from tests.helpers.photos import draw_photos

KILLS_PER_RUN = 6
OFTEN = "{class_path: tests.helpers.callbacks.Killer, init_args: {epoch: -1, batch: 0}}"
"""Writes every checkpoint at once, and kills nothing."""
AVERAGE = "{class_path: EMAWeightAveraging, init_args: {decay: 0.9}}"
STOP = "{class_path: EarlyStoppingAfterUnfreezing, init_args: {patience: 3}}"
BEST_TWO = (
    "{class_path: lightning.pytorch.callbacks.ModelCheckpoint, "
    "init_args: {monitor: val/accuracy, mode: max, save_top_k: 2, filename: 'good-{epoch}'}}"
)
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


class Run:
    """One run of a configuration, in a folder of its own."""

    def __init__(self, configuration: Configuration, folder: Path, photos: Path) -> None:
        self.configuration, self.folder, self.experiment = configuration, folder, "photos"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copytree(photos, folder / "photos")

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
        return [max(path.glob("version_*")) for path in sorted(parent.glob("crossval_*/fold_*"))]

    def differences(self, whole: "Run") -> list[str]:
        """What it left that differs from what another run left."""
        pairs = list(zip(self.results(), whole.results(), strict=True))
        found = [name for one, other in pairs for name in differences(one, other)]
        if self.configuration.command == "crossval":
            names = ("predictions.csv", "summary.json")
            files = [[run.results()[0].parents[1] / name for name in names] for run in (self, whole)]
            found += [one.name for one, other in zip(*files, strict=True) if not equal(one.read_text(), other.read_text())]
        return found


def uninterrupted(name: str, work: Path) -> tuple[Run, float]:
    """A run that nothing interrupts, and the seconds that it took after its first words."""
    photos = work / "photos"
    if not photos.is_dir():
        draw_photos(photos, people=8, each=3, classes=("left", "right"))
    run = Run(CONFIGURATIONS[name], work / "".join(filter(str.isalpha, name)) / "whole", photos)
    code, seconds = run.go_on()
    if code != 0:
        sys.exit((run.folder / "err.log").read_text())
    return run, seconds


def kill_one(name: str, whole: Run, seconds: float, number: int, draw: random.Random) -> tuple[int, str]:
    """Kill one run several times, and let it end; returns how often, and what then differed."""
    run = Run(CONFIGURATIONS[name], whole.folder.with_name(f"run{number}"), whole.folder / "photos")
    killed = 0
    while killed < KILLS_PER_RUN and run.go_on(draw.uniform(0, 0.8 * seconds))[0] < 0:
        if run.configuration.moves:
            run.move(killed)
        killed += 1
    code, _ = run.go_on()
    differ = run.differences(whole) if code == 0 else [f"exit code {code}"]
    if not differ:
        shutil.rmtree(run.folder.resolve())
    return killed, " ".join(differ) or "equal"


def add(results: Path, row: list[object]) -> None:
    """Add a row to the results, and print it."""
    is_new = not results.exists()
    with results.open("a", newline="") as file:
        csv.writer(file).writerows([["configuration", "kills", "seconds", "difference"], row] if is_new else [row])
    print(*row, sep=", ", flush=True)


def report(results: Path) -> None:
    """Print how many runs of each configuration ended as if nothing had happened."""
    kills, runs, equals = Counter[str](), Counter[str](), Counter[str]()
    with results.open(newline="") as file:
        for row in csv.DictReader(file):
            kills[row["configuration"]] += int(row["kills"])
            runs[row["configuration"]] += 1
            equals[row["configuration"]] += row["difference"] == "equal"
    for name in kills:
        print(f"{name}: {kills[name]} kills, {equals[name]} of {runs[name]} runs equal")
    print(f"all: {kills.total()} kills, {equals.total()} of {runs.total()} runs equal")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("work", type=Path, help="a folder for the runs")
    parser.add_argument("--kills", type=int, default=200, help="of all configurations together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=list(CONFIGURATIONS), choices=list(CONFIGURATIONS))
    parser.add_argument("--results", type=Path, default=Path("kills.csv"))
    arguments = parser.parse_args()
    wholes = {name: uninterrupted(name, arguments.work.resolve()) for name in arguments.only}
    draw, done = random.Random(arguments.seed), 0
    for number in itertools.count():
        for name, (whole, seconds) in wholes.items():
            if done < arguments.kills:
                killed, difference = kill_one(name, whole, seconds, number, draw)
                add(arguments.results, [name, killed, round(seconds, 1), difference])
                done += killed
        if done >= arguments.kills:
            break
    report(arguments.results)
