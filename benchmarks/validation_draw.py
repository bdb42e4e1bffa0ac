"""Does validation out of the user's own train folder say how the network does on new people?

    python benchmarks/validation_draw.py fit --seeds 3
    python benchmarks/validation_draw.py time data/turtle_neck --copies 20000

``fit`` draws videos of six people into ``train`` and of six others into ``test``, trains with
validation photos drawn at random and as whole scenes, and compares the best epoch's validation
accuracy with the test accuracy. ``time`` says what the draw by scenes costs on a folder, and what
it costs to count near-copies of as many photos as given, from what the cache knows.
"""

import argparse
import csv
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from posture_classifier.cli.program import main
from posture_classifier.data import near_copies
from posture_classifier.data.folder import read_folder
from posture_classifier.data.near_copies import find_near_copies
from posture_classifier.data.scan.scene_groups import scene_groups
from posture_classifier.data.seen import photo_digests
from posture_classifier.data.split import split_photos
from posture_classifier.images.depth import FULL_RANGE
from tests.helpers.videos import draw_videos

FRACTIONS = {"train": 0.65, "val": 0.15, "test": 0.2}


def accuracies(root: Path, folder: Path, drawn_by: str) -> tuple[float, float]:
    """Accuracy of the best epoch on its validation photos, and on the test photos."""
    options = ["--data.root", str(root), "--data.group_pattern", "null", "--experiment", drawn_by]
    options += ["--data.group_by", "none" if drawn_by == "random" else "null", "--model.image_size", "96", "--report", "false"]
    options += ["--trainer.default_root_dir", str(folder), "--trainer.enable_progress_bar", "false"]
    assert main(["fit", "--config", "configs/demo.yaml", *options]) == 0
    run = folder / "lightning_logs" / drawn_by / "version_0"
    with (run / "metrics.csv").open() as file:
        best = min(csv.DictReader(file), key=lambda row: float(row["val/loss"]))
    summary = json.loads((run / "summary.json").read_text())
    return float(best["val/accuracy"]), summary["accuracy"]["value"]


def compare(seeds: int) -> None:
    for seed in range(seeds):
        with TemporaryDirectory() as name:
            root = Path(name) / "videos"
            draw_videos(root / "train", people=6, frames=40, seed=2 * seed)
            draw_videos(root / "test", people=6, frames=40, seed=2 * seed + 1)
            for drawn_by in ("random", "scenes"):
                validation, test = accuracies(root, Path(name), drawn_by)
                print(f"seed {seed}, {drawn_by}: validation {validation:.3f}, test {test:.3f}", flush=True)


def measure(root: Path, copies: int) -> None:
    photos = read_folder(root)
    start = time.process_time(), time.perf_counter()
    scene_groups(photos)
    spent = time.process_time() - start[0], time.perf_counter() - start[1]
    print(f"scenes of {len(photos)} photos: {spent[0]:.1f} s of processor time, {spent[1]:.1f} s")
    photos = photos.select(np.arange(copies) % len(photos))
    photos = split_photos(photos, FRACTIONS, seed=0)
    digests = photo_digests(photos)
    near_copies.MOST_PHOTOS = copies
    start = time.process_time(), time.perf_counter()
    print(find_near_copies(photos, digests, FULL_RANGE))
    spent = time.process_time() - start[0], time.perf_counter() - start[1]
    print(f"near-copies of {len(photos)} photos: {spent[0]:.1f} s of processor time, {spent[1]:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fit").add_argument("--seeds", type=int, default=3)
    timing = commands.add_parser("time")
    timing.add_argument("root", type=Path)
    timing.add_argument("--copies", type=int, default=2275)
    options = parser.parse_args()
    compare(options.seeds) if options.command == "fit" else measure(options.root, options.copies)
