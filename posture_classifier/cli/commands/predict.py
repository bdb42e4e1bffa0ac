"""``predict``: photos in, a table of classes out."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.progress import track
from rich.table import Table
from rich.text import Text

from posture_classifier.utils.console import say, terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import TABLE_SUFFIXES, check_output_file
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.tables import rows_so_far, write_rows
from posture_classifier.utils.text import plural, printable

if TYPE_CHECKING:
    from posture_classifier.data.left_out import LeftOutCounts

MAX_TABLE_ROWS = 50


def predict(
    checkpoint: str,
    paths: list[str],
    output: Path | None = None,
    overwrite: bool = False,
    batch_size: int | None = None,
    device: str | None = None,
    precision: Literal["auto", "fp32"] = "auto",
) -> int:
    """Classify photos with a trained model.

    Args:
        checkpoint: A .ckpt file of a run, or the run's folder, whose best is taken; class names and
            preprocessing are inside it.
        paths: Photos, folders (with all photos below them) or patterns such as 'photos/**/*.jpg'.
        output: A .csv or .jsonl file to write: path, label, probability, one column per class,
            error.
        overwrite: Replace the output if it exists.
        batch_size: Photos in the network at once, at most; by default what suits the device.
        device: cpu, cuda or mps; by default a GPU if there is one.
        precision: auto computes in bfloat16 where the hardware has it, as the evaluation of fit
            does; fp32 nowhere.

    Returns:
        Exit code: 1 if a photo could not be read, else 0.
    """
    start = time.perf_counter()
    check_output_file("--output", output, TABLE_SUFFIXES, overwrite)
    if Path(checkpoint).suffix in (".yaml", ".yml"):
        raise UserError(
            f"{checkpoint} is a settings file; predict needs a checkpoint, as "
            "lightning_logs/<experiment>/version_N/checkpoints/best.ckpt"
        )
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.data.left_out import describe_left_out
    from posture_classifier.inference import Classifier

    photos, left_out = _expand(paths)
    classifier = Classifier.load(checkpoint, device, precision)
    columns = ["path", "label", "probability", *classifier.class_names, "error"]
    rows: list[dict[str, Any]] = []
    first = 0.0
    with at_stop(rows_so_far(rows, columns, output, of=plural(len(photos), "photo"))):
        predictions = classifier.stream(photos, batch_size)
        for prediction in track(predictions, "Classifying", len(photos), console=terminal(), transient=True):
            first = first or time.perf_counter() - start
            rows.append(_row(asdict(prediction), classifier.class_names))
    seconds = time.perf_counter() - start
    if output is not None:
        write_rows(rows, columns, output)
    say(_table(rows))
    if output is not None:
        say(f"{plural(len(rows), 'row')} written to {output}")
    say(f"{plural(len(rows), 'photo')} in {seconds:.1f} s, the first prediction after {first:.1f} s")
    if left_out:
        say(f"left out: {describe_left_out(left_out)}")
    failed = [row for row in rows if row["error"]]
    if failed:
        say(f"{len(failed)} of {plural(len(rows), 'photo')} could not be read", style="red")
    return 1 if failed else 0


def _expand(paths: list[str]) -> "tuple[list[str], LeftOutCounts]":
    """List the files that files, folders and patterns stand for, in order, each once.

    A file or folder that is named is taken, whatever its name; within folders, and among what a
    pattern matches, the rule of ``photo_files`` holds.
    """
    from posture_classifier.data.left_out import LeftOut, count_left_out, describe_left_out
    from posture_classifier.data.photo_files import find_photos, match_files
    from posture_classifier.images.decode import FORMATS_IN_WORDS

    photos: dict[str, None] = {}
    left_out: dict[str, LeftOut] = {}
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found = find_photos(path)
            photos |= dict.fromkeys(str(path / photo) for photo in found.photos)
            left_out |= {str(path / each.path): each for each in found.left_out}
        elif path.exists():
            photos[str(path)] = None
        elif (found := match_files(name)).photos or found.left_out:
            photos |= dict.fromkeys(found.photos)
            left_out |= {each.path: each for each in found.left_out}
        else:
            raise UserError(f"{name} does not exist and matches no file; give photos, folders or patterns such as 'photos/*.jpg'")
    named = {str(Path(name)) for name in paths}
    counts = count_left_out(each for path, each in left_out.items() if path not in named)
    if not photos:
        why = f" (left out: {describe_left_out(counts)})" if counts else ""
        raise UserError(f"no photos in {', '.join(paths)}{why}; photos are {FORMATS_IN_WORDS} files")
    return list(photos), counts


def _row(prediction: dict[str, Any], class_names: list[str]) -> dict[str, Any]:
    """Flatten a prediction into a row; cells are empty where the photo could not be read."""
    probabilities = prediction.pop("probabilities") or dict.fromkeys(class_names)
    return {name: prediction[name] for name in ("path", "label", "probability")} | probabilities | {"error": prediction["error"]}


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("path", "label", "probability", caption=plural(len(rows), "photo"))
    for row in rows[:MAX_TABLE_ROWS]:
        if row["error"]:
            table.add_row(Text(printable(row["path"])), Text(row["error"], style="red"), "")
        else:
            table.add_row(Text(printable(row["path"])), Text(row["label"]), f"{row['probability']:.3f}")
    if len(rows) > MAX_TABLE_ROWS:
        table.add_row(f"and {len(rows) - MAX_TABLE_ROWS} more", "", "")
    return table
