"""``audit``: how far to trust the predictions of any program, whatever it was trained with."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.progress import Progress

from posture_classifier.utils.console import terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_folder

if TYPE_CHECKING:
    from posture_classifier.audit.leaks import Leaks
    from posture_classifier.audit.training_list import TrainingPhotos
    from posture_classifier.data.folder import Photos


def audit(
    predictions: Path,
    *,
    root: Path,
    group_pattern: str | None = None,
    group_by: Literal["pattern", "cluster", "exif", "none"] | None = None,
    train_list: Path | None = None,
    output: Path | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    predicted_column: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> int:
    r"""Measure predictions of any program: intervals over groups, leaks, calibration, groups.

    Args:
        predictions: A .csv, .tsv or .txt table: a row for each photo with its path, and the
            probability of each class, or the predicted class. The folder of a photo is its true
            class.
        root: The folder of the photos, as fit takes it (--data.root); or with all of them in one
            folder, if the table has a column of the true classes.
        group_pattern: Regular expression whose match in the path names the person or session, such
            as 'subject-\d+'.
        group_by: What makes a group instead: cluster (photos of one scene) or exif (camera and
            time).
        train_list: The photos that were trained on: a folder, a table with their paths, or a text
            file with a path on each line.
        output: A folder to make for audit.html and summary.json; with probabilities of all classes
            compare takes it as a run.
        path_column: Column of the paths, where its name is not a usual one.
        label_column: Column of the true classes, which then count instead of the folders.
        predicted_column: Column of the predicted classes, where its name is not a usual one.
        seed: Seed of the bootstrap behind the intervals.
        overwrite: Replace the files in the output if they exist.

    Returns:
        Exit code: 1 if there are leaks, else 0.
    """
    check_output_folder("--output", output, overwrite)
    if not predictions.is_file():
        raise UserError(f"{predictions} is not a file; expected a table of predictions")
    if not 0 <= seed < 2**32:
        raise UserError(f"--seed is {seed}, but must be from 0 to {2**32 - 1}")
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.audit.columns import ColumnNames
    from posture_classifier.audit.foreign_predictions import read_foreign_predictions
    from posture_classifier.audit.photos import read_photos
    from posture_classifier.audit.result import Audit
    from posture_classifier.audit.training_list import read_training_list, training_part
    from posture_classifier.audit.writing import print_audit, write_folder

    photos = read_photos(root, group_pattern, group_by)
    read = read_foreign_predictions(predictions, photos, ColumnNames(path_column, label_column, predicted_column))
    training = training_part(photos) if train_list is None else read_training_list(train_list, photos)
    leaks = None if training is None else _find_leaks(read.photos, training, group_pattern)
    print_audit(result := Audit(read, leaks, seed))
    if output is not None:
        write_folder(result, output)
    return int(leaks is not None and bool(leaks.leaked.any()))


def _find_leaks(photos: "Photos", training: "TrainingPhotos", group_pattern: str | None) -> "Leaks":
    """Look for leaks, and show how far that is."""
    from posture_classifier.audit.leaks import find_leaks

    with Progress(console=terminal(), transient=True) as bar:
        task = bar.add_task("Looking for leaks", total=None)
        return find_leaks(photos, training, group_pattern, lambda done, n: bar.update(task, completed=done, total=n))
