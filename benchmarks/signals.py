"""Whether trainings of two ranks end when they are signalled, how fast, and what they leave.

    python benchmarks/signals.py [--runs 40] [--signal SIGTERM] [--seed 0]

Each run trains a tiny network on tiny drawn photos for ever, with DDP on two CPU ranks, and is
signalled at a random moment: within the start, or up to five seconds after the first epoch. The
ways take turns: Lightning or torchrun starts the ranks, and the process that was started, the
second rank, or all processes get the signal. Seconds are from the signal until no process is left.
"""

import argparse
import random
import signal
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from posture_classifier.models.checkpoint import read_checkpoint
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments
from tests.helpers.signalled import PATIENCE, Ended, started

WAYS = ("main", "rank", "all", "torchrun main", "torchrun rank", "torchrun all")
DDP = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]


def signalled(photos: Path, output: Path, way: str, number: signal.Signals, chance: random.Random) -> tuple[Ended, str]:
    """How one run ended, and what it left of the epochs that it had finished."""
    launcher, _, target = way.rpartition(" ")
    output.mkdir()
    with started([*fit_arguments(photos, output, 1_000_000), *DDP], output / "log.txt", torchrun=2 if launcher else 0) as program:
        if chance.random() < 0.25 and target == "main":
            time.sleep(chance.uniform(2, 10))  # while it imports, reads photos or starts ranks
        else:
            program.wait_for("lightning_logs/*/version_0/metrics.csv", output)
            time.sleep(chance.uniform(0, 5))
        process = program.rank(1) if target == "rank" else program.main.pid
        ended = program.send(number, None if target == "all" else process)
    return ended, left(output)


def left(output: Path) -> str:
    """``newest``, ``none yet``, or how many epochs were lost."""
    table = next(output.glob("lightning_logs/*/version_0/metrics.csv"), None)
    if table is None:
        return "none yet"
    epochs = len(table.read_text().splitlines()) - 1
    last = table.parent / "checkpoints" / "last.ckpt"
    written = read_checkpoint(last)["epoch"] + 1 if last.exists() else 0
    # The row of an epoch is written just before its checkpoint is made.
    return "newest" if epochs - written <= 1 else f"{epochs - written} of {epochs} epochs lost"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--signal", default="SIGTERM")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    results = defaultdict[str, list[tuple[Ended, str]]](list)
    with tempfile.TemporaryDirectory() as folder:
        photos = draw_photos(Path(folder) / "photos", people=6, each=2, classes=("left", "right"))
        for run in range(options.runs):
            way = WAYS[run % len(WAYS)]
            ended, found = signalled(photos, Path(folder) / str(run), way, signal.Signals[options.signal], chance)
            print(f"{run}: {way}: exit code {ended.code}, {ended.seconds:.1f} s, {found}", flush=True)
            results[way].append((ended, found))
    for way, runs in results.items():
        codes, seconds = sorted({ended.code for ended, _ in runs}), [ended.seconds for ended, _ in runs]
        hung, lost = sum(second >= PATIENCE for second in seconds), sum("lost" in found for _, found in runs)
        print(f"{way}: {len(runs)} runs, {hung} hung, at most {max(seconds):.1f} s, codes {codes}, {lost} lost epochs")
