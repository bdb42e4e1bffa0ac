"""``export``: a finished model for other programs, with proof that it answers alike."""

from pathlib import Path
from typing import TYPE_CHECKING

from posture_classifier.utils.console import say, say_command

if TYPE_CHECKING:
    from posture_classifier.export.exporting import Export


def export(
    checkpoint: Path,
    format: str = "onnx",
    int8: bool = False,
    output: Path | None = None,
    photos: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Write a trained model as one artifact that takes a photo, and prove that it answers alike.

    Args:
        checkpoint: A .ckpt file of a run, or the run's folder, whose best is taken.
        format: onnx, or another one of docs/export.md.
        int8: Weights and activations as 8-bit integers: smaller and faster. It passes only where
            the test photos show that accuracy and calibration are kept.
        output: A new folder for the artifact, its proof, its model card and a script; by default
            export/<format> in the run's folder.
        photos: The folder that the run's photos lie in now, or other photos in folders of the same
            classes; by default where fit found them.
        overwrite: Replace what is in the output folder.

    Returns:
        Exit code: 1 if the artifact does not answer as its checkpoint does, else 0.
    """
    # Imported late: --help should not cost the seconds that torch takes.
    from posture_classifier.export.exporting import export_checkpoint
    from posture_classifier.runs.checkpoints import find_checkpoint

    result = export_checkpoint(find_checkpoint(checkpoint), format, int8, output, photos, overwrite)
    return _tell(result)


def _tell(result: "Export") -> int:
    """Say what was exported and how well it agrees; returns the exit code."""
    from posture_classifier.export.exporting import PREDICT, REFUSED_FOLDER
    from posture_classifier.export.proof import agreement_table

    if result.agreement:
        say(agreement_table(result.agreement))
    if result.refused:
        say(f"refused: {result.refused}", f"what was refused: {result.artifact.parent / REFUSED_FOLDER}", style="red")
        return 1
    if result.unproven:
        say(f"not proven: {result.unproven}", style="yellow")
    say(f"{result.artifact}: {result.size / 1e6:.1f} MB, written in {result.seconds:.0f} s")
    script = result.artifact.with_name(PREDICT)
    if script.exists():
        say_command("photos are classified without this program by", f"python {script} PHOTO")
    return 0
