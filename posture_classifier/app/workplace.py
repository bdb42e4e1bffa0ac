"""What the pages work on: a folder of photos, and what was trained or tested with it."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from posture_classifier.runs.checkpoints import find_checkpoint
from posture_classifier.runs.folder import run_of
from posture_classifier.runs.names import CONFIG_YAML, SETTINGS_YAML
from posture_classifier.runs.reading import read_settings
from posture_classifier.utils.errors import UserError


@dataclass(frozen=True)
class Workplace:
    """What the pages work on; each page says what it lacks.

    Attributes:
        folder: The data folder, below which photos are collected; None where only a network is
            given whose photos are not where they were.
        run: The folder of a run or of a cross-validation; None where none is given.
        checkpoint: The checkpoint of the network to try; None where there is none.
        fixes: The file that decisions about photos go to; None is ``fixes.csv`` beside the photos.
    """

    folder: Path | None = None
    run: Path | None = None
    checkpoint: Path | None = None
    fixes: Path | None = None


def find_workplace(place: Path, checkpoint: Path | None = None, fixes: Path | None = None) -> Workplace:
    """Find out what a path is: a data folder, a checkpoint, or the folder of a run.

    Raises:
        UserError: There is nothing of that name, or it holds no checkpoint.
    """
    if not place.exists():
        raise UserError(f"{place} does not exist; give a folder of photos (an empty one will do), a checkpoint or a run's folder")
    if place.is_file():
        return Workplace(folder=_photos_of(run_of(place)), checkpoint=_network(place), fixes=fixes)
    if _is_run(place):
        return Workplace(folder=_photos_of(place), run=place, checkpoint=_own_network(place), fixes=fixes)
    if checkpoint is not None:
        return Workplace(
            folder=place, run=checkpoint if checkpoint.is_dir() else None, checkpoint=_network(checkpoint), fixes=fixes
        )
    return Workplace(folder=place, fixes=fixes)


def _is_run(folder: Path) -> bool:
    return (folder / SETTINGS_YAML).is_file() or (folder / "checkpoints").is_dir()


def _photos_of(run: Path | None) -> Path | None:
    """The folder of the photos that a run was trained on, if it is still there.

    None also where a table lists them, which photos that are collected would not be in.
    """
    for file in (run / name for name in (SETTINGS_YAML, CONFIG_YAML) if run):
        with suppress(UserError):  # the network can be tried in any case
            data = read_settings(file)["data"]
            root = Path(data["root"])
            return root if root.is_dir() and not data.get("table") else None
    return None


def _own_network(run: Path) -> Path | None:
    """The network of a run; that of a cross-validation may have none of its own."""
    try:
        return find_checkpoint(run)
    except UserError:
        return None


def _network(path: Path) -> Path:
    found = find_checkpoint(path)
    if not found.is_file():
        raise UserError(f"{path} does not exist; give a checkpoint or the folder of a run")
    return found
