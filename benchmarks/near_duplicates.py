"""Time and memory of the search for near-duplicates and scenes, against the number of photos.

    python -m benchmarks.near_duplicates 2000 10000 30000 [--kind video]

Features and sketches are made of random numbers, since only the search is measured; reading the
photos is measured by ``benchmarks/check.py``. ``varied`` photos are of 50 styles, a tenth of them
in bursts of five; ``video`` is frames of 12 people, where nearly all pairs of a person are
candidates. Each count is a process of its own, whose peak memory the system reports.
"""

import argparse
import resource
import time
from collections.abc import Callable
from multiprocessing import get_context

import cv2
import numpy as np

from posture_classifier.data.scan.near_duplicates import connect, find_links
from posture_classifier.data.scan.scan import Scan
from posture_classifier.data.scan.scene_groups import find_scenes
from posture_classifier.data.scan.similarity import Features
from posture_classifier.images.facts import Facts
from posture_classifier.utils.types import Ints

WIDTH = 1280
"""Features of a photo."""
STYLES, PEOPLE, SHOTS = 50, 12, 5


def varied(n: int) -> tuple[Ints, Features]:
    """Scene and features of photos of several styles."""
    generator = np.random.default_rng(0)
    scenes = np.where(np.arange(n) < n // 10, np.arange(n) // SHOTS, np.arange(n))
    styles = generator.normal(0, 1, (STYLES, WIDTH)).astype(np.float32)
    features = generator.normal(0, 0.9, (n, WIDTH)).astype(np.float32)[scenes] + styles[scenes % STYLES]
    for start in range(0, n, 1024):
        part = features[start : start + 1024]
        part += generator.normal(0, 0.3, part.shape).astype(np.float32)
    return scenes, features


def video(n: int) -> tuple[Ints, Features]:
    """Person and features of frames that change slowly."""
    generator = np.random.default_rng(0)
    people = np.arange(n) * PEOPLE // n
    ends = generator.normal(0, 1, (2, PEOPLE, WIDTH)).astype(np.float32)
    features = ends[0, people] + 0.4 * (np.arange(n) * PEOPLE / n % 1)[:, None].astype(np.float32) * ends[1, people]
    for start in range(0, n, 1024):
        part = features[start : start + 1024]
        part += generator.normal(0, 0.15, part.shape).astype(np.float32)
    return people, features


KINDS: dict[str, Callable[[int], tuple[Ints, Features]]] = {"varied": varied, "video": video}


def made_scan(kind: str, n: int) -> Scan:
    """A scan of n photos that do not exist; those of a scene differ in their noise."""
    scenes, features = KINDS[kind](n)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    facts = []
    for index, scene in enumerate(scenes.tolist()):
        blobs = np.random.default_rng(scene).integers(40, 220, (9, 12)).astype(np.float32)
        noise = np.random.default_rng([1, index]).normal(0, 4, (64, 64))
        sketch = cv2.resize(blobs, (64, 64), interpolation=cv2.INTER_CUBIC) + noise
        facts.append(Facts(None, index, sketch=sketch.clip(0, 255).astype(np.uint8)))
    return Scan(facts, features)


def peak() -> float:
    """Peak memory of this process in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds() -> tuple[float, float]:
    """Seconds on the clock, and of this process on all cores."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def measure(kind: str, n: int) -> None:
    """Print a row of the table."""
    scan = made_scan(kind, n)
    before, start = peak(), seconds()
    links = find_links(scan)
    middle, megabytes = seconds(), peak()
    find_scenes(scan, connect(n, [(link.first, link.second) for link in links]))
    end = seconds()
    times = [
        f"{late - early:.1f}" for one, other in ((start, middle), (middle, end)) for early, late in zip(one, other, strict=True)
    ]
    print(
        f"| {kind} | {n:,} | {len(links):,} | {times[0]} s, {times[1]} core s | {times[2]} s, {times[3]} core s | "
        f"{before:.0f} MB | {megabytes:.0f} MB | {peak():.0f} MB |",
        flush=True,
    )


def main() -> None:
    """Measure each count in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--kind", choices=KINDS, default="varied")
    options = parser.parse_args()
    print("| photos | n | links | near-duplicates | scenes | memory before | peak of links | peak |")
    print("|---|---:|---:|---|---|---:|---:|---:|")
    for n in options.counts:
        process = get_context("spawn").Process(target=measure, args=(options.kind, n))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
