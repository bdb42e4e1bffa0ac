"""Photos of one session, known by the camera and the time that are noted in the file (EXIF)."""

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from posture_classifier.data.folder import Photos
from posture_classifier.images.exif import EPOCH, Shot, read_shot
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

GAP = timedelta(minutes=30)
"""Without a photo for longer than this, the next one begins another session."""


def session_groups(photos: Photos) -> npt.NDArray[np.str_]:
    """The group (N,) of each photo: camera and time of the first photo of its session.

    Raises:
        UserError: A photo holds no date.
    """
    names = session_names([_read(Path(photos.file(index))) for index in range(len(photos))])
    if missing := [str(path) for path, name in zip(photos.paths, names, strict=True) if name is None]:
        raise UserError(
            f"data.group_by exif: {len(missing)} of {len(photos)} photos below {photos.root} hold no date (EXIF DateTimeOriginal): "
            f"{shortlist(sorted(missing), 3)}; set data.group_by to cluster, or give data.group_pattern"
        )
    return np.array(names, dtype=np.str_)


def _read(path: Path) -> Shot:
    with Image.open(path) as image:
        try:
            return read_shot(image.getexif())
        # Cameras and programs write damaged EXIF in every way.
        except Exception:
            return Shot("", math.nan)


def session_names(shots: Sequence[Shot]) -> list[str | None]:
    """A name for the session of each shot: one camera, without a pause of more than ``GAP``; None for those without a date."""
    names: dict[Shot, str] = {}
    camera, last, name = None, -math.inf, ""
    for dated in sorted({dated for dated in shots if not math.isnan(dated.taken)}):
        if dated.camera != camera or dated.taken - last > GAP.total_seconds():
            name = f"{dated.camera or 'unknown camera'} {(EPOCH + timedelta(seconds=dated.taken)).isoformat(sep=' ')}"
        names[dated] = name
        camera, last = dated.camera, dated.taken
    return [names.get(dated) for dated in shots]
