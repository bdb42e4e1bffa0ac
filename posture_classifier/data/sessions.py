"""Groups of photos of one session, by the camera and the time in their EXIF."""

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.images.decode import fetched, open_photo
from posture_classifier.images.exif import UNIX_EPOCH, Shot, read_shot
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

GAP = timedelta(minutes=30)
"""Longest pause between two photos of one session."""


def session_groups(photos: Photos) -> npt.NDArray[np.str_]:
    """Name the group (N,) of each photo by camera and time of the first photo of its session.

    Raises:
        UserError: A photo has no date.
    """
    names = session_names([_read_shot(photos.file(index)) for index in range(len(photos))])
    if missing := [str(path) for path, name in zip(photos.paths, names, strict=True) if name is None]:
        raise UserError(
            f"data.group_by exif: {len(missing)} of {len(photos)} photos {photos.place} have no date (EXIF DateTimeOriginal): "
            f"{shortlist(sorted(missing), 3)}; set data.group_by to cluster, or give data.group_pattern"
        )
    return np.array(names, dtype=np.str_)


def _read_shot(path: str) -> Shot:
    with open_photo(fetched(path)) as image:
        try:
            return read_shot(image.getexif())
        # Damaged EXIF raises any kind of exception.
        except Exception:
            return Shot("", math.nan)


def session_names(shots: Sequence[Shot]) -> list[str | None]:
    """Name the session of each shot; None for shots without a date.

    A session is photos of one camera without a pause longer than ``GAP``.
    """
    names: dict[Shot, str] = {}
    camera, last, name = None, -math.inf, ""
    for shot in sorted({shot for shot in shots if not math.isnan(shot.taken)}):
        if shot.camera != camera or shot.taken - last > GAP.total_seconds():
            name = f"{shot.camera or 'unknown camera'} {(UNIX_EPOCH + timedelta(seconds=shot.taken)).isoformat(sep=' ')}"
        names[shot] = name
        camera, last = shot.camera, shot.taken
    return [names.get(shot) for shot in shots]
