"""Photos of one session, known by the camera and the time that are noted in the file (EXIF)."""

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import IFD, Base

from posture_classifier.data.folder import Photos
from posture_classifier.errors import UserError, sample

GAP = timedelta(minutes=30)
"""Without a photo for longer than this, the next one begins another session."""
EPOCH = datetime(1970, 1, 1)


class Shot(NamedTuple):
    """How a photo was taken: maker and model of the camera, or nothing; seconds of its clock since 1970, NaN where unknown."""

    camera: str
    taken: float


def shot(exif: Image.Exif) -> Shot:
    """Read it from EXIF; the time is DateTimeOriginal, or else DateTime, which programs that copy photos often leave alone."""
    camera = " ".join(str(exif.get(tag, "")).strip("\0 ") for tag in (Base.Make, Base.Model)).strip()
    return Shot(camera, _seconds(str(exif.get_ifd(IFD.Exif).get(Base.DateTimeOriginal) or exif.get(Base.DateTime))))


def _seconds(taken: str) -> float:
    if not (match := re.match(r"\s*(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)", taken)):
        return math.nan
    try:
        return (datetime(*map(int, match.groups())) - EPOCH).total_seconds()  # type: ignore[arg-type]
    except ValueError:  # the zeros of a camera whose clock was never set
        return math.nan


def sessions(photos: Photos) -> npt.NDArray[np.str_]:
    """The group (N,) of each photo: camera and time of the first photo of its session.

    Raises:
        UserError: A photo holds no date.
    """
    names = session_names([_read(Path(photos.file(index))) for index in range(len(photos))])
    if missing := [str(path) for path, name in zip(photos.paths, names, strict=True) if name is None]:
        raise UserError(
            f"data.group_by exif: {len(missing)} of {len(photos)} photos below {photos.root} hold no date (EXIF DateTimeOriginal): "
            f"{sample(sorted(missing), 3)}; set data.group_by to cluster, or give data.group_pattern"
        )
    return np.array(names, dtype=np.str_)


def _read(path: Path) -> Shot:
    with Image.open(path) as image:
        try:
            return shot(image.getexif())
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
