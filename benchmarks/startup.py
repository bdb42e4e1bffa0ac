"""How long the command line takes to answer what needs no photo.

    python benchmarks/startup.py [--rounds 5]

Each is run in turn, in a process of its own, from start to end.
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = (["--version"], ["--help"], ["fit", "--help"], ["predict", "--help"])


def seconds(words: list[str]) -> float:
    """Of one run."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "posture_classifier", *words], capture_output=True, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = [[seconds(words) for words in COMMANDS] for _ in range(parser.parse_args().rounds)]
    for words, taken in zip(COMMANDS, zip(*rounds, strict=True), strict=True):
        print(f"{' '.join(words)}: {statistics.median(taken):.2f} s ({min(taken):.2f} to {max(taken):.2f})")
