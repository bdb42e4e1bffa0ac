"""Several trainings in one folder, which one process at a time works in, and where a later one goes on if it was stopped."""

from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from posture_classifier.runs.folder import numbered, versions
from posture_classifier.runs.names import SUMMARY_JSON
from posture_classifier.utils.tables import read_rows

LOCK = ".lock"


def find_stopped(experiment: Path, prefix: str, given: str, text: str) -> tuple[Path, BaseFileLock] | None:
    """The newest folder that no process is at work in, if just this was stopped there; now locked.

    Args:
        experiment: Holds the folders.
        prefix: Of their names, as in ``crossval_0``.
        given: Name of the file in them that says what is trained.
        text: What it would say.
    """
    for folder in reversed(numbered(experiment, prefix)):
        if not _has_more_to_do(folder, given, text):
            return None
        lock = FileLock(folder / LOCK, blocking=False)
        with suppress(Timeout):
            lock.acquire()
            if _has_more_to_do(folder, given, text):  # the other process may have come to its end meanwhile
                return folder, lock
            lock.release()
    return None


def _has_more_to_do(folder: Path, given: str, text: str) -> bool:
    settings = folder / given
    return not (folder / SUMMARY_JSON).exists() and settings.is_file() and settings.read_text(encoding="utf-8") == text


def lock_folder(folder: Path) -> BaseFileLock:
    """The lock of a new folder, held until it is released or the process ends, in whatever way."""
    lock = FileLock(folder / LOCK)
    lock.acquire()
    return lock


def is_finished(run: Path) -> bool:
    """Whether a run has predicted all photos that it was to test; a killed one may have written half of them."""
    tested = {row["path"] for row in read_rows(run / "split.csv") if row["split"] == "test"}
    predicted = {row["path"] for row in read_rows(run / "test" / "predictions.csv") if None not in row.values()}
    return bool(tested) and tested == predicted


def resume_options(runs: Path) -> list[str]:
    """What tells ``fit`` to go on where the newest run of a folder was stopped, if it came as far as a checkpoint."""
    stopped = [run for run in versions(runs) if (run / "checkpoints" / "last.ckpt").is_file()]
    return ["--ckpt_path", "last"] if stopped else []
