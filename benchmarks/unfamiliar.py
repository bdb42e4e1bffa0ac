"""Which distance tells photos that are unlike the training photos, and how often it is wrong.

    python benchmarks/unfamiliar.py RUN [RUN ...] --others FOLDER [FOLDER ...]

Each RUN is a run of ``fit`` with validation and test photos. On the features of its best
checkpoint, every candidate is fitted on the training photos and its threshold chosen so that 5 % of
the validation photos lie beyond. Reported, as mean (range) over the runs: of how many test photos
that is said (false alarms), and of how many photos of the FOLDERs, of noise, of black, and of the
test photos upside down, blurred and cropped.
"""

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps

from posture_classifier.data.photo_files import find_photos
from posture_classifier.inference import Classifier
from posture_classifier.models.familiarity import FamiliarityDistance, fit_familiarity
from posture_classifier.runs.names import SPLIT_CSV
from posture_classifier.runs.reading import read_settings
from posture_classifier.runs.tables import read_split_rows
from posture_classifier.utils.types import Floats

SAMPLE = 150
"""Photos of another folder, and of each kind of change."""
QUANTILE = 0.95
Photo = str | Image.Image
Seen = tuple[Floats, Floats]
"""Features (N, D) and logits (N, C) of photos."""
Distance = Callable[[Seen], Floats]


def look(classifier: Classifier, photos: list[Photo]) -> Seen:
    """Features and logits of photos."""
    preprocessing, features, logits = classifier.model.preprocessing, [], []
    for begin in range(0, len(photos), 16):
        squares = []
        for photo in photos[begin : begin + 16]:
            square = preprocessing.read(photo) if isinstance(photo, str) else preprocessing.square(photo)
            squares.append(torch.from_numpy(np.array(square.transpose(2, 0, 1), order="C")))
        with torch.inference_mode():
            both = classifier.model.logits_and_features(preprocessing.normalise(torch.stack(squares)))
        logits.append(both[0].double().numpy())
        features.append(both[1].double().numpy())
    return np.concatenate(features), np.concatenate(logits)


def changed(paths: list[str]) -> dict[str, list[Photo]]:
    """Photos that nobody should get an answer for, or not the usual one."""
    photos = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in paths]
    draws = np.random.default_rng(0)
    return {
        "noise": [Image.fromarray(draws.integers(0, 256, (256, 256, 3), dtype=np.uint8)) for _ in range(20)],
        "black": [Image.new("RGB", (256, 256))],
        "upside down": [photo.rotate(180) for photo in photos],
        "blurred (radius 1/20 of the side)": [photo.filter(ImageFilter.GaussianBlur(max(photo.size) / 20)) for photo in photos],
        "a ninth of it, a corner": [photo.crop((0, 0, photo.width // 3, photo.height // 3)) for photo in photos],
    }


def gaussian(directions: int) -> Callable[[Seen, Floats], Distance]:
    """Mahalanobis distance to the nearest class, with so many measured directions."""

    def fit(train: Seen, labels: Floats) -> Distance:
        reference = fit_familiarity(torch.from_numpy(train[0]), torch.from_numpy(labels), directions)
        distance = FamiliarityDistance(reference)
        return lambda seen: distance(torch.from_numpy(seen[0])).double().numpy()

    return fit


def not_scaled(directions: int) -> Callable[[Seen, Floats], Distance]:
    """The same of features as they are, not scaled to length 1."""

    def fit(train: Seen, labels: Floats) -> Distance:
        means = np.stack([train[0][labels == label].mean(0) for label in np.unique(labels)])
        within = train[0] - means[np.unique(labels, return_inverse=True)[1]]
        _, values, basis = np.linalg.svd(within, full_matrices=False)
        variances, n_features = values**2 / (len(labels) - len(means)), within.shape[1]
        rest = variances[directions:].sum() / (n_features - directions)

        def to_mean(features: Floats, mean: Floats) -> Floats:
            offset = features - mean
            along = offset @ basis[:directions].T
            squares: Floats = (along**2 * (1 / variances[:directions] - 1 / rest)).sum(1) + (offset**2).sum(1) / rest
            return squares

        return lambda seen: np.min([to_mean(seen[0], mean) for mean in means], axis=0)

    return fit


def nearest(k: int) -> Callable[[Seen, Floats], Distance]:
    """Distance of unit features to the k-th nearest training photo (Sun et al. 2022)."""

    def fit(train: Seen, labels: Floats) -> Distance:
        known = train[0] / np.linalg.norm(train[0], axis=1, keepdims=True)

        def distance(seen: Seen) -> Floats:
            unit = seen[0] / np.linalg.norm(seen[0], axis=1, keepdims=True)
            closest: Floats = np.sort(2 - 2 * unit @ known.T, axis=1)[:, k - 1]
            return closest

        return distance

    return fit


def energy(train: Seen, labels: Floats) -> Distance:
    """Negative log-sum of exponentials of the logits (Liu et al. 2020)."""
    return lambda seen: -np.logaddexp.reduce(seen[1], axis=1)


def largest_logit(train: Seen, labels: Floats) -> Distance:
    """Negative largest logit (Hendrycks et al. 2022)."""
    return lambda seen: -seen[1].max(1)


CANDIDATES: dict[str, Callable[[Seen, Floats], Distance]] = {
    **{f"Mahalanobis, length 1, {k} directions": gaussian(k) for k in (16, 64)},
    "Mahalanobis, 64 directions": not_scaled(64),
    "10th nearest photo": nearest(10),
    "energy": energy,
    "largest logit": largest_logit,
}


def judge(run: Path, others: list[Path]) -> dict[str, dict[str, float]]:
    """Of each candidate, how many photos of each kind it says are unlike the training photos."""
    classifier = Classifier.load(run, "cpu")
    root = Path(read_settings(run / "config.yaml")["data"]["root"])
    rows = {split: [row for row in read_split_rows(run / SPLIT_CSV) if row["split"] == split] for split in ("train", "val", "test")}
    paths = {split: [str(root / row["path"]) for row in rows[split]] for split in rows}
    seen = {split: look(classifier, list(paths[split])) for split in paths}
    labels = np.array([classifier.class_names.index(row["label"]) for row in rows["train"]])
    draw = random.Random(0)
    strange = {
        folder.name: look(classifier, [str(folder / path) for path in draw.sample(sorted(find_photos(folder).photos), SAMPLE)])
        for folder in others
        if folder.name != root.name
    }
    strange |= {name: look(classifier, photos) for name, photos in changed(draw.sample(paths["test"], min(SAMPLE, 60))).items()}
    shares = {}
    for name, fit in CANDIDATES.items():
        distance = fit(seen["train"], labels)
        threshold = np.quantile(distance(seen["val"]), QUANTILE)
        kinds = {"false alarms": seen["test"], **strange}
        shares[name] = {kind: float((distance(photos) > threshold).mean()) for kind, photos in kinds.items()}
    return shares


def main() -> None:
    """Print a table of all runs together."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--others", nargs="+", type=Path, default=[])
    given = parser.parse_args()
    results = []
    for run in given.runs:
        results.append(judge(run, given.others))
        print(f"{run}: {len(results)} of {len(given.runs)}", file=sys.stderr, flush=True)
    kinds = list(results[0]["energy"])
    print(f"| {len(results)} runs | " + " | ".join(kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for name in CANDIDATES:
        cells = [[result[name][kind] for result in results] for kind in kinds]
        print(f"| {name} | " + " | ".join(f"{np.mean(c):.2f} ({min(c):.2f} to {max(c):.2f})" for c in cells) + " |")


if __name__ == "__main__":
    main()
