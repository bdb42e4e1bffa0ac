"""Photos of one session, known by the camera and the time that are noted in the file (EXIF)."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from posture_classifier.data.folder import Photos
from posture_classifier.errors import UserError, sample

GAP = timedelta(minutes=30)
"""Without a photo for longer than this, the next one begins another session."""


def sessions(photos: Photos) -> npt.NDArray[np.str_]:
    """The group (N,) of each photo: camera model and time of the first photo of its session.

    Raises:
        UserError: A photo holds no date.
    """
    taken = [_taken(photos.file(index)) for index in range(len(photos))]
    if missing := [str(path) for path, found in zip(photos.paths, taken, strict=True) if found is None]:
        raise UserError(
            f"data.group_by exif: {len(missing)} of {len(photos)} photos below {photos.root} hold no date (EXIF DateTimeOriginal): "
            f"{sample(sorted(missing), 3)}; set data.group_by to cluster, or give data.group_pattern"
        )
    names: dict[tuple[str, datetime], str] = {}
    camera, last = "", datetime.min
    for model, time in sorted({found for found in taken if found}):
        if model != camera or time - last > GAP:
            name = f"{model or 'unknown camera'} {time.isoformat(sep=' ')}"
        names[model, time] = name
        camera, last = model, time
    return np.array([names[found] for found in taken if found], dtype=np.str_)


def _taken(path: Path) -> tuple[str, datetime] | None:
    """Camera model, and local time to the second."""
    with Image.open(path) as image:
        exif = image.getexif()
    date = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    try:
        time = datetime.strptime(str(date).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except ValueError:  # none, or the zeros of a camera whose clock was never set
        return None
    return str(exif.get(ExifTags.Base.Model, "")).strip("\0 "), time
