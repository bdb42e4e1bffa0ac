"""Size, time, agreement and speed of every format that is installed here, on real runs.

python benchmarks/exports.py lightning_logs/demo/version_0 [RUN ...] [--formats onnx ...]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier import Classifier, UserError
from posture_classifier.export.agreement import describe_change
from posture_classifier.export.artifact import ExportedClassifier
from posture_classifier.export.exporting import Export, export_checkpoint
from posture_classifier.export.formats import format_names
from posture_classifier.export.proof_photos import find_run_photos
from posture_classifier.images.decode import decode
from posture_classifier.inference import PhotoClassifier
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.checkpoints import find_checkpoint

MOST_PHOTOS = 100
HEAD = (
    "| network | format | MB | export s | other labels | largest difference | accuracy, paired | ms, alone | in a row |"
    "\n|---|---|---:|---:|---:|---:|---:|---:|---:|"
)


def median_ms(classify: Callable[[Any], object], photos: list[Any]) -> float:
    """Median time of a photo by itself, after a few that warm up."""
    for photo in photos[:3]:
        classify(photo)
    times = []
    for photo in photos:
        start = time.perf_counter()
        classify(photo)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def ms_in_a_row(classifier: PhotoClassifier, files: list[str]) -> float:
    """Time of a photo among many, from file to label, on all cores."""
    list(classifier.stream(files[:8]))
    start = time.perf_counter()
    list(classifier.stream(files))
    return 1000 * (time.perf_counter() - start) / len(files)


def rows(run: Path, formats: list[str]) -> Iterator[str]:
    """A line of the table for the checkpoint, and for each format with and without int8."""
    checkpoint = find_checkpoint(run)
    content = read_checkpoint(checkpoint)
    found = find_run_photos(checkpoint, content, None)
    assert found, "the run's photos have to be where they were"
    files = found.for_proof().files[:MOST_PHOTOS]
    classifier = Classifier.load(checkpoint, "cpu", "fp32")
    white, size = classifier.model.preprocessing.white, classifier.model.preprocessing.image_size
    photos = [np.asarray(decode(file, size, white)) for file in files]
    name = content["hyper_parameters"]["backbone"]
    speed = f"{median_ms(classifier, photos):.1f} | {ms_in_a_row(classifier, files):.1f}"
    yield f"| {name} | checkpoint, fp32 | {checkpoint.stat().st_size / 1e6:.1f} | | | | | {speed} |"
    for format_, int8 in [(each, int8) for each in formats for int8 in (False, True)]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                result = export_checkpoint(checkpoint, format_, int8, Path(folder) / "out")
            except UserError as error:
                print(f"{format_}{' int8' if int8 else ''}: {error}")
                continue
            yield f"| {name} | {format_}{' int8' if int8 else ''} | {measured(result, photos, files)} |"


def measured(result: Export, photos: list[Any], files: list[str]) -> str:
    """The cells about one artifact."""
    agreement = result.agreement
    cells = [f"{result.size / 1e6:.1f}", f"{result.seconds:.0f}"]
    if agreement is None:
        return " | ".join([*cells, f"not proven: {result.unproven}", *[""] * 4])
    change = describe_change(agreement.accuracy.difference) if agreement.accuracy else ""
    cells += [f"{agreement.other_labels} of {agreement.images}", f"{agreement.largest_difference:.2g}", change]
    if result.refused:
        return " | ".join([*cells, "refused", ""])
    artifact = ExportedClassifier.load(result.artifact)
    return " | ".join([*cells, f"{median_ms(artifact, photos):.1f}", f"{ms_in_a_row(artifact, files):.1f}"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--formats", nargs="+", default=format_names())
    arguments = parser.parse_args()
    print(HEAD)
    for run in arguments.runs:
        for row in rows(run, arguments.formats):
            print(row, flush=True)


if __name__ == "__main__":
    main()
