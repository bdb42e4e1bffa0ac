"""Camera and time of a photo, from its EXIF."""

import math
import re
from datetime import datetime
from typing import NamedTuple

from PIL import Image
from PIL.ExifTags import IFD, Base

UNIX_EPOCH = datetime(1970, 1, 1)


class Shot(NamedTuple):
    """Camera and time of a photo.

    Attributes:
        camera: Maker and model of the camera; empty where unknown.
        taken: Time in seconds of the camera's clock since 1970; NaN where unknown.
    """

    camera: str
    taken: float


def read_shot(exif: Image.Exif) -> Shot:
    """Read camera and time from EXIF.

    The time is DateTimeOriginal, or else DateTime, which programs that copy photos often leave
    alone.
    """
    camera = " ".join(str(exif.get(tag, "")).strip("\0 ") for tag in (Base.Make, Base.Model)).strip()
    taken = exif.get_ifd(IFD.Exif).get(Base.DateTimeOriginal) or exif.get(Base.DateTime)
    return Shot(camera, _seconds(str(taken)))


def _seconds(taken: str) -> float:
    if not (match := re.match(r"\s*(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)", taken)):
        return math.nan
    try:
        return (datetime(*map(int, match.groups())) - UNIX_EPOCH).total_seconds()  # type: ignore[arg-type]
    except ValueError:  # the zeros of a camera whose clock was never set
        return math.nan
