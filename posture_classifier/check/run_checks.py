"""All that ``check`` looks for, in the order in which it is found."""

from dataclasses import dataclass
from pathlib import Path

from posture_classifier.check.class_balance import class_findings, unchecked_findings
from posture_classifier.check.duplicates import duplicate_findings, find_duplicates
from posture_classifier.check.file_faults import file_findings
from posture_classifier.check.finding import SEVERITIES, Finding
from posture_classifier.check.folder_layout import layout_findings, list_folder, name_groups
from posture_classifier.check.groups import group_findings
from posture_classifier.check.label_errors import label_findings
from posture_classifier.check.outliers import outlier_findings
from posture_classifier.check.sample import MIN_GROUPS_FOR_LABELS, make_folds, make_sample
from posture_classifier.check.shortcuts import shortcut_findings
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import ProgressCallback, scan_photos


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        photos: The photos that were looked at, readable or not.
        findings: Errors first, then warnings, then notes.
    """

    photos: Photos
    findings: list[Finding]


def run_checks(root: Path, group_pattern: str | None, progress: ProgressCallback) -> Result:
    r"""Look for every kind of fault in a folder of photos.

    Args:
        root: The folder, in whatever state it is.
        group_pattern: Regular expression whose match in a path names the photo's group, as in
            ``fit``.
        progress: Called with how many photos of how many were read.

    Raises:
        UserError: There is no such folder.

    Example:
        >>> result = run_checks(Path("photos"), r"person\d+", lambda done, n: None)
        >>> [finding.kind for finding in result.findings if finding.severity == "error"]
        ['small_classes']
    """
    listing = list_folder(root)
    photos, findings = name_groups(listing.photos, group_pattern)
    findings += layout_findings(listing)
    if len(photos):
        findings += _look_at(photos, progress)
    return Result(photos, sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _look_at(photos: Photos, progress: ProgressCallback) -> list[Finding]:
    scanned = scan_photos([Path(photos.file(index)) for index in range(len(photos))], progress)
    duplicates = find_duplicates(photos, scanned)
    findings = file_findings(photos, scanned) + duplicate_findings(photos, duplicates)
    sample = make_sample(photos, scanned, duplicates.clusters)
    if len(sample.rows) == 0:
        return findings
    outliers = outlier_findings(photos, scanned, sample)
    findings += class_findings(photos.select(sample.rows), sample.joined_groups)
    findings += group_findings(photos, scanned, sample) + outliers
    folds = make_folds(sample)
    if folds is not None:
        findings += shortcut_findings(scanned, sample, folds)
    if folds is not None and min(sample.groups_per_class) >= MIN_GROUPS_FOR_LABELS:
        # What can hardly be seen says nothing about its label.
        unclear = {path for finding in outliers if finding.severity == "warning" for (path,) in finding.photos}
        findings += label_findings(photos, sample, folds, unclear)
    else:
        findings += unchecked_findings(sample, shortcuts=folds is None)
    return findings
