"""What is in a folder: photos of each class and group, and some of them to look at."""

import numpy as np
import numpy.typing as npt

from posture_classifier.check.page_photos import PagePhotos
from posture_classifier.data.folder import Photos
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.page import Section
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Ints

MOST_CLASSES = 12
"""Classes of which photos are shown."""
MOST_COLUMNS = 6
"""Classes up to which a table has a row for each group and a column for each class."""
PER_CLASS = 8
"""Photos shown of each class, of as many groups as there are."""
SHOWN_GROUPS, MOST_GROUPS = 8, 200
"""Groups in the table, the largest first, and in what is folded below it."""


def overview_section(photos: Photos, page_photos: PagePhotos) -> Section:
    """Count the readable photos of each class and group, and show some of them."""
    sheets = [
        (photos.classes[label], [page_photos.figure(str(photos.paths[row]), "") for row in rows])
        for label, rows in contact_sheet(photos).items()
    ]
    groups, folded_groups, alone = _group_rows(photos)
    body = render(
        "check.html",
        "overview",
        classes=_class_rows(photos),
        head=["group", *photos.classes, "photos"],
        groups=groups,
        folded_groups=folded_groups,
        folded_title=plural(len(folded_groups), "more group"),
        alone=alone,
        sheets=sheets,
        hidden_classes=max(0, len(np.unique(photos.labels)) - MOST_CLASSES),
    )
    return Section("What is in the folder", body, anchor="overview")


def contact_sheet(photos: Photos) -> dict[int, Ints]:
    """Choose photos of each class, by label: of every group one, then of every group another.

    Where there are no groups they are spread over all names, since those next to each other may be
    of one recording.
    """
    sheets = {}
    for label in np.unique(photos.labels)[:MOST_CLASSES].tolist():
        rows = np.flatnonzero(photos.labels == label)
        if not photos.grouped:
            sheets[label] = rows[np.unique(np.linspace(0, len(rows) - 1, PER_CLASS).round().astype(int))]
            continue
        groups = np.asarray(photos.groups)[rows]
        order = np.argsort(groups, kind="stable")
        first = np.searchsorted(groups[order], groups[order])
        turn = np.arange(len(rows)) - first  # the how-many-eth of its group each photo is
        sheets[label] = rows[order[np.argsort(turn, kind="stable")]][:PER_CLASS]
    return sheets


def _class_rows(photos: Photos) -> list[list[str]]:
    rows = []
    for label, name in enumerate(photos.classes):
        of_class = photos.labels == label
        n_groups = len(np.unique(np.asarray(photos.groups)[of_class]))
        share = f"{of_class.mean():.0%}"
        rows.append([name, str(of_class.sum()), share, str(n_groups) if photos.grouped else ""])
    return rows


def _group_rows(photos: Photos) -> tuple[list[list[str]], list[list[str]], str]:
    """Rows of the largest groups and of others, and a sentence on groups of one class."""
    if not photos.grouped or len(photos.classes) > MOST_COLUMNS:
        return [], [], ""
    names, codes = np.unique(photos.groups, return_inverse=True)
    counts = np.zeros((len(names), len(photos.classes)), dtype=np.int64)
    np.add.at(counts, (codes, photos.labels), 1)
    largest = np.argsort(-counts.sum(1), kind="stable")[:MOST_GROUPS]
    rows = [[str(names[group]), *map(str, counts[group].tolist()), str(counts[group].sum())] for group in largest]
    return rows[:SHOWN_GROUPS], rows[SHOWN_GROUPS:], _alone(counts)


def _alone(counts: npt.NDArray[np.int64]) -> str:
    n_alone = int(((counts > 0).sum(1) == 1).sum())
    if not n_alone or counts.shape[1] < 2:
        return ""
    return (
        f"{n_alone} of {plural(len(counts), 'group')} {'has' if n_alone == 1 else 'have'} photos of one class only: there a "
        "network can learn the group in place of the class."
    )


def count_sheet(photos: Photos) -> int:
    """How many photos the overview shows."""
    return sum(map(len, contact_sheet(photos).values()))
