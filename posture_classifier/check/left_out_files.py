"""Files that ``fit`` would not take, and names that another system takes for one."""

from collections import Counter
from pathlib import PurePosixPath

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.data.folder import Photos
from posture_classifier.data.left_out import LeftOut, describe_folders, describe_suffixes
from posture_classifier.images.decode import SUFFIX_FORMATS
from posture_classifier.utils.text import normalise_name, plural

UNSUPPORTED = frozenset(
    (
        *SUFFIX_FORMATS,  # an older Pillow lacks the decoder of some, such as AVIF
        *(".jxl", ".jxr", ".psd", ".psb", ".xcf"),
        *(".dcm", ".dicom"),  # of medical devices
        # what cameras call raw
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw"),
        *(".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    )
)
"""Suffixes of photos that other programs can decode."""
KINDS: dict[str, tuple[Severity, str, str, str]] = {
    "unsupported_formats": ("warning", "file", "in a photo format that is not read here", "; export them as JPEG or PNG"),
    "outside_classes": ("warning", "file", "in no class folder", "; move them into the folders of their classes"),
    "other_files": ("note", "file", "in a class folder, but of another kind", ""),
    "hidden_files": ("note", "file", "hidden", "; rename what you want to use, so that no name begins with a dot"),
    "system_folders": (
        "note",
        "file",
        "in a folder that a system or a network disk left behind",
        "; move out what you want to use, and remove the rest",
    ),
    "linked_again": ("note", "link", "to a folder that was counted already", ""),
}
"""The severity of each kind, what is counted, how it is told, and what to do."""


def left_out_findings(left_out: list[LeftOut]) -> list[Finding]:
    """Report what is left out, by kind."""
    kinds: dict[str, list[LeftOut]] = {kind: [] for kind in KINDS}
    for each in left_out:
        unsupported = each.reason == "other_files" and each.name in UNSUPPORTED
        kinds["unsupported_formats" if unsupported else each.reason].append(each)
    return [_finding(kind, found) for kind, found in kinds.items() if found]


def _finding(kind: str, found: list[LeftOut]) -> Finding:
    severity, noun, text, advice = KINDS[kind]
    n = sum(each.files for each in found)
    by_suffix = found[0].reason == "other_files"
    names: Counter[str] = Counter()
    for each in found:
        if each.name or by_suffix:
            names[each.name] += each.files
    which = f" ({describe_suffixes(names) if by_suffix else describe_folders(names)})" if names else ""
    sentence = f"{plural(n, f'{noun} is', f'{noun}s are')} {text}{which}, and will not be used{advice}."
    captions = ["" if by_suffix or not each.name else plural(each.files, "file") for each in found]
    return Finding(kind, severity, sentence, [[each.path] for each in found], captions)


def same_name_findings(photos: Photos) -> list[Finding]:
    """Report photos and folders that a disk of Windows or macOS could not hold side by side."""
    spellings: dict[tuple[str, str], set[str]] = {}
    for photo in photos.paths:
        for path in (PurePosixPath(photo), *PurePosixPath(photo).parents):
            spellings.setdefault((str(path.parent), normalise_name(path.name).casefold()), set()).add(str(path))
    alike = [sorted(paths) for _, paths in sorted(spellings.items()) if len(paths) > 1]
    if not alike:
        return []
    text = (
        f"{plural(len(alike), 'name differs', 'names differ')} from another in upper and lower case or in its Unicode form alone, "
        "so that a disk of Windows or macOS takes both for one, and a class may be torn in two; rename one of each."
    )
    return [Finding("same_names", "warning", text, alike)]
