"""Command line: `python -m renderer OUT` renders a photo set into the folder OUT."""

import argparse
import csv
import tempfile
import time
from pathlib import Path

import numpy as np

from .body import Body
from .render import develop, render
from .shot import LABELS, Shot, draw_shot
from .subject import Subject, draw_subject

JPEG_QUALITY = 88
HEADER = ["file", "label", "cva_degrees", "subject", "view_yaw_degrees"]


def main() -> None:
    """Render all photos of the wanted subjects, and append a row for each to OUT/metadata.csv."""
    args = _parse_arguments()
    body, start, done = Body(), time.time(), 0
    for number in range(args.first, args.first + args.subjects):
        rng = np.random.default_rng([args.seed, number])
        subject, name, rows = draw_subject(rng, body.local_change_names), f"subject-{number:02d}", []
        for i in range(args.per_subject):
            label = LABELS[i % len(LABELS)]
            file = f"{label}/{name}_{i:02d}.jpg"
            path = args.out / file
            path.parent.mkdir(parents=True, exist_ok=True)
            shot, cva = _take_photo(body, subject, label, path, size=args.size, samples=args.samples, rng=rng)
            rows.append([file, label, f"{cva:.1f}", name, f"{shot.camera.yaw:.0f}"])
            done += 1
            print(f"{done} {file} CVA {cva:.1f} {(time.time() - start) / done:.2f} s/image", flush=True)
        _append_rows(args.out / "metadata.csv", rows)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="renderer", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the photos, one folder per class, and metadata.csv")
    parser.add_argument("--subjects", type=int, default=72, help="how many people (default: %(default)s)")
    parser.add_argument("--per-subject", type=int, default=10, help="photos of each, classes in turn (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one, to share a set (%(default)s)")
    parser.add_argument("--size", type=int, default=256, help="width and height in pixels (%(default)s)")
    parser.add_argument("--samples", type=int, default=6, help="light paths per pixel (%(default)s)")
    parser.add_argument("--seed", type=int, default=2026, help="same seed, same photos (%(default)s)")
    return parser.parse_args()


def _take_photo(
    body: Body, subject: Subject, label: str, path: Path, *, size: int, samples: int, rng: np.random.Generator
) -> tuple[Shot, float]:
    """Draw shots until the body can take one's posture, and write its JPEG.

    Returns:
        The shot and its CVA in degrees.
    """
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "render.png"
        while True:
            shot = draw_shot(rng, subject, label)
            cva = render(body, subject, shot, png, size=size, samples=samples, rng=rng)
            if cva is not None:
                develop(png, rng).save(path, quality=JPEG_QUALITY)
                return shot, cva


def _append_rows(path: Path, rows: list[list[str]]) -> None:
    """Append, so that several processes can share a set by `--first`."""
    header = [] if path.exists() else [HEADER]
    with open(path, "a", newline="") as file:
        csv.writer(file).writerows(header + rows)


if __name__ == "__main__":
    main()
