"""Photos that cannot be decoded: finding, refusing and skipping them."""

from collections.abc import Callable

import numpy as np
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from rich.progress import track

from posture_classifier.data.folder import Photos
from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.utils.console import terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist
from posture_classifier.utils.threads import map_in_threads


def find_unreadable(photos: Photos, read: Callable[[int], object] | None = None) -> dict[str, str]:
    """Read every photo once and return the reason for each path that cannot be read.

    ``read`` reads a photo by its index; by default it is decoded at its smallest scale.
    """

    def reason(index: int) -> str | None:
        try:
            read(index) if read else decode(photos.file(index), at_least=1)
        except DecodeError as error:
            return str(error)
        return None

    reasons = track(map_in_threads(reason, range(len(photos))), "Reading photos", len(photos), console=terminal(), transient=True)
    return {path: why for path, why in zip(photos.paths, reasons, strict=True) if why}


@rank_zero_only
def refuse_unreadable(photos: Photos, read: Callable[[int], object] | None = None) -> None:
    """Read every photo once, as ``find_unreadable`` does; the first rank does so for all.

    Raises:
        UserError: Some photos cannot be read; the message lists them all.
    """
    if reasons := find_unreadable(photos, read):
        listing = "\n".join(f"  {path}: {why}" for path, why in reasons.items())
        raise UserError(
            f"{len(reasons)} of {len(photos)} files {photos.place} cannot be read; mend or remove them, or set data.on_error "
            f"to skip:\n{listing}"
        )


def skip_unreadable(photos: Photos) -> Photos:
    """Leave out the photos that cannot be read, with a warning.

    Raises:
        UserError: No photo of some class can be read.
    """
    reasons = find_unreadable(photos)
    if not reasons:
        return photos
    rank_zero_warn(f"skipping {plural(len(reasons), 'unreadable file')} of {len(photos)}: {shortlist(list(reasons), 3)}")
    readable = photos.select(~np.isin(photos.paths, list(reasons)))
    if empty := readable.empty_classes:
        raise UserError(f"{photos.source}: no photo of class {empty[0]} can be read")
    return readable
