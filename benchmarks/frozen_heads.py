r"""Heads on a frozen network, solved on features that are computed once, for several seeds.

    python benchmarks/frozen_heads.py FOLDER [--pattern 'subject-\d+'] [--steps RUN ...]

The network is that of ``configs/linear_probe.yaml``, a seed divides the photos as ``fit`` does, and
the solver is that of ``model.head_solver: lbfgs``. The heads learn from photos; also from their
mirror images, answering by the mean; once more with the validation photos as well; and both.
Accuracy and log loss are means over the seeds, differences to the first head are paired, with a
95 % interval over groups. ``--steps`` names runs of ``configs/linear_probe.yaml``, which learnt the
head by steps: they are compared with the first head, too.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from posture_classifier.data.module import PostureData
from posture_classifier.data.network_outputs import network_outputs
from posture_classifier.metrics.intervals import estimate_mean
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.linear_head import PATH, LinearHead, LogisticRegression, Samples
from posture_classifier.models.mirror_averaging import with_mirrored
from posture_classifier.rendering.formatting import describe_interval
from posture_classifier.runs.names import PREDICTIONS_CSV, SUMMARY_JSON
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.utils.types import Floats


class Scored(NamedTuple):
    """A test photo: whether it is right (1 or 0), its log loss, and its group."""

    values: tuple[float, float]
    group: str


Scores = dict[str, Scored]
"""The test photos by their paths."""


def compute_features(data: PostureData) -> dict[str, Tensor]:
    """Features (2, D) of each photo and its mirror image, by path."""
    model = PostureClassifier(data.class_names, backbone="tf_efficientnet_lite0", head="all_stages", white_levels=data.white_levels)
    data.preprocessing = model.preprocessing
    features: dict[str, Tensor] = {}
    for split in ("train", "val", "test"):
        photos = data.photos.in_split(split)
        pairs = network_outputs(
            model, data, split, np.arange(len(photos)), lambda images, _: model.features(with_mirrored(images)).clone()
        )
        for indices, seen in pairs:
            features |= {
                photos.paths[i]: pair for i, pair in zip(indices.tolist(), seen.reshape(-1, 2, seen.shape[1]), strict=True)
            }
    return features


def samples_of(data: PostureData, features: dict[str, Tensor], splits: Sequence[str]) -> tuple[Samples, list[str], list[str]]:
    """The photos of some splits in both views, with their paths and groups."""
    parts = [data.photos.in_split(split) for split in splits]
    paths = [path for part in parts for path in part.paths]
    groups = [group for part in parts for group in part.groups]
    views = torch.stack([features[path] for path in paths], dim=1).double()
    return Samples(list(views), torch.from_numpy(np.concatenate([part.labels for part in parts]))), paths, groups


def score(head: LinearHead, test: Samples, paths: list[str], groups: list[str]) -> Scores:
    """Test a head."""
    logits = torch.nn.functional.linear(torch.stack(list(test.views)).mean(0), *head)
    right = (logits.argmax(1) == test.labels).double()
    columns = (paths, right.tolist(), head.log_losses(test).tolist(), groups)
    return {path: Scored((hit, loss), group) for path, hit, loss, group in zip(*columns, strict=True)}


def solve(data: PostureData, features: dict[str, Tensor]) -> dict[str, Scores]:
    """Solve all heads of one seed."""
    train, val, both, test = (samples_of(data, features, splits) for splits in (["train"], ["val"], ["train", "val"], ["test"]))
    regression, found = LogisticRegression(len(data.class_names)), {}
    for name, n_views in (("photos", 1), ("photos and mirror images", 2)):
        start = time.perf_counter()
        one, choosing, more, judging = (Samples(each.views[:n_views], each.labels) for each, *_ in (train, val, both, test))
        solved = regression.choose_by_validation(one, choosing)
        print(f"seed {data.seed}, {name}: C {solved.c:.2g}, {time.perf_counter() - start:.1f} s", flush=True)
        *_, refitted = regression.path(more, PATH[: PATH.index(solved.c) + 1])
        found[name] = score(solved.head, judging, *test[1:])
        found[f"{name}, refitted"] = score(refitted, judging, *test[1:])
    return found


def scores_of_run(run: Path) -> Scores:
    """The same of a run of ``fit``."""
    table = read_prediction_table(run / "test" / PREDICTIONS_CSV)
    predictions = table.predictions
    chosen = predictions.probabilities[np.arange(len(table)), predictions.labels]
    cells = zip(
        table.paths.tolist(), table.correct.astype(float).tolist(), (-np.log(chosen)).tolist(), table.groups.tolist(), strict=True
    )
    return {path: Scored((hit, loss), group) for path, hit, loss, group in cells}


def describe(seeds: dict[int, Scores], reference: dict[int, Scores]) -> str:
    """Cells of a row: accuracy and log loss, and how they differ from the reference's."""
    means = [np.mean([photo.values[0] for photo in scores.values()]) for scores in seeds.values()]
    loss = np.mean([photo.values[1] for scores in seeds.values() for photo in scores.values()])
    text = f"{np.mean(means):.3f} ({min(means):.3f} to {max(means):.3f}) | {loss:.3f}"
    if seeds is reference:
        return f"{text} | |"
    for column in (0, 1):
        pairs = [(reference[seed][path], photo) for seed, scores in seeds.items() for path, photo in scores.items()]
        differences: Floats = np.array([photo.values[column] - before.values[column] for before, photo in pairs])
        estimate = estimate_mean(differences, np.array([photo.group for _, photo in pairs]))
        text += f" | {estimate.value:+.3f} ({describe_interval(estimate)})"
    return text


def main(folder: str, pattern: str | None, seeds: range, steps: list[Path]) -> None:
    """Print a table."""
    data = {seed: PostureData(folder, group_pattern=pattern, seed=seed) for seed in seeds}
    features = compute_features(data[seeds[0]])
    found = {seed: solve(data[seed], features) for seed in seeds}
    reference = {seed: heads["photos"] for seed, heads in found.items()}
    print("| head learns from | accuracy | log loss | accuracy, less the first | log loss, less the first |\n|---|---|---|---|---|")
    print(f"| photos | {describe(reference, reference)} |")
    for name in list(found[seeds[0]])[1:]:
        print(f"| {name} | {describe({seed: heads[name] for seed, heads in found.items()}, reference)} |")
    if steps:
        runs = {json.loads((run / SUMMARY_JSON).read_text())["seed"]: scores_of_run(run) for run in steps}
        print(f"| photos, by 20 epochs of steps | {describe(runs, reference)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--pattern")
    parser.add_argument("--seeds", default="5-9", help="first and last")
    parser.add_argument("--steps", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    first, last = map(int, given.seeds.split("-"))
    main(given.folder, given.pattern, range(first, last + 1), given.steps)
