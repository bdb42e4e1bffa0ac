"""Time and memory of ``check`` against the number of photos.

    python benchmarks/check.py 500 2000 --folder /tmp/photos

Draws photos of 640x480, or of another ``--width`` (JPEG, quality 90), no two alike, and runs the
command on the first N of them twice: with an empty cache and with what that has kept. Each is a
process of its own, whose processor time and peak memory the system reports. On a machine that
others use, processor time is what counts.
"""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("circles", "squares")


def draw(path: Path, seed: int, width: int) -> None:
    """Shapes on grainy clouds, so alike that the search for copies has most to do."""
    if path.exists():
        return
    generator = np.random.default_rng(seed)
    image = Image.fromarray(generator.integers(40, 220, (9, 12, 3), dtype=np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    for x, y, radius, *colour in generator.integers((0, 0, 15, 0, 0, 0), (640, 480, 80, 256, 256, 256), (20, 6)).tolist():
        (pen.ellipse if seed % 2 == 0 else pen.rectangle)((x - radius, y - radius, x + radius, y + radius), tuple(colour), "black")
    grain = generator.integers(-10, 11, (480, 640, 3), dtype=np.int16)
    photo = Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))
    photo.resize((width, width * 3 // 4), Image.Resampling.BOX).save(path, quality=90)


def drawn(folder: Path, n: int, width: int) -> Path:
    """A folder of n photos."""
    root = folder / f"{n}_{width}"
    for name in CLASSES:
        (root / name).mkdir(parents=True, exist_ok=True)
    paths = [root / CLASSES[seed % 2] / f"{seed:06}.jpg" for seed in range(n)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(draw, paths, range(n), [width] * n, chunksize=50))
    return root


def measure(root: Path, cache: str) -> tuple[float, float, float]:
    """Seconds, seconds of all cores together, and peak megabytes of ``check``."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "posture_classifier", "check", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"XDG_CACHE_HOME": cache})
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1, 2)
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Print a line for each N, and the slope between the first and the last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--folder", type=Path, required=True, help="Where the photos are drawn; they stay there.")
    parser.add_argument("--width", type=int, default=640, help="Pixels of a photo's width.")
    options = parser.parse_args()
    results = []
    for n in options.counts:
        root = drawn(options.folder, n, options.width)
        with TemporaryDirectory() as cache:
            results.append((n, *measure(root, cache)))
            print("{} photos: {:.1f} s, {:.1f} core seconds, peak {:.0f} MB".format(*results[-1]), flush=True)
            print("again: {:.1f} s, {:.1f} core seconds, peak {:.0f} MB".format(*measure(root, cache)), flush=True)
    if len(results) > 1:
        photos, seconds, core_seconds, megabytes = np.subtract(results[-1], results[0])
        print(
            f"each more photo: {1000 * seconds / photos:.1f} ms, {1000 * core_seconds / photos:.1f} core ms, "
            f"{1024 * megabytes / photos:.0f} KB"
        )


if __name__ == "__main__":
    main()
