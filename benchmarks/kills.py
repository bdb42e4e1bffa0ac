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
from collections import Counter
from pathlib import Path

from tests.helpers.kills import CONFIGURATIONS, kill_one, uninterrupted


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
