"""All that ``check`` looks for, in the order in which it is found."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posture_classifier.check.class_balance import class_findings, unmodelled
from posture_classifier.check.duplicates import duplicate_findings, find_duplicates
from posture_classifier.check.file_faults import file_findings
from posture_classifier.check.finding import SEVERITIES, Finding
from posture_classifier.check.folder_layout import layout, list_folder, with_groups
from posture_classifier.check.groups import group_findings
from posture_classifier.check.label_errors import label_findings
from posture_classifier.check.linear_probe import FEWEST, PLENTY, Ints, Sample, folds, units
from posture_classifier.check.outliers import odd_findings
from posture_classifier.check.shortcuts import shortcut_findings
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import ProgressCallback, Scan, scan_photos


@dataclass(frozen=True)
class Result:
    """Of a check.

    Attributes:
        photos: That were looked at.
        findings: Errors first.
    """

    photos: Photos
    findings: list[Finding]


def run_checks(root: Path, group_pattern: str | None, progress: ProgressCallback) -> Result:
    """Look for everything.

    Args:
        root: The folder.
        group_pattern: As that of ``fit``.
        progress: Told how many photos of how many were read.

    Raises:
        UserError: There is no such folder.
    """
    listing = list_folder(root)
    photos, findings = with_groups(listing.photos, group_pattern)
    findings += layout(listing)
    if len(photos):
        scanned = scan_photos([Path(photos.file(index)) for index in range(len(photos))], progress)
        findings += file_findings(photos, scanned)
        duplicates = find_duplicates(photos, scanned)
        findings += duplicate_findings(photos, duplicates)
        sample = _sample(photos, scanned, units(photos, duplicates))
        if len(sample.rows):
            findings += class_findings(photos.select(sample.rows), sample.units)
            findings += group_findings(photos, scanned, sample)
            findings += (odd := odd_findings(photos, scanned, sample))
            # What can hardly be seen says nothing about its label.
            unclear = {path for finding in odd if finding.severity == "warning" for (path,) in finding.photos}
            if parts := folds(sample, FEWEST):
                findings += shortcut_findings(scanned, sample, parts)
            if parts and min(sample.units_per_class) >= PLENTY:
                findings += label_findings(photos, sample, parts, unclear)
            else:
                findings += unmodelled(sample, shortcuts=parts is None)
    return Result(photos, sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _sample(photos: Photos, scanned: Scan, stay_together: Ints) -> Sample:
    rows = np.flatnonzero(scanned.readable)
    present, labels = np.unique(photos.labels[rows], return_inverse=True)
    names = [photos.classes[label] for label in present]
    return Sample(rows, labels.astype(np.int64), names, stay_together[rows], scanned.features[rows])
