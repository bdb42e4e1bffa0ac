"""The predictions of all folds together: each photo once, by a network that has not seen its group."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from posture_classifier.experiments.cross_validation import CrossValidation, Way
from posture_classifier.metrics.intervals import estimate_mean
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
from posture_classifier.runs.names import SUMMARY_JSON
from posture_classifier.training.messages import estimates_table
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_rows

HARDEST = 5
COLUMNS = ("path", "group", "fold", "label")


@dataclass(frozen=True)
class PooledPredictions:
    """Predictions of N photos, in order of their paths.

    Attributes:
        paths: (N,).
        groups: (N,) names.
        folds: (N,) the fold that tested each photo.
        classes: Names in the order of the labels.
        predictions: Labels and probabilities.
        runs: The folder of each fold.
    """

    paths: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    folds: npt.NDArray[np.int64]
    classes: list[str]
    predictions: Predictions
    runs: list[Path]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the most probable class is the true one."""
        return np.asarray(self.predictions.predicted == self.predictions.labels)

    def summary(self, seed: int) -> dict[str, Any]:
        """Figures of all photos together with their intervals, of each fold, and of each group, the hardest first.

        The interval is drawn over groups. It does not hold that the networks of two folds share most of their training photos,
        of which no unbiased estimate is known (Bengio and Grandvalet 2004). The AUROC compares probabilities of different networks.
        """
        measured = estimates(self.predictions, self.groups, seed)
        names, codes = np.unique(self.groups, return_inverse=True)
        grouped = len(names) < len(self.groups)
        right, photos = np.bincount(codes, weights=self.right), np.bincount(codes)
        folds = [float(self.right[self.folds == fold].mean()) for fold in range(len(self.runs))]
        per_group = [
            {"group": str(names[g]), "images": int(photos[g]), "accuracy": float(right[g] / photos[g])}
            for g in np.lexsort((names, right / photos))
        ]
        return {
            "images": len(self.groups),
            "groups": len(names) if grouped else None,
            **{name: vars(figure) for name, figure in measured.items()},
            "accuracy_of_folds": {"mean": float(np.mean(folds)), "folds": folds},
            "classes": self.classes,
            "accuracy_of_groups": per_group if grouped else None,
            "runs": [run.as_posix() for run in self.runs],
        }

    def write(self, path: Path) -> None:
        """Write a row a photo: path, group, fold, label and the probability of every class."""
        labels = [self.classes[label] for label in self.predictions.labels]
        shares = [[f"{value:.9g}" for value in row] for row in self.predictions.probabilities]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*COLUMNS, *self.classes])
            for *known, row in zip(self.paths, self.groups, self.folds, labels, shares, strict=True):
                writer.writerow([*known, *row])


def pool_folds(runs: list[Path]) -> PooledPredictions:
    """Read the predictions of all folds.

    Raises:
        UserError: They do not hold every photo once.
    """
    rows = [(fold, row) for fold, run in enumerate(runs) for row in read_rows(run / "test" / "predictions.csv")]
    rows.sort(key=lambda pair: pair[1]["path"])
    paths = [row["path"] for _, row in rows]
    if len(set(paths)) < len(paths) or set(paths) != {row["path"] for row in read_rows(runs[0] / "split.csv")}:
        raise UserError(f"the folds of {runs[0].parent.parent} do not hold every photo once; remove that folder and start anew")
    classes = [name for name in rows[0][1] if name not in COLUMNS]
    labels = np.array([classes.index(row["label"]) for _, row in rows], dtype=np.int64)
    probabilities = np.array([[float(row[name]) for name in classes] for _, row in rows])
    return PooledPredictions(
        paths=np.array(paths),
        groups=np.array([row["group"] for _, row in rows]),
        folds=np.array([fold for fold, _ in rows], dtype=np.int64),
        classes=classes,
        predictions=Predictions(np.arange(len(rows)), labels, probabilities),
        runs=runs,
    )


def report(crossvalidation: CrossValidation, runs: dict[Way, list[Path]]) -> None:
    """Write ``predictions.csv`` and then ``summary.json``, which marks the end, and say what they hold."""
    folder, data = crossvalidation.folder, crossvalidation.settings.data
    honest = pool_folds(runs["groups"])
    honest.write(folder / "predictions.csv")
    summary = {"root": data.root, "folds": data.folds, "seed": data.seed} | honest.summary(data.seed)
    say(_table(summary, "all folds"))
    if summary["accuracy_of_groups"]:
        say(_hardest(summary["accuracy_of_groups"]))
    if "random" in runs:
        random = pool_folds(runs["random"])
        random.write(folder / "predictions_random.csv")
        summary["random"] = random.summary(data.seed)
        gap = estimate_mean(random.right.astype(np.float64) - honest.right, honest.groups, data.seed)
        summary |= {"gap": vars(gap), "meaning": meaning(vars(gap))}
        say(_table(summary["random"], "all folds, at random"), summary["meaning"])
    (folder / SUMMARY_JSON).write_text(f"{json.dumps(summary, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    say(f"cross-validation folder: {folder}")


def meaning(gap: dict[str, float]) -> str:
    """One sentence on the difference in accuracy between folds at random and folds of groups."""
    low, high = 100 * gap["low"], 100 * gap["high"]
    measured = f"{100 * gap['value']:+.1f} points of accuracy (95 % interval {low:+.1f} to {high:+.1f})"
    if low > 0:
        return (
            f"Folds at random flatter by {measured}: so much of their score is photos that resemble training photos of the same "
            "group, and will not come with new groups."
        )
    if high < 0:
        return f"Folds at random do not flatter here: they score {measured} beside folds of groups, which are the ones to report."
    return (
        f"The random folds' {measured} are within chance: no leak shows here, which does not prove that there is none; "
        "report folds of groups."
    )


def _table(summary: dict[str, Any], title: str) -> Table:
    table = estimates_table(summary, title)
    folds = summary["accuracy_of_folds"]
    table.add_row(
        "accuracy, mean of folds", f"{folds['mean']:.3f}", f"range {min(folds['folds']):.3f} to {max(folds['folds']):.3f}"
    )
    return table


def _hardest(groups: list[dict[str, Any]]) -> str:
    """``hardest groups: anna 0.400 of 10, ...``."""
    shown = ", ".join(f"{group['group']} {group['accuracy']:.3f} of {group['images']}" for group in groups[:HARDEST])
    return f"hardest groups (accuracy, photos): {shown}; all are in {SUMMARY_JSON}"
