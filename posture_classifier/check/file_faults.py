"""Files that training would stumble over, or that are not what they are called."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.facts import Facts
from posture_classifier.utils.text import plural

FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "TIFF": (".tif", ".tiff"),
    "HEIF": (".heic", ".heif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
}
SMALL = 32
"""Pixels of the shorter side: less than any network here looks at."""
LONG = 3.0
"""Ratio of the sides from which the square that a network is shown is less than a third of the photo."""
ODD_SIZE = 4.0
"""Times that a photo's shorter side is larger or smaller than the folder's usual one."""
RARE = 0.05
"""Share of the photos up to which something is unusual rather than a part of the folder."""
ORDINARY_PROFILES = ("srgb", "display p3", "gray", "grey", "dot gain")


class Kind(NamedTuple):
    """A kind of fault that each file has or has not; ``says`` is what to write next to the file, or nothing."""

    name: str
    severity: Severity
    text: str
    says: Callable[[str, Facts], str]


def _short(fact: Facts) -> int:
    return min(fact.width, fact.height)


def _size(fact: Facts) -> str:
    return f"{fact.width} x {fact.height}"


def _true_format(path: str, fact: Facts) -> str:
    suffixes = FORMATS.get(fact.format)
    return "" if suffixes is None or Path(path).suffix.lower() in suffixes else f"is {fact.format}"


def _profile(fact: Facts) -> str:
    return "" if any(name in fact.profile.lower() for name in ORDINARY_PROFILES) else fact.profile


KINDS = (
    Kind("unreadable", "error", "unreadable; mend or remove them, since fit would stop", lambda _, fact: fact.error or ""),
    Kind("wrong_suffix", "warning", "with the suffix of another format; rename them", _true_format),
    Kind(
        "animated",
        "warning",
        "with several pictures, of which only the first is used",
        lambda _, f: f"{f.frames} pictures" * (f.frames > 1),
    ),
    Kind("too_small", "warning", f"less than {SMALL} pixels a side", lambda _, fact: _size(fact) * (_short(fact) < SMALL)),
    Kind(
        "extreme_aspect",
        "warning",
        f"at least {LONG:g} times as long as wide, so that a square shows little; crop them",
        lambda _, fact: _size(fact) * (max(fact.width, fact.height) >= LONG * max(1, _short(fact))),
    ),
    Kind(
        "exif_rotated",
        "note",
        "turned by an EXIF flag, which this program follows and others may not",
        lambda _, fact: f"orientation {fact.orientation}" * (fact.orientation != 1),
    ),
    Kind("gps", "warning", "with a GPS position; remove it before you give photos away", lambda _, f: "GPS" * f.gps),
    Kind("unusual_mode", "note", "stored as neither RGB nor grey", lambda _, f: f.mode * (f.mode not in ("RGB", "L"))),
    Kind("unusual_profile", "note", "with an unusual colour profile, which is not applied", lambda _, fact: _profile(fact)),
)


def file_findings(photos: Photos, scan: Scan) -> list[Finding]:
    """One finding for each kind of fault that a file has."""
    findings = []
    for kind in KINDS:
        applies = [fact.error is None or kind.name == "unreadable" for fact in scan.facts]
        pairs = zip(photos.paths.tolist(), scan.facts, applies, strict=True)
        said = {path: why for path, fact, yes in pairs if yes and (why := kind.says(path, fact))}
        if said:
            exclude = {path: f"cannot be read: {why}" for path, why in said.items()} if kind.name == "unreadable" else {}
            text = f"{plural(len(said), 'file')} of {len(photos)}: {kind.text}."
            findings.append(
                Finding(kind.name, kind.severity, text, [[path] for path in said], list(said.values()), exclude=exclude)
            )
    return findings + _odd_sizes(photos, scan)


def _odd_sizes(photos: Photos, scan: Scan) -> list[Finding]:
    readable = np.flatnonzero(scan.readable)
    if len(readable) == 0:
        return []
    shorter = np.array([_short(scan.facts[index]) for index in readable])
    usual = float(np.median(shorter))
    odd = readable[(shorter >= ODD_SIZE * usual) | (shorter <= usual / ODD_SIZE)].tolist()
    if not odd or len(odd) > RARE * len(readable):
        return []
    sizes = Counter(_size(scan.facts[index]) for index in readable)
    text = (
        f"{plural(len(odd), 'photo')} of another size than the rest (most often {sizes.most_common(1)[0][0]}); "
        "were they prepared like the others?"
    )
    captions = [_size(scan.facts[index]) for index in odd]
    return [Finding("odd_size", "warning", text, [[str(photos.paths[index])] for index in odd], captions)]
