"""The photos that an artifact is proven on: those of the run, known by their digests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import detect_layout, read_folder
from posture_classifier.images.digest import digest_or_zero
from posture_classifier.images.photo_source import may_exist, photo_file
from posture_classifier.models.checkpoint import SEEN
from posture_classifier.runs.folder import run_of
from posture_classifier.runs.names import CONFIG_YAML, SPLIT_CSV
from posture_classifier.runs.reading import read_settings
from posture_classifier.runs.tables import read_split_rows
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist
from posture_classifier.utils.threads import map_in_threads
from posture_classifier.utils.types import Ints

LEARNT = ("val", "train", "earlier_val", "earlier_train")
"""Keys of the digests of photos that a network has learnt from, or its epoch was chosen by."""
MOST_LEARNT = 500
"""Photos that are taken of those that were learnt from, evenly: they only show agreement."""


@dataclass(frozen=True)
class RunPhotos:
    """Photos of a run, or of a folder that was given, which the checkpoint tells apart.

    Attributes:
        files: (N,) paths.
        labels: (N,) true classes.
        groups: (N,) names of groups.
        splits: (N,) ``train``, ``val`` or ``test``.
        grouped: Whether the groups are known; if not, every photo is its own.
    """

    files: list[str]
    labels: Ints
    groups: npt.NDArray[np.str_]
    splits: npt.NDArray[np.str_]
    grouped: bool

    def __len__(self) -> int:
        return len(self.files)

    def select(self, chosen: npt.NDArray[np.bool_] | Ints) -> "RunPhotos":
        """Some of the photos, by a mask or by their indices."""
        files = np.array(self.files, dtype=object)[chosen].tolist()
        return RunPhotos(files, self.labels[chosen], self.groups[chosen], self.splits[chosen], self.grouped)

    @property
    def unseen(self) -> bool:
        """Whether there are photos that the network has not learnt from."""
        return bool((self.splits == "test").any())

    def for_proof(self) -> "RunPhotos":
        """The test photos; where there are none, some of those that were learnt from."""
        if self.unseen:
            return self.select(self.splits == "test")
        return self.select(np.unique(np.linspace(0, len(self) - 1, MOST_LEARNT).round().astype(np.int64)))

    def for_int8(self) -> list[str]:
        """Photos by which int8 is adjusted: those of validation or else of training."""
        for split in ("val", "train"):
            if (chosen := self.splits == split).any():
                return self.select(chosen).files
        return []


def find_run_photos(checkpoint: Path, content: dict[str, Any], folder: Path | None) -> RunPhotos | None:
    """Find the photos that a checkpoint was trained and tested on; None where they are not here.

    Args:
        checkpoint: Its file; the ``split.csv`` of its run names the photos.
        content: What ``read_checkpoint`` returned.
        folder: Where they lie now, or other photos in folders of the same classes; None is the
            folder that the run was trained on.

    Raises:
        UserError: The folder has no photos of the classes.
    """
    classes = list(content["hyper_parameters"]["class_names"])
    run = run_of(checkpoint)
    rows = read_split_rows(run / SPLIT_CSV) if run else []
    root = folder or (Path(read_settings(run / CONFIG_YAML)["data"]["root"]) if run and (run / CONFIG_YAML).is_file() else None)
    found = _of_rows(rows, root, classes) if rows and root is not None else None
    if found is None and folder is not None:
        found = _of_folder(folder, classes)
    known = _known_by_digest(found, content) if found is not None else None
    return known if known is not None and len(known) else None


def _of_rows(rows: list[dict[str, str]], root: Path, classes: list[str]) -> RunPhotos | None:
    """The photos of ``split.csv`` that are there; None if none is."""
    here = [row for row in rows if row["label"] in classes and may_exist(photo_file(root, row["path"]))]
    if not here:
        return None
    groups = np.array([row["group"] for row in here])
    return RunPhotos(
        [photo_file(root, row["path"]) for row in here],
        np.array([classes.index(row["label"]) for row in here], dtype=np.int64),
        groups,
        np.array([row["split"] for row in here]),
        grouped=len(np.unique(groups)) < len(groups),
    )


def _of_folder(folder: Path, classes: list[str]) -> RunPhotos:
    if not folder.is_dir():
        raise UserError(f"--photos {folder} is not a folder; give one with a folder for each class")
    photos = read_folder(folder, layout=detect_layout(folder, ask=False))
    if strangers := sorted(set(photos.classes) - set(classes)):
        raise UserError(f"--photos {folder} has the class {shortlist(strangers)}, but the network knows {shortlist(classes)}")
    labels = np.array([classes.index(name) for name in photos.classes], dtype=np.int64)[photos.labels]
    files = [photos.file(index) for index in range(len(photos))]
    return RunPhotos(files, labels, np.array([*photos.groups]), np.full(len(files), "test"), photos.grouped)


def _known_by_digest(photos: RunPhotos, content: dict[str, Any]) -> RunPhotos:
    """The photos with the split that the checkpoint knows them by; a copy counts as learnt from.

    What was changed since the training is left out of validation and training.
    """
    seen = {name: digests.numpy() for name, digests in content.get(SEEN, {}).items()}
    if not seen:
        return photos
    digests = np.fromiter(map_in_threads(digest_or_zero, photos.files), dtype=np.int64, count=len(photos))
    splits = photos.splits.copy()
    for name in LEARNT:
        splits[np.isin(digests, seen.get(name, ()))] = name.removeprefix("earlier_")
    learnt = np.isin(digests, np.concatenate([seen.get(name, np.zeros(0, np.int64)) for name in LEARNT]))
    return RunPhotos(photos.files, photos.labels, photos.groups, splits, photos.grouped).select((splits == "test") | learnt)
