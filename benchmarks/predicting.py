"""What ``predict`` costs on many photos: time of 1 and 2 processes, memory, and a walk.

    python benchmarks/predicting.py CHECKPOINT FOLDER [--photos 10000] [--below DIR]

The photos below ``FOLDER`` are copied below ``--below`` under new names until there are as many.
Each figure is of the whole command, imports included; memory is the most that a process held at a
time.

- ``1 process on 1 core``, ``1 process on 2 cores``: the command.
- ``2 processes on a core each``: as shards (``--shard 0/2`` and ``1/2``), and their ``--merge``.
- ``a tenth``: one process on a tenth of the photos, so that memory can be compared.
- ``walk``: the time until the first of a million empty files is at hand, that of the whole
  walk, and its memory, with 1,000 files in each folder and with all in one.

Seconds of processors (``cpu``) say more than those of the clock where others use the machine.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from posture_classifier.data.photo_files import find_photos

WALK = """
import resource, sys, time
from posture_classifier.predict.photo_list import PhotoList, ShardWalk
from posture_classifier.predict.shard import Shard
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
walk = ShardWalk(PhotoList([sys.argv[1]]), Shard())
next(walk)
first = time.perf_counter() - start
for _ in walk:
    pass
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(f"first after {first:.2f} s, all {walk.listed} after {time.perf_counter() - start:.1f} s, {grown / 1024:.0f} MiB more")
"""


class Measured(NamedTuple):
    """One process.

    Attributes:
        seconds: Of the whole process.
        cpu: Seconds of processors.
        mib: The most memory that it held.
    """

    seconds: float
    cpu: float
    mib: float


def make_photos(folder: Path, n: int, below: Path) -> Path:
    """Copy photos under new names, 1,000 in a folder."""
    found = [folder / path for path in find_photos(folder).photos]
    for number, source in enumerate(islice(cycle(found), n)):
        target = below / f"{number // 1000:04}" / f"{number:07}{source.suffix}"
        if number % 1000 == 0:
            target.parent.mkdir(parents=True)
        shutil.copyfile(source, target)
    return below


def predict(*arguments: str, cores: set[int]) -> Callable[[], Measured]:
    """Start the command on some cores; the result waits for its end."""
    command = [sys.executable, "-m", "posture_classifier", "predict", *arguments]
    start = time.perf_counter()
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # what is started inherits it
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    os.sched_setaffinity(0, everything)

    def wait() -> Measured:
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
        return Measured(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    return wait


def measure(checkpoint: str, photos: Path, n: int, work: Path) -> None:
    """One process on one core and on two, then two processes."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    for cores in ({first, second}, {first}):
        one = predict(checkpoint, str(photos), "--output", str(work / f"{len(cores)}.csv"), cores=cores)()
        say(f"1 process on {len(cores)} cores", n, one.seconds, one.cpu, f"{one.mib:.0f}")
    whole = [checkpoint, str(photos), "--output", str(work / "both.csv")]
    start = time.perf_counter()
    waits = [predict(*whole, "--shard", f"{number}/2", cores={core}) for number, core in enumerate((first, second))]
    both = [wait() for wait in waits]
    seconds, cpu = time.perf_counter() - start, sum(each.cpu for each in both)
    say("2 processes on a core each", n, seconds, cpu, " and ".join(f"{each.mib:.0f}" for each in both))
    merged = predict(*whole, "--merge", cores={first, second})()
    say("their merge", n, merged.seconds, merged.cpu, f"{merged.mib:.0f}")


def say(what: str, n: int, seconds: float, cpu: float, mib: str) -> None:
    """Print a line at once."""
    print(f"{what}: {seconds:.1f} s, {n / seconds:.1f} photos/s, {cpu:.1f} s cpu, {mib} MiB", flush=True)


def walk(n: int, per_folder: int, below: Path) -> None:
    """A walk through empty files, in a process of its own."""
    for number in range(n):
        if number % per_folder == 0:
            folder = below / f"{number // per_folder:05}"
            folder.mkdir(parents=True)
        (folder / f"{number:07}.jpg").touch()
    result = subprocess.run([sys.executable, "-c", WALK, str(below)], capture_output=True, text=True, check=True)
    print(f"walk, {per_folder} in a folder: {result.stdout.strip()}", flush=True)
    shutil.rmtree(below)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=1_000_000, help="empty files to walk through; 0 leaves that out")
    parser.add_argument("--below", type=Path, help="a folder for the copies")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.below) as work:
        for per_folder in (1000, options.files) if options.files else ():
            walk(options.files, per_folder, Path(work, "empty"))
        copies = make_photos(options.folder, options.photos, Path(work, "photos"))
        tenth = make_photos(options.folder, options.photos // 10, Path(work, "tenth"))
        few = predict(options.checkpoint, str(tenth), "--output", str(Path(work, "tenth.csv")), cores=os.sched_getaffinity(0))()
        say("1 process, a tenth", options.photos // 10, few.seconds, few.cpu, f"{few.mib:.0f}")
        measure(options.checkpoint, copies, options.photos, Path(work))
