"""All that ``check`` looks for: what the function ``findings`` of each file here reports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, by_harm
from posture_classifier.check.folder_layout import layout_findings, list_folder, list_table, name_groups
from posture_classifier.check.group_proposals import Proposals
from posture_classifier.check.group_ridge import head_features
from posture_classifier.check.headline import Headline, make_headline, missing_facts, not_estimated
from posture_classifier.data.folder import Photos, with_groups
from posture_classifier.data.layout import Layout
from posture_classifier.data.scan.scan import ProgressCallback
from posture_classifier.images.depth import FULL_RANGE, WhiteLevels


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        photos: The photos that were looked at, readable or not.
        findings: The most harmful first, notes last.
        headline: What to expect, and which command to use.
        white: The values that are white in photos of more than 8 bits.
        readable: The photos that can be read, with the groups that names or dates make.
        proposals: The groups that are given, or that could be; None where nothing can be estimated.
    """

    photos: Photos
    findings: list[Finding]
    headline: Headline
    white: WhiteLevels = FULL_RANGE
    readable: Photos | None = None
    proposals: Proposals | None = None

    @property
    def names(self) -> set[str]:
        """Names that the user gave: of classes, and of the groups that names or dates make."""
        return {*self.photos.classes, *(self.readable or self.photos).groups.tolist()}


def run_checks(
    root: Path, group_pattern: str | None, progress: ProgressCallback, layout: Layout | None = None, table: Path | None = None
) -> Result:
    r"""Look for every kind of fault in a folder of photos.

    Args:
        root: The folder, in whatever state it is.
        group_pattern: Regular expression whose match in a path names the photo's group, as in
            ``fit``.
        progress: Called with how many photos of how many were read.
        layout: What the folders name; None finds it out.
        table: A table that lists the photos, with paths relative to the folder; None takes what
            lies in class folders.

    Raises:
        UserError: There is no such folder, or the table is not as ``fit`` takes it.

    Example:
        >>> result = run_checks(Path("photos"), r"person\d+", lambda done, n: None)
        >>> [finding.kind for finding in result.findings if finding.severity == "error"]
        ['small_classes']
    """
    listing = list_folder(root, layout) if table is None else list_table(table, root, group_pattern, layout)
    photos, found = name_groups(listing.photos, group_pattern)
    found += layout_findings(listing, ask=layout is None and group_pattern is None)
    if not len(photos):
        return Result(photos, by_harm(found), not_estimated("there are no photos"))
    refused = any(finding.kind == "folder_layout" for finding in found)
    folder = CheckedFolder(photos, progress, group_pattern if photos.grouped else None, layout)
    for findings in _checks():
        found += findings(folder)
    headline, groups = _headline(folder, refused, found), folder.named_groups
    readable = folder.readable if groups is None else with_groups(folder.readable, groups)
    proposals = None if refused else folder.proposals
    return Result(photos, by_harm(found), headline, folder.scan.deep.white, readable, proposals)


def _headline(folder: CheckedFolder, refused: bool, found: list[Finding]) -> Headline:
    if refused:
        return not_estimated("fit would refuse this folder, see folder_layout")
    if folder.proposals is None:
        return not_estimated(missing_facts(folder.sample.labels, folder.sample.class_names) or "")
    features = head_features(folder.sample.features, folder.scan.stages[folder.sample.rows])
    headline = make_headline(folder.readable, features, folder.sample.labels, folder.proposals)
    return replace(headline, notes=headline.notes + [finding.text for finding in found if finding.kind == "shared_moments"])


def _checks() -> Iterator[Callable[[CheckedFolder], list[Finding]]]:
    """The function ``findings`` of every file in this folder that has one."""
    for module in iter_modules([str(Path(__file__).parent)]):
        if findings := getattr(import_module(f"{__package__}.{module.name}"), "findings", None):
            yield findings
