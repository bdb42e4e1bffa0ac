"""Whether photos that a network is tested on are among those that it was trained on."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.audit.training_list import TrainingPhotos
from posture_classifier.data.folder import Photos, group_name
from posture_classifier.data.scan.near_duplicates import find_links
from posture_classifier.data.scan.scan import ProgressCallback, scan_photos
from posture_classifier.utils.text import normalise_name, plural, shortlist

KINDS = {
    "itself": "itself",
    "bytes": "under another name (the same bytes)",
    "copy": "re-encoded or resized",
    "mirrored": "mirrored",
    "scene": "in another photo of the same moment",
    "group": "in other photos of the group",
}
"""How a photo may have leaked, gravest first, in words."""


@dataclass(frozen=True)
class Leaks:
    """Photos that were seen in training.

    Attributes:
        training: What was trained on.
        kinds: (M,) gravest way in which each tested photo leaked; empty where none was found.
        pairs: Some tested photos, each with what it is like in training.
        groups: Groups that are on both sides.
        groups_compared: Whether groups could be compared by their names.
    """

    training: TrainingPhotos
    kinds: npt.NDArray[np.str_]
    pairs: list[tuple[str, str]]
    groups: list[str]
    groups_compared: bool

    @property
    def leaked(self) -> npt.NDArray[np.bool_]:
        """(M,) whether each tested photo leaked."""
        return np.asarray(self.kinds != "")

    @property
    def counts(self) -> dict[str, int]:
        """Number of photos by the gravest way in which they leaked."""
        return {kind: int((self.kinds == kind).sum()) for kind in KINDS}

    def sentences(self) -> list[str]:
        """Say what was found."""
        trained = plural(len(self.training.names), "training photo")
        said = []
        if n := int(self.leaked.sum()):
            ways = [f"{count} {KINDS[kind]}" for kind, count in self.counts.items() if count]
            said.append(f"Leaks: training has seen {n} of the {plural(len(self.kinds), 'tested photo')}: {', '.join(ways)}.")
            if n == len(self.kinds):
                said.append("No tested photo is new to it, so these figures say nothing about new people or sessions.")
        else:
            said.append(
                f"No leak was found to the {trained} in {self.training.source}: no photo is one of them, a copy of one, or of one "
                f"moment with one{' or of one group' if self.groups_compared else ''}."
            )
        if self.groups:
            said.append(f"{plural(len(self.groups), 'group')} on both sides: {shortlist(self.groups)}.")
        if self.training.missing:
            said.append(f"{self.training.missing} of the {trained} are not there, and could not be looked at.")
        if not self.groups_compared:
            said.append("Groups were not compared: that takes --group_pattern, which names those of both sides.")
        return said


def find_leaks(photos: Photos, training: TrainingPhotos, pattern: str | None, progress: ProgressCallback) -> Leaks:
    """Compare tested photos with those that were trained on, by place, content and group.

    A photo leaks by a link of its own to a training photo: chains from frame to frame would join a
    whole video.

    ``pattern`` is that of the groups, where they come from names.
    """
    own = [Path(photos.file(index)) for index in range(len(photos))]
    own_places = {os.path.realpath(file) for file in own}
    places = {os.path.realpath(file): file for file in training.files}
    others = [file for place, file in places.items() if place not in own_places]
    trained = np.array([True] * len(others) + [os.path.realpath(file) in places for file in own])
    shared = _shared_groups(photos, training.names, pattern)
    found = [(index, "itself", "") for index in np.flatnonzero(trained[len(others) :]).tolist()]
    found += [(index, "group", "") for index in np.flatnonzero(np.isin(np.asarray(photos.groups), shared)).tolist()]
    found += _linked(others + own, len(others), trained, progress) if trained.any() else []
    found.sort(key=lambda leak: list(KINDS).index(leak[1]))
    gravest = {index: (kind, like) for index, kind, like in reversed(found)}
    kinds = np.array([gravest[index][0] if index in gravest else "" for index in range(len(photos))], dtype=np.str_)
    pairs = [(photos.paths[index], like) for index, kind, like in found if like and gravest[index] == (kind, like)]
    return Leaks(training, kinds, pairs, shared, pattern is not None)


def _linked(
    files: list[Path], n_others: int, trained: npt.NDArray[np.bool_], progress: ProgressCallback
) -> list[tuple[int, str, str]]:
    """Tested photos that are linked to one that was trained on: index, kind, and that one."""
    found: list[tuple[int, str, str]] = []
    # Training photos come first, since equal files are linked to the first of them.
    for link in find_links(scan_photos(files, progress)):
        for one, other in ((link.first, link.second), (link.second, link.first)):
            if other >= n_others and trained[one] and not trained[other]:
                found.append((other - n_others, link.kind, str(files[one])))
    return found


def _shared_groups(photos: Photos, trained: list[str], pattern: str | None) -> list[str]:
    """Groups of tested photos that training photos belong to by their names."""
    if pattern is None:
        return []
    matches = [re.search(pattern, normalise_name(name)) for name in trained]
    return sorted({group_name(match) for match in matches if match} & set(photos.groups.tolist()))
