"""Does validation out of the user's own train folder say how the network does on new people?

    python -m benchmarks.validation_draw fit --seeds 3
    python -m benchmarks.validation_draw time data/turtle_neck --copies 20000

``fit`` draws videos of six people into ``train`` and of six others into ``test``, and fits a linear
head on frozen features. Its accuracy on validation photos, drawn at random and as whole scenes, is
compared with that on the test photos. ``time`` says what the draw by scenes costs on a folder, and
what it costs to count near-copies of as many photos as given, from what the cache knows.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from posture_classifier.data import near_copies
from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.near_copies import find_near_copies
from posture_classifier.data.scan.scan import scan_photos
from posture_classifier.data.scan.scene_groups import scene_groups
from posture_classifier.data.scan.similarity import Features
from posture_classifier.data.seen import photo_digests
from posture_classifier.data.split import add_validation, split_photos
from posture_classifier.images.depth import FULL_RANGE
from tests.helpers.videos import draw_videos

FRACTIONS = {"train": 0.65, "val": 0.15, "test": 0.2}


def compare(seeds: int) -> None:
    """Print both accuracies, for validation photos at random and as whole scenes."""
    found: dict[str, list[tuple[float, float]]] = {"random": [], "scenes": []}
    for seed in range(seeds):
        with TemporaryDirectory() as name:
            root = Path(name) / "videos"
            draw_videos(root / "train", people=6, frames=60, seed=2 * seed)
            draw_videos(root / "test", people=6, frames=60, seed=2 * seed + 1)
            photos = read_folder(root)
            features = scan_photos([Path(photos.file(index)) for index in range(len(photos))], lambda *_: None).features
            for drawn_by, rows in found.items():
                divided, drawn = add_validation(photos, FRACTIONS, seed, scene_groups if drawn_by == "scenes" else None)
                assert drawn == drawn_by
                rows.append(accuracies(divided, features))
                print(f"seed {seed}, {drawn_by}: validation {rows[-1][0]:.3f}, test {rows[-1][1]:.3f}", flush=True)
    for drawn_by, rows in found.items():
        validation, test = np.mean(rows, axis=0)
        print(f"mean of {seeds}, {drawn_by}: validation {validation:.3f}, test {test:.3f}")


def accuracies(photos: Photos, features: Features) -> tuple[float, float]:
    """Accuracy of a linear head on frozen features, on the validation and on the test photos."""
    train = photos.splits == "train"
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(features[train], photos.labels[train])
    right = head.predict(features) == photos.labels
    return float(right[photos.splits == "val"].mean()), float(right[photos.splits == "test"].mean())


def measure(root: Path, copies: int) -> None:
    """Print the seconds of finding scenes, and of counting near-copies."""
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
