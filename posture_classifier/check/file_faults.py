"""Files that training would stumble over, or that are not what they are called."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.decode import SUFFIX_FORMATS
from posture_classifier.images.facts import Facts
from posture_classifier.utils.text import plural

SAME_FORMAT = {"MPO": "JPEG", "DIB": "BMP"}
"""Formats by the name of the one that ``Facts`` calls them by."""
SMALL = 32
"""Pixels of the shorter side: less than any network here looks at."""
LONG = 3.0
"""Ratio of the sides from which the square that a network is shown is less than a third of the
photo."""
ODD_SIZE = 4.0
"""How many times a photo's shorter side must be larger or smaller than the folder's usual one to be
odd."""
RARE = 0.05
"""Share of the photos up to which a size is odd rather than a part of the folder."""
ORDINARY_PROFILES = ("srgb", "display p3", "gray", "grey", "dot gain")


FAULTS: dict[str, tuple[Severity, str]] = {
    "unreadable": ("error", "unreadable; mend or remove them, since fit would stop"),
    "wrong_suffix": ("note", "with the suffix of another format; rename them"),
    "animated": ("note", "with several pictures, of which only the first is used"),
    "too_small": ("warning", f"less than {SMALL} pixels a side"),
    "extreme_aspect": ("warning", f"at least {LONG:g} times as long as wide, so that a square shows little; crop them"),
    "exif_rotated": ("note", "turned by an EXIF flag, which this program follows and others may not"),
    "gps_position": ("note", "with a GPS position; remove it before you give photos away"),
    "unusual_colour_mode": ("note", "stored as neither RGB nor grey"),
    "unusual_colour_profile": ("note", "with an unusual colour profile, which is not applied"),
}
"""The severity of each kind of fault, and the end of the sentence that counts the files with it."""


def _faults(path: str, fact: Facts) -> Iterator[tuple[str, str]]:
    """Find the faults of one file; yields the kind of each, and what to write next to the file."""
    if fact.error is not None:
        yield "unreadable", fact.error
        return
    promised = SUFFIX_FORMATS[Path(path).suffix.lower()]
    if SAME_FORMAT.get(promised, promised) != SAME_FORMAT.get(fact.format, fact.format):
        yield "wrong_suffix", f"is {fact.format}"
    if fact.frames > 1:
        yield "animated", f"{fact.frames} pictures"
    if _shorter_side(fact) < SMALL:
        yield "too_small", _size(fact)
    if max(fact.width, fact.height) >= LONG * max(1, _shorter_side(fact)):
        yield "extreme_aspect", _size(fact)
    if fact.orientation != 1:
        yield "exif_rotated", f"orientation {fact.orientation}"
    if fact.gps:
        yield "gps_position", "GPS"
    if fact.mode not in ("RGB", "L") and not fact.is_deep:
        yield "unusual_colour_mode", fact.mode
    if fact.profile and not any(name in fact.profile.lower() for name in ORDINARY_PROFILES):
        yield "unusual_colour_profile", fact.profile


def _shorter_side(fact: Facts) -> int:
    return min(fact.width, fact.height)


def _size(fact: Facts) -> str:
    return f"{fact.width} x {fact.height}"


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report the files with each kind of fault, and those of another size than the rest."""
    photos, scan = folder.photos, folder.scan
    captions: dict[str, dict[str, str]] = {kind: {} for kind in FAULTS}
    for path, fact in zip(photos.paths.tolist(), scan.facts, strict=True):
        for kind, caption in _faults(path, fact):
            captions[kind][path] = caption
    result = []
    for kind, found in captions.items():
        if found:
            severity, text = FAULTS[kind]
            sentence = f"{plural(len(found), 'file')} of {len(photos)}: {text}."
            exclude = {path: f"cannot be read: {why}" for path, why in found.items()} if kind == "unreadable" else {}
            result.append(Finding(kind, severity, sentence, [[path] for path in found], list(found.values()), exclude=exclude))
    return result + _deep_photos(photos, scan) + _odd_sizes(photos, scan)


def _deep_photos(photos: Photos, scan: Scan) -> list[Finding]:
    deep = [index for index, fact in enumerate(scan.facts) if fact.is_deep]
    if not deep:
        return []
    white = scan.deep.white
    text = (
        f"{plural(len(deep), 'photo')} of {len(photos)} of more than 8 bits, {scan.deep.describe(white)}; fit reads them so, too."
    )
    paths = [[str(photos.paths[index])] for index in deep]
    return [Finding("more_than_8_bits", "note", text, paths, [scan.facts[index].mode for index in deep], white._asdict())]


def _odd_sizes(photos: Photos, scan: Scan) -> list[Finding]:
    readable = np.flatnonzero(scan.readable)
    if len(readable) == 0:
        return []
    shorter = np.array([_shorter_side(scan.facts[index]) for index in readable])
    usual = float(np.median(shorter))
    odd = readable[(shorter >= ODD_SIZE * usual) | (shorter <= usual / ODD_SIZE)].tolist()
    if not odd or len(odd) > RARE * len(readable):
        return []
    commonest, _ = Counter(_size(scan.facts[index]) for index in readable).most_common(1)[0]
    text = (
        f"{plural(len(odd), 'photo')} of another size than the rest (most often {commonest}); were they prepared like the others?"
    )
    captions = [_size(scan.facts[index]) for index in odd]
    return [Finding("odd_size", "note", text, [[str(photos.paths[index])] for index in odd], captions)]
