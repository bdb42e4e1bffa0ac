"""All that ``check`` looks for: what the function ``findings`` of each file here reports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from posture_classifier import check
from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, by_harm
from posture_classifier.check.folder_layout import layout_findings, list_folder, name_groups
from posture_classifier.data.folder import Photos
from posture_classifier.data.layout import Layout
from posture_classifier.data.scan.scan import ProgressCallback
from posture_classifier.images.depth import FULL_RANGE, WhiteLevels


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        photos: The photos that were looked at, readable or not.
        findings: The most harmful first, notes last.
        white: The values that are white in photos of more than 8 bits.
    """

    photos: Photos
    findings: list[Finding]
    white: WhiteLevels = FULL_RANGE


def run_checks(root: Path, group_pattern: str | None, progress: ProgressCallback, layout: Layout | None = None) -> Result:
    r"""Look for every kind of fault in a folder of photos.

    Args:
        root: The folder, in whatever state it is.
        group_pattern: Regular expression whose match in a path names the photo's group, as in
            ``fit``.
        progress: Called with how many photos of how many were read.
        layout: What the folders name; None finds it out.

    Raises:
        UserError: There is no such folder.

    Example:
        >>> result = run_checks(Path("photos"), r"person\d+", lambda done, n: None)
        >>> [finding.kind for finding in result.findings if finding.severity == "error"]
        ['small_classes']
    """
    listing = list_folder(root, layout)
    photos, found = name_groups(listing.photos, group_pattern)
    found += layout_findings(listing, ask=layout is None and group_pattern is None)
    white = FULL_RANGE
    if len(photos):
        folder = CheckedFolder(photos, progress)
        for findings in _checks():
            found += findings(folder)
        white = folder.scan.deep.white
    return Result(photos, by_harm(found), white)


def _checks() -> Iterator[Callable[[CheckedFolder], list[Finding]]]:
    """The function ``findings`` of every file in this folder that has one."""
    for module in iter_modules(check.__path__):
        if findings := getattr(import_module(f"{check.__name__}.{module.name}"), "findings", None):
            yield findings
