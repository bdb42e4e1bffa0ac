"""The predictions of all folds together, in which each photo occurs once."""

from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
from posture_classifier.runs.names import PREDICTIONS_CSV, SPLIT_CSV
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.reading import sum_near_copies
from posture_classifier.runs.status import find_status
from posture_classifier.runs.tables import read_split_rows
from posture_classifier.utils.errors import UserError


def join_folds(runs: list[Path]) -> PredictionTable:
    """Join the test predictions of the runs of all folds, sorted by path.

    Raises:
        UserError: They do not hold every photo once.
    """
    tables = [read_prediction_table(run / "test" / PREDICTIONS_CSV) for run in runs]
    paths = np.concatenate([table.paths for table in tables])
    order = np.argsort(paths, kind="stable")
    if paths[order].tolist() != sorted(row["path"] for row in read_split_rows(runs[0] / SPLIT_CSV)):
        raise UserError(f"the folds of {runs[0].parent.parent} do not hold every photo once; remove that folder and start anew")
    labels = np.concatenate([table.predictions.labels for table in tables])
    probabilities = np.concatenate([table.predictions.probabilities for table in tables])
    groups = np.concatenate([table.groups for table in tables])
    folds = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    joined = Predictions(np.arange(len(order)), labels, probabilities)
    return PredictionTable(paths, groups, tables[0].classes, joined, folds).select(order)


def summarize_folds(table: PredictionTable, runs: list[Path], seed: int) -> dict[str, Any]:
    """Measure all photos together, each fold, and each group, the hardest first.

    The intervals come from a bootstrap over groups. They ignore that the networks of two folds
    share most of their training photos; no unbiased estimate of that is known (Bengio and
    Grandvalet 2004). The AUROC compares probabilities of different networks.
    """
    folds = [float(table.correct[table.folds == fold].mean()) for fold in range(len(runs))]
    groups = [{"group": name, "images": images, "accuracy": right / images} for name, right, images in table.worst_groups()]
    groups.sort(key=itemgetter("accuracy", "group"))
    measured = estimates(table.predictions, table.groups, seed)
    n_groups = len(groups) if table.grouped else None
    near_copies = sum_near_copies(runs)
    return {
        "images": len(table),
        "groups": n_groups,
        **{name: vars(estimate) for name, estimate in measured.items()},
        "status": find_status(table.predictions, table.classes, measured["accuracy"], n_groups, near_copies=near_copies),
        "near_copies": near_copies._asdict() if near_copies else None,
        "accuracy_of_folds": {"mean": float(np.mean(folds)), "folds": folds},
        "classes": table.classes,
        "accuracy_of_groups": groups if table.grouped else None,
        "runs": [run.as_posix() for run in runs],
    }
