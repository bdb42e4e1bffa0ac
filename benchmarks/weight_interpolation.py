"""Weights between the network with a solved head and what fine-tuning makes of it (WiSE-FT).

    python benchmarks/weight_interpolation.py lightning_logs/best/version_*

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3. For runs of
``configs/best.yaml`` the head is solved again on the pretrained network, and the weights of
``best.ckpt`` are mixed with those: all of what fine-tuning changed, three quarters, half, a
quarter, or nothing. Validation photos choose the share, by the lowest log loss or as the largest
share that is worse than that by no more than one standard error over groups (Breiman et al. 1984,
"Classification and regression trees", section 3.4.3). Prints rows of a table: test accuracy and
log loss, means over the seeds, and how they differ from keeping all, paired, with a 95 % interval;
then the log loss after a temperature that the validation photos choose.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import yaml
from paired import Scored, Scores, describe
from torch import Tensor

from posture_classifier.data.module import PostureData
from posture_classifier.data.network_outputs import network_outputs
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.temperature_scaling import fit_temperature, rescale
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.linear_head import LogisticRegression, Samples
from posture_classifier.models.stages import classifiers
from posture_classifier.runs.names import CONFIG_YAML, SUMMARY_JSON
from posture_classifier.utils.types import Floats

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of what fine-tuning changed."""


class Mixed(NamedTuple):
    """What the networks of one run say, by their shares."""

    val: dict[float, Predictions]
    test: dict[float, Predictions]
    val_groups: npt.NDArray[np.str_]
    test_paths: list[str]
    test_groups: list[str]


def predict(model: PostureClassifier, data: PostureData, split: str) -> Predictions:
    """Predict the photos of a split."""
    labels = data.photos.in_split(split).labels
    outputs = network_outputs(
        model, data, split, np.arange(len(labels)), lambda images, _: model(images).float().softmax(1).cpu().numpy()
    )
    indices, probabilities = (np.concatenate(column) for column in zip(*outputs, strict=True))
    return Predictions.unique(indices, labels[indices], probabilities)


def samples(model: PostureClassifier, data: PostureData, split: str) -> Samples:
    """The features of the photos of a split."""
    photos = data.photos.in_split(split)
    chunks = list(network_outputs(model, data, split, np.arange(len(photos)), lambda images, _: model.features(images).double()))
    order = np.argsort(np.concatenate([indices for indices, _ in chunks]))
    return Samples([torch.cat([features for _, features in chunks])[torch.from_numpy(order)]], torch.from_numpy(photos.labels))


def solved(model: PostureClassifier, data: PostureData) -> dict[str, Tensor]:
    """Solve the head of a pretrained network; returns all weights."""
    regression = LogisticRegression(len(data.class_names))
    head = regression.choose_by_validation(samples(model, data, "train"), samples(model, data, "val")).head
    (classifier,) = classifiers(model.backbone)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    name = next(name for name, module in model.named_modules() if module is classifier)
    return state | {f"{name}.weight": head.weight.float(), f"{name}.bias": head.bias.float()}


def mix(run: Path) -> Mixed:
    """Let the networks between the two ends predict."""
    settings = yaml.safe_load((run / CONFIG_YAML).read_text())
    seed = json.loads((run / SUMMARY_JSON).read_text())["seed"]
    data = PostureData(settings["data"]["root"], group_pattern=settings["data"]["group_pattern"], seed=seed)
    chosen = {name: settings["model"][name] for name in ("backbone", "head", "image_size", "resize")}
    model = PostureClassifier(data.class_names, white_levels=data.white_levels, **chosen)
    data.preprocessing = model.preprocessing
    start, end = solved(model, data), read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
    val, test = {}, {}
    for share in SHARES:
        model.load_state_dict(
            {name: torch.lerp(start[name], value, share) if value.is_floating_point() else value for name, value in end.items()}
        )
        val[share], test[share] = predict(model, data, "val"), predict(model, data, "test")
    tested = data.photos.in_split("test")
    print(f"seed {seed}: " + ", ".join(f"{share:g}: {val[share].losses.mean():.3f}" for share in SHARES), flush=True)
    return Mixed(val, test, np.asarray(data.photos.in_split("val").groups), list(tested.paths), list(tested.groups))


def standard_error(values: Floats, groups: npt.NDArray[np.str_]) -> float:
    """Of the mean of values (N,), of which those of one group depend on each other."""
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], values - values.mean())
    return float(np.sqrt(np.square(sums).sum()) / len(values))


def choose(mixed: Mixed, errors: float) -> float:
    """The largest share that is no more than some standard errors worse than the best one."""
    best = min(SHARES, key=lambda share: mixed.val[share].losses.mean())
    worse = {share: mixed.val[share].losses - mixed.val[best].losses for share in SHARES}
    return max(share for share, excess in worse.items() if excess.mean() <= errors * standard_error(excess, mixed.val_groups))


def scores(mixed: Mixed, share: float) -> Scores:
    """The tested photos as ``paired.py`` has them."""
    test = mixed.test[share]
    rows = zip(mixed.test_paths, test.correct.astype(float).tolist(), test.losses.tolist(), mixed.test_groups, strict=True)
    return {path: Scored((right, loss), group) for path, right, loss, group in rows}


def calibrated_loss(mixed: Mixed, share: float) -> float:
    """Test log loss after the temperature that the validation photos choose."""
    temperature = fit_temperature(mixed.val[share])
    return float(rescale(mixed.test[share], 1.0 if temperature is None else temperature).losses.mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    mixed = dict(enumerate(map(mix, parser.parse_args().runs)))
    rules = {"all": dict.fromkeys(mixed, 1.0), "half": dict.fromkeys(mixed, 0.5)}
    rules |= {"lowest validation loss": {n: choose(each, 0) for n, each in mixed.items()}}
    rules |= {"one standard error": {n: choose(each, 1) for n, each in mixed.items()}}
    reference = {n: scores(each, 1.0) for n, each in mixed.items()}
    print("| kept | shares | accuracy | log loss | accuracy, less all | log loss, less all | after a temperature |")
    print("|---|---|---|---|---|---|---|")
    for name, shares in rules.items():
        found = reference if name == "all" else {n: scores(each, shares[n]) for n, each in mixed.items()}
        after = np.mean([calibrated_loss(each, shares[n]) for n, each in mixed.items()])
        line = describe(found, reference).removesuffix(" |") if name == "all" else describe(found, reference)
        print(f"| {name} | {', '.join(f'{share:g}' for share in shares.values())} | {line} | {after:.3f} |")
