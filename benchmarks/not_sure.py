"""Which rule should say "not sure": how many photos it answers, and how many of those are right.

    python benchmarks/not_sure.py RUN [RUN ...] [--level 0.95]

Each RUN is a run of ``fit`` with ``val/predictions.csv`` and ``test/predictions.csv``. The
temperature and the threshold of every rule are chosen on the validation photos, and judged on the
test photos. Runs of one experiment make a row: the mean (range) over its runs, and of all their
predictions together the share of right ones with its 95 % interval over people or photos, which
keeps all predictions of one together. A promise is kept by a run where at least the level of the
answered photos is right.
"""

import argparse
from collections.abc import Callable
from itertools import groupby
from math import inf
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.intervals import NORMAL_QUANTILE, estimate_share, wilson_interval
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.temperature_scaling import fit_temperature, rescale
from posture_classifier.runs.names import PREDICTIONS_CSV
from posture_classifier.runs.predictions import read_prediction_table

Groups = npt.NDArray[np.str_]
Rule = Callable[[Predictions, Groups, float], float]


def weights_of(groups: Groups) -> npt.NDArray[np.float64]:
    """Weights of photos with which every group counts as one, and all as 1."""
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights: npt.NDArray[np.float64] = 1 / (len(sizes) * sizes[codes])
    return weights


def conformal(predictions: Predictions, groups: Groups, level: float) -> float:
    """Sets that hold the true class in a share ``level`` of photos; not sure of several classes.

    Sadinle et al. 2019 (LAC), over groups as Dunn et al. 2023: their distributions are averaged,
    and a new group may be the worst of all.
    """
    scores = 1 - predictions.probabilities[np.arange(len(groups)), predictions.labels]
    order, n_groups = np.argsort(scores), len(np.unique(groups))
    reached = np.cumsum(weights_of(groups)[order]) * n_groups / (n_groups + 1) >= level
    quantile = float(scores[order][reached.argmax()]) if reached.any() else 1.0
    # Where the largest probability is above both, it is the only one in the set.
    return max(quantile, 1 - quantile)


def lowest_that_keeps(predictions: Predictions, groups: Groups, level: float, share: Callable[[float, int, int], float]) -> float:
    """The lowest threshold from which on the accuracy is at least ``level``, in some estimate."""
    order = np.argsort(-predictions.confidence)
    confidence, right = predictions.confidence[order], predictions.correct[order]
    threshold = inf
    for count in range(1, len(order) + 1):
        if count == len(order) or confidence[count] < confidence[count - 1]:
            n_groups = len(np.unique(groups[order][:count]))
            if share(float(right[:count].mean()), count, n_groups) >= level:
                threshold = float(confidence[count - 1])
    return threshold


def observed(predictions: Predictions, groups: Groups, level: float) -> float:
    """The accuracy as it is on the validation photos."""
    return lowest_that_keeps(predictions, groups, level, lambda accuracy, photos, n_groups: accuracy)


def bounded(predictions: Predictions, groups: Groups, level: float) -> float:
    """The lower end of Wilson's one-sided 90 % interval, each photo a witness."""
    return lowest_that_keeps(
        predictions,
        groups,
        level,
        lambda accuracy, photos, n_groups: wilson_interval(accuracy, photos, 1.2816).low or 0.0,
    )


def bounded_by_groups(predictions: Predictions, groups: Groups, level: float) -> float:
    """The lower end of Wilson's 95 % interval, each group a witness."""
    return lowest_that_keeps(
        predictions,
        groups,
        level,
        lambda accuracy, photos, n_groups: wilson_interval(accuracy, n_groups, NORMAL_QUANTILE).low or 0.0,
    )


def expected(predictions: Predictions, groups: Groups, level: float) -> float:
    """The mean calibrated probability of the photos that are answered."""
    confidence = np.sort(predictions.confidence)[::-1]
    enough = np.flatnonzero(np.cumsum(confidence) / np.arange(1, len(confidence) + 1) >= level)
    return float(confidence[enough[-1]]) if len(enough) else inf


def chow(predictions: Predictions, groups: Groups, level: float) -> float:
    """The level itself: each answer alone is right with that probability (Chow 1970)."""
    return level


RULES: dict[str, Rule] = {
    "conformal over groups": conformal,
    "observed accuracy": observed,
    "observed, lower bound, photos": bounded,
    "observed, lower bound, groups": bounded_by_groups,
    "expected accuracy": expected,
    "each answer (Chow)": chow,
}


class Judged(NamedTuple):
    """A rule on the test photos of a run.

    Attributes:
        figures: Threshold, share of photos answered, accuracy of these and of the rest.
        right: (A,) whether each of the answered photos is right.
        groups: (A,) their groups.
    """

    figures: tuple[float, float, float, float]
    right: npt.NDArray[np.bool_]
    groups: Groups


def judge(run: Path, level: float) -> dict[str, Judged]:
    """Judge every rule."""
    validation, test = (read_prediction_table(run / split / PREDICTIONS_CSV) for split in ("val", "test"))
    temperature = fit_temperature(validation.predictions) or 1.0
    chosen_on, judged = (rescale(table.predictions, temperature) for table in (validation, test))
    found = {}
    for name, rule in RULES.items():
        threshold = rule(chosen_on, validation.groups, level)
        answered = judged.confidence >= threshold
        right, wrong = judged.correct[answered], judged.correct[~answered]
        figures = (
            threshold,
            float(answered.mean()),
            float(right.mean()) if answered.any() else float("nan"),
            float(wrong.mean()) if len(wrong) else float("nan"),
        )
        found[name] = Judged(figures, right, test.groups[answered])
    return found


def describe(values: list[float]) -> str:
    """Write the mean and the range of what is known of values."""
    known = [value for value in values if np.isfinite(value)]
    return f"{np.mean(known):.3f} ({min(known):.3f} to {max(known):.3f})" if known else "-"


def describe_all(results: list[Judged]) -> str:
    """Write the share of right ones among the answered photos of all runs, with its interval."""
    right, groups = (np.concatenate(parts) for parts in zip(*((each.right, each.groups) for each in results), strict=True))
    if not len(right):
        return "-"
    share = estimate_share(right, groups, 0)
    interval = "" if share.ends is None else " ({:.3f} to {:.3f})".format(*share.ends)
    return f"{share.value:.3f}{interval}, {len(right)} of {len(np.unique(groups))}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--level", type=float, default=0.95)
    given = parser.parse_args()
    columns = ("experiment", "rule", "threshold", "answered", "right of these", "right of the others", "together", "promise kept")
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for experiment, runs in groupby(sorted(given.runs), key=lambda run: run.resolve().parent.name):
        results = [judge(run, given.level) for run in runs]
        for name in RULES:
            judged = [result[name] for result in results]
            values = list(zip(*(each.figures for each in judged), strict=True))
            kept = sum(value >= given.level for value in values[2])
            none = sum(np.isnan(value) for value in values[2])
            figures = [describe(list(column)) for column in values]
            cells = [experiment, name, *figures, describe_all(judged), f"{kept} of {len(results) - none}"]
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
