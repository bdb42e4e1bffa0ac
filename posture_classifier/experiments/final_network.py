"""The network that a series ends with: trained on all photos, with the figures of those before.

No photo is left to test it on. Its figures are those of networks which were trained by the same
procedure on fewer photos, and tested on people that they had not seen.
"""

from pathlib import Path
from statistics import median_high
from typing import Any

from jsonargparse import Namespace
from torch import Tensor

from posture_classifier.callbacks.evaluation_report import split_sizes
from posture_classifier.data.module import PostureData
from posture_classifier.inference import Classifier
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.checkpoints import FINAL, Familiarity, find_checkpoint, read_evaluation
from posture_classifier.runs.choice import Choice
from posture_classifier.runs.decision_rules import choose_familiarity_of_runs
from posture_classifier.runs.folder import versions
from posture_classifier.runs.names import LAST_CHECKPOINT, METRICS_CSV, PREDICTIONS_CSV, SUMMARY_JSON
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.tables import read_curves, read_split_rows
from posture_classifier.training.best_checkpoint import BestNetwork
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import write_rows

SPLIT = "splits/final.csv"


def finished_final(folder: Path) -> Path | None:
    """The run folder of a series' final training if that came to its end, else None."""
    return next((run for run in reversed(versions(folder / FINAL)) if (run / SUMMARY_JSON).is_file()), None)


def final_checkpoint(run: Path) -> Path:
    """The checkpoint of a final training's last epoch: without validation there is no best one."""
    return run / "checkpoints" / LAST_CHECKPOINT


def write_final_split(folder: Path, split: str, tested: tuple[str, ...] = ()) -> None:
    """Write the split in which all photos of another one are trained on, but those ``tested``."""
    rows = [row if row["split"] in tested else row | {"split": "train"} for row in read_split_rows(folder / split)]
    with atomic_write(folder / SPLIT) as temporary:
        write_rows(rows, list(rows[0]), temporary)


def epochs_to_train(runs: list[Path]) -> int:
    """Number of epochs of the final training: the median of the folds' best, chosen without tests.

    In each fold the validation photos chose the best epoch, so no tested photo has a say in it.
    Where there were none, all epochs count. Of an even number of folds it is the upper median,
    since there are more photos to learn from now.
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


def choose_by_tested(table: PredictionTable, runs: list[Path]) -> tuple[Choice, bool]:
    """The photos that choose how the final network is to be used, and whether others judge that.

    All photos of a cross-validation choose, and those of each fold judge what the others choose. Of
    one tested network its validation photos choose, and the tested ones judge; without validation
    these choose, and nobody judges.

    Args:
        table: Predictions of the tested photos.
        runs: Run folders of the networks that predicted them.
    """
    if table.folds is not None:
        return Choice.by_other_folds(table), True
    validation = runs[0] / "val" / PREDICTIONS_CSV
    if validation.is_file():
        return Choice.by_validation(read_prediction_table(validation), len(table)), True
    return Choice.by_validation(table, len(table)), False


def tested_familiarity(runs: list[Path], seed: int) -> Familiarity | None:
    """From which distance on a photo is unlike those that a final network was trained on.

    It is told by photos that networks before it had not learnt from, each measured from those that
    its own network had.

    Returns:
        None where one of them measured no distances.
    """
    if len(runs) == 1:
        checkpoint = find_checkpoint(runs[0])
        evaluation = read_evaluation(checkpoint, read_checkpoint(checkpoint))
        return evaluation.familiarity if evaluation else None
    return choose_familiarity_of_runs(runs, seed)


def measure_final(checkpoint: Path, settings: Namespace, split: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What is familiar to a final network, and how many photos of a split it was trained on."""
    classifier = Classifier.from_checkpoint(checkpoint, read_checkpoint(checkpoint), precision=settings.precision)
    undivided = {"split": str(split), "folds": None, "fold": None, "holdout_groups": None, "val_fraction": 0}
    data = PostureData(**{**settings.data, **undivided})
    data.preprocessing = classifier.model.preprocessing
    return BestNetwork(classifier.model, data).measure_reference(settings.data.seed), split_sizes(data.photos)
