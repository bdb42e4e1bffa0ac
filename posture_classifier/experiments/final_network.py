"""The network that a series ends with: trained on all photos, with the figures of those before.

No photo is left to test it on. Its figures are those of networks which were trained by the same
procedure on fewer photos, and tested on people that they had not seen.
"""

import json
from pathlib import Path
from statistics import median_high
from typing import Any

from posture_classifier.metrics.intervals import estimate_share
from posture_classifier.metrics.scores import METRICS
from posture_classifier.metrics.temperature_scaling import fit_temperature
from posture_classifier.models.checkpoint import EVALUATION, Procedure, load_plain
from posture_classifier.runs.checkpoints import FINAL
from posture_classifier.runs.folder import versions
from posture_classifier.runs.names import LAST_CHECKPOINT, METRICS_CSV, SUMMARY_JSON
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.runs.tables import read_curves, read_split_rows
from posture_classifier.training.checkpoint_io import AtomicCheckpointIO
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import write_rows

SPLIT = "splits/final.csv"


def finished_final(folder: Path) -> Path | None:
    """The run folder of a series' final training if that came to its end, else None."""
    return next((run for run in reversed(versions(folder / FINAL)) if (run / SUMMARY_JSON).is_file()), None)


def final_checkpoint(run: Path) -> Path:
    """The checkpoint of a final training's last epoch: without validation there is no best one."""
    return run / "checkpoints" / LAST_CHECKPOINT


def write_final_split(folder: Path, split: str) -> None:
    """Write the split in which all photos of another one are trained on."""
    rows = [row | {"split": "train"} for row in read_split_rows(folder / split)]
    with atomic_write(folder / SPLIT) as temporary:
        write_rows(rows, list(rows[0]), temporary)


def epochs_to_train(runs: list[Path]) -> int:
    """Number of epochs of the final training: the median of the folds' best, chosen without tests.

    In each fold the validation photos chose the best epoch, so no tested photo has a say in it.
    Where there were none, all epochs count. Of an even number of folds it is the upper median,
    since there are more photos to learn from now.

    Args:
        runs: Run folder of each fold.
    """
    return median_high(best_epoch(read_curves(run / METRICS_CSV)) + 1 for run in runs)


def best_epoch(rows: list[dict[str, str]]) -> int:
    """The epoch of the lowest validation loss; the last one where none was validated.

    Example:
        >>> best_epoch([{"epoch": "0", "val/loss": "0.7"}, {"epoch": "1", "val/loss": "0.5"}])
        1
    """
    validated = [row for row in rows if row.get("val/loss")]
    best = min(validated, key=lambda row: float(row["val/loss"])) if validated else rows[-1]
    return int(best["epoch"])


def final_options(epochs: int) -> list[str]:
    """Options of the final training beside those of the folds."""
    return ["--data.val_fraction", "0", "--trainer.callbacks+", "StopAfter", "--trainer.callbacks.epochs", str(epochs)]


def describe_evaluation(table: PredictionTable, summary: dict[str, Any], procedure: Procedure, seed: int) -> dict[str, Any]:
    """Describe in plain values how good the final network can be expected to be.

    Args:
        table: Predictions of photos, each by a network that has not seen its group.
        summary: What was measured on them.
        procedure: How they were tested.
        seed: Seed of the bootstrap.

    Returns:
        ``procedure``, numbers of ``folds`` (0 outside of a cross-validation), ``images`` and
        ``groups`` (None if none were named), each metric with its interval, ``classes`` (photos,
        recall and precision of each), ``status`` (sentences on what limits the figures), and the
        ``temperature`` that fits all predictions best (None if all are right).
    """
    labels, predicted = table.predictions.labels, table.predictions.predicted
    classes = {}
    for label, name in enumerate(table.classes):
        of_class, called = labels == label, predicted == label
        classes[name] = {
            "images": int(of_class.sum()),
            "recall": vars(estimate_share(predicted[of_class] == label, table.groups[of_class], seed)),
            "precision": vars(estimate_share(labels[called] == label, table.groups[called], seed)),
        }
    figures = {name: summary[name] for name in ("images", "groups", *METRICS, "status") if name in summary}
    evaluation = {"procedure": procedure, "folds": len(table.fold_numbers), **figures, "classes": classes}
    # A checkpoint may hold no numbers of NumPy: it would not load without executing anything.
    plain: dict[str, Any] = json.loads(json.dumps(evaluation | {"temperature": fit_temperature(table.predictions)}))
    return plain


def store_evaluation(checkpoint: Path, evaluation: dict[str, Any]) -> None:
    """Put the figures into a checkpoint, unless they are there; all of it is written or nothing."""
    content = load_plain(checkpoint)
    if content.get(EVALUATION) != evaluation:
        AtomicCheckpointIO().save_checkpoint(content | {EVALUATION: evaluation}, checkpoint)
