"""Photos unlike the others: out of focus, dark, over-exposed, empty, or of something else."""

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.sample import Sample
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import Scan
from posture_classifier.data.scan.similarity import similarity_blocks
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Floats

EMPTY = 4.0
"""Contrast (standard deviation of grey values) below which a picture shows hardly anything."""
DARK = 25.0
"""Mean grey value, of 255, below which a photo is nearly black."""
WHITE = 0.85
"""Share of white pixels above which a photo is nearly white; objects on white paper have less."""
BLURRED = 3.0
"""Sharpness (standard deviation of the Laplacian at 256 pixels) below which no photo is sharp."""
FAR = 4.0
"""Robust standard deviations from the folder's median beyond which a photo is less sharp than the
others."""
FAR_FEATURES = 6.0
"""Robust standard deviations beyond which features are unlike all others; their distances have a
long tail."""
RARE = 0.05
"""Share of the photos up to which they are outliers, rather than what the folder is about."""
NEIGHBOURS = 5


def outlier_findings(photos: Photos, scan: Scan, sample: Sample) -> list[Finding]:
    """Report photos by the way in which they are unlike the others, worst first."""
    facts = [scan.facts[index] for index in sample.rows]
    brightness, contrast, clipped, sharpness = (
        np.array([getattr(fact, name) for fact in facts]) for name in ("brightness", "contrast", "clipped", "sharpness")
    )
    empty = contrast < EMPTY
    blur = -np.log(np.maximum(sharpness, 1e-3))
    distance = _neighbour_distance(sample)
    blurred = (sharpness < BLURRED) & (_robust_z(blur) > FAR)
    candidates: tuple[tuple[str, Severity, str, Floats, npt.NDArray[np.bool_]], ...] = (
        ("nearly_empty", "warning", "hardly anything to see", -contrast, empty),
        ("dark", "warning", "nearly black", -brightness, ~empty & (brightness < DARK)),
        ("over_exposed", "warning", "nearly white", clipped, ~empty & (clipped > WHITE)),
        ("blurred", "warning", "out of focus", blur, ~empty & blurred),
        (
            "outliers",
            "note",
            "unlike all others; look whether they belong here",
            distance,
            ~empty & (_robust_z(distance) > FAR_FEATURES),
        ),
    )
    findings = []
    for kind, severity, text, score, chosen in candidates:
        indices = np.flatnonzero(chosen)[np.argsort(-score[chosen], kind="stable")]
        if len(indices):
            # What many photos are like is how this folder was taken, and nothing to be mended in
            # single ones.
            level = severity if len(indices) <= max(1, RARE * len(facts)) else "note"
            paths = [str(photos.paths[sample.rows[index]]) for index in indices]
            exclude = dict.fromkeys(paths, text) if level == "warning" else {}
            sentence = f"{plural(len(paths), 'photo')} of {len(facts)}: {text}."
            findings.append(Finding(kind, level, sentence, [[path] for path in paths], exclude=exclude))
    return findings


def _robust_z(values: Floats) -> Floats:
    """Distance from the median in robust standard deviations (Iglewicz and Hoaglin 1993)."""
    result: Floats = (values - np.median(values)) / max(median_abs_deviation(values, scale="normal"), 1e-9)
    return result


def _neighbour_distance(sample: Sample) -> Floats:
    """Mean cosine distance (N,) to the nearest photos of other groups.

    Source: Ramaswamy et al. 2000, with the mean over the nearest in place of the k-th.
    """
    n = min(NEIGHBOURS, len(sample.rows))
    distances = []
    for rows, cosine in similarity_blocks(sample.features):
        cosine[sample.joined_groups[rows, None] == sample.joined_groups] = -1
        distances.append(1 - np.partition(cosine, -n, axis=1)[:, -n:].mean(1))
    return np.concatenate(distances).astype(np.float64)
