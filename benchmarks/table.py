"""Seconds and memory of reading a table of many photos and dividing them.

python benchmarks/table.py [ROWS ...]

Each figure is of a process of its own. No photo is opened: the paths are URLs, of which there are
ten to a person and two classes.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

READ = """
import sys, time
from pathlib import Path
from posture_classifier.data.module import PostureData
start = time.perf_counter()
photos = PostureData(table=sys.argv[1]).photos
print(time.perf_counter() - start, len(photos.in_split("train")))
"""
PEAK = """
from pathlib import Path
lines = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")))
"""
"""Not getrusage, whose peak begins with that of the process that started this one."""
HEAD = "| table | rows | s until divided | MiB at most | of these before the table |\n|---|---:|---:|---:|---:|"


def rows(n: int) -> Iterator[tuple[str, str, str]]:
    """Path, class and person of each photo."""
    for number in range(n):
        person, kind = number // 10, ("normal", "turtle_neck")[number % 2]
        yield f"memory://photos/{kind}/person{person:07d}_{number % 10}.jpg", kind, f"person{person:07d}"


def write(path: Path, n: int) -> None:
    """Write a table of n photos."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8") as file:
            file.write("path,label,group\n")
            file.writelines(f"{','.join(row)}\n" for row in rows(n))
        return
    import pyarrow as pa
    from pyarrow import parquet

    columns = zip(*rows(n), strict=True)
    parquet.write_table(pa.table(dict(zip(("path", "label", "group"), columns, strict=True))), path)


def measure(code: str, *arguments: str) -> tuple[str, float]:
    """What a program prints, and its largest resident memory in MiB."""
    *printed, memory = subprocess.run(
        [sys.executable, "-c", code + PEAK, *arguments], check=True, capture_output=True, text=True
    ).stdout.split()
    return " ".join(printed), float(memory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    counts = parser.parse_args().rows
    _, before = measure("import posture_classifier.data.module")
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            for suffix in (".csv", ".parquet"):
                path = Path(folder) / f"photos{suffix}"
                write(path, count)
                printed, memory = measure(READ, str(path))
                print(f"| {suffix} | {count:,} | {float(printed.split()[0]):.1f} | {memory:,.0f} | {before:,.0f} |", flush=True)
                path.unlink()
