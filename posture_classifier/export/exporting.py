"""Exports a checkpoint: the artifact, its proof, its model card and a script that needs no more."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from posture_classifier.export import scripts
from posture_classifier.export.agreement import Agreement, why_int8_refused, why_refused
from posture_classifier.export.artifact import AGREEMENT_JSON, REFUSED, ExportedClassifier
from posture_classifier.export.formats import NAME, CannotRunHereError, FormatModule, int8_of, load_format
from posture_classifier.export.metadata import Metadata, build_metadata
from posture_classifier.export.model_card import model_card
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.export.proof import prove
from posture_classifier.export.proof_photos import RunPhotos, find_run_photos
from posture_classifier.inference import Classifier
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.folder import run_of
from posture_classifier.utils.console import busy
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_folder

FOLDER = "export"
"""Folder of a run that its exports lie in."""
CARD, PREDICT = "MODEL_CARD.md", "predict.py"
REFUSED_FOLDER = "refused"
"""Folder within that of an export for what failed its proof."""


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        artifact: The file, also where it is refused.
        size: Bytes of the artifact with all its files.
        seconds: Time that writing it took, without the proof.
        agreement: Its proof; None where it was not proven.
        unproven: The reason why it was not; None where it was.
        refused: The reason why it does not pass; None where it does, or was not proven.
    """

    artifact: Path
    size: int
    seconds: float
    agreement: Agreement | None
    unproven: str | None
    refused: str | None


def export_checkpoint(
    checkpoint: Path, name: str, int8: bool = False, output: Path | None = None, photos: Path | None = None, overwrite: bool = False
) -> Export:
    """Write a checkpoint in another format, and prove that it answers alike.

    Args:
        checkpoint: A checkpoint's file.
        name: Name of the format.
        int8: Whether weights and activations are to be 8-bit integers.
        output: Folder for the files; None is that of the format in the checkpoint's run.
        photos: Where the run's photos lie now, or others of the same classes; None is where the run
            found them.
        overwrite: Whether what is in the folder may be replaced.

    Raises:
        UserError: The checkpoint, the format, the folder or the photos are not as they should be.
    """
    module = load_format(name)
    folder = output or _default_folder(checkpoint, f"{name}_int8" if int8 else name)
    check_output_folder("--output", folder, overwrite)
    content = read_checkpoint(checkpoint)
    classifier = Classifier.from_checkpoint(checkpoint, content, device="cpu", precision="fp32")
    found = find_run_photos(checkpoint, content, photos)
    metadata = build_metadata(classifier, content)
    with _prepared(folder) as prepared:
        path = prepared / f"{NAME}{module.SUFFIX}"
        start = time.perf_counter()
        with busy(f"Exporting {metadata['backbone']} as {module.TITLE}, which may take minutes ..."):
            _write(module, name, int8, PhotoGraph(classifier), metadata, path, found)
        seconds = time.perf_counter() - start
        size = sum(file.stat().st_size for file in prepared.rglob("*") if file.is_file())
        agreement, unproven, metadata = _prove(classifier, module, path, found, metadata)
        refused = _refusal(agreement, unproven, int8)
        result = Export(folder / path.name, size, seconds, agreement, unproven, refused)
        _write_json(prepared / AGREEMENT_JSON, result, name, int8, metadata)
        if refused:
            path.rename(path.with_name(path.name + REFUSED))
            _move(prepared, folder / REFUSED_FOLDER)
            return result
        (prepared / CARD).write_text(model_card(metadata, module, int8, agreement, unproven), encoding="utf-8")
        if module.PREDICT:
            shutil.copyfile(Path(scripts.__path__[0]) / module.PREDICT, prepared / PREDICT)
        _move(prepared, folder)
        shutil.rmtree(folder / REFUSED_FOLDER, ignore_errors=True)
    return result


def _default_folder(checkpoint: Path, name: str) -> Path:
    """The folder for a format in the run of a checkpoint."""
    run = run_of(checkpoint)
    if run is None:
        raise UserError(f"{checkpoint} lies in no run folder, in which its export could lie; say where with --output DIR")
    (run / FOLDER).mkdir(exist_ok=True)
    return run / FOLDER / name


@contextmanager
def _prepared(folder: Path) -> Iterator[Path]:
    """A hidden folder beside another one, in which files are made before they are moved there."""
    prepared = folder.absolute().parent / f".{os.getpid()}.{folder.name}"
    prepared.mkdir()
    try:
        yield prepared
    finally:
        shutil.rmtree(prepared)


def _move(prepared: Path, folder: Path) -> None:
    """Move all files into a folder, where each takes the place of an earlier one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in prepared.iterdir():
        if (folder / path.name).is_dir():
            shutil.rmtree(folder / path.name)
        path.replace(folder / path.name)


def _write(
    module: FormatModule, name: str, int8: bool, graph: PhotoGraph, metadata: Metadata, path: Path, found: RunPhotos | None
) -> None:
    if not int8:
        module.write(graph, metadata, path)
        return
    write_int8 = int8_of(name, module)
    calibration = found.for_int8() if found else []
    if not calibration:
        raise UserError(
            "int8 is adjusted by validation or training photos and passes by its proof on others, but the run's photos are not "
            "where they were; give their folder with --photos"
        )
    write_int8(graph, metadata, path, calibration)


def _prove(
    classifier: Classifier, module: FormatModule, path: Path, found: RunPhotos | None, metadata: Metadata
) -> tuple[Agreement | None, str | None, Metadata]:
    """Prove an artifact; returns the proof or why there is none, and the artifact's metadata."""
    try:
        artifact = ExportedClassifier(module.open(path))
    except CannotRunHereError as error:
        return None, str(error), metadata
    if found is None:
        return None, "the photos that it was trained and tested on were not at hand", artifact.metadata
    return prove(classifier, artifact, found.for_proof()), None, artifact.metadata


def _refusal(agreement: Agreement | None, unproven: str | None, int8: bool) -> str | None:
    if agreement:
        return why_int8_refused(agreement) if int8 else why_refused(agreement)
    return f"int8 passes by its proof only, and there is none: {unproven}" if int8 else None


def _write_json(path: Path, result: Export, name: str, int8: bool, metadata: Metadata) -> None:
    content: dict[str, Any] = {
        "format": name,
        "int8": int8,
        "passed": None if result.agreement is None else result.refused is None,
        "reason": result.refused or result.unproven,
        "bytes": result.size,
        "seconds": round(result.seconds, 1),
        "agreement": asdict(result.agreement) if result.agreement else None,
        "versions": metadata["versions"],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
