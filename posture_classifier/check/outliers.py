"""Photos unlike the others: out of focus, dark, over-exposed, empty, or of something else."""

import numpy as np
import numpy.typing as npt

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.linear_probe import Floats, Sample
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import Scan
from posture_classifier.utils.text import plural

UNIFORM = 4.0
"""Contrast (standard deviation of grey values) of an empty picture."""
DARK = 25.0
"""Mean grey value of 255."""
WHITE = 0.85
"""Share of white pixels; objects on white paper have less."""
BLURRED = 3.0
"""Sharpness (standard deviation of the Laplacian at 256 pixels) below which no photo is sharp ..."""
FAR = 4.0
"""... and robust standard deviations from the folder's median beyond which a photo is unlike the others."""
FAR_OUT = 6.0
"""The same for features, whose distances have a long tail."""
RARE = 0.05
"""Share of the photos up to which they are odd, rather than what the folder is about."""
NEIGHBOURS = 5


def odd_findings(photos: Photos, scan: Scan, sample: Sample) -> list[Finding]:
    """One finding for each way of being odd, worst first."""
    facts = [scan.facts[index] for index in sample.rows]
    brightness, contrast, clipped, sharpness = (
        np.array([getattr(fact, name) for fact in facts]) for name in ("brightness", "contrast", "clipped", "sharpness")
    )
    uniform = contrast < UNIFORM
    seen = ~uniform
    softness = -np.log(np.maximum(sharpness, 1e-3))
    unlike = _neighbour_distance(sample)
    ways: tuple[tuple[str, Severity, str, Floats, npt.NDArray[np.bool_]], ...] = (
        ("near_uniform", "warning", "hardly anything to see", -contrast, uniform),
        ("dark", "warning", "nearly black", -brightness, seen & (brightness < DARK)),
        ("over_exposed", "warning", "nearly white", clipped, seen & (clipped > WHITE)),
        ("blurred", "warning", "out of focus", softness, seen & (sharpness < BLURRED) & (_robust(softness) > FAR)),
        ("outliers", "note", "unlike all others; look whether they belong here", unlike, seen & (_robust(unlike) > FAR_OUT)),
    )
    findings = []
    for kind, severity, text, score, chosen in ways:
        indices = np.flatnonzero(chosen)[np.argsort(-score[chosen], kind="stable")]
        if len(indices):
            # What many photos are like is how this folder was taken, and nothing to be mended in single ones.
            level = severity if len(indices) <= max(1, RARE * len(facts)) else "note"
            sentence = f"{plural(len(indices), 'photo')} of {len(facts)}: {text}."
            paths = [[str(photos.paths[sample.rows[index]])] for index in indices]
            exclude = {path: text for (path,) in paths} if level == "warning" else {}
            findings.append(Finding(kind, level, sentence, paths, exclude=exclude))
    return findings


def _robust(values: Floats) -> Floats:
    """Distance from the median in standard deviations, estimated by the median absolute deviation (Iglewicz and Hoaglin 1993)."""
    middle = np.median(values) if len(values) else 0.0
    spread = 1.4826 * np.median(np.abs(values - middle)) if len(values) else 0.0
    result: Floats = (values - middle) / max(spread, 1e-9)
    return result


def _neighbour_distance(sample: Sample) -> Floats:
    """(N,) mean cosine distance to the nearest photos of other units (Ramaswamy et al. 2000, with a mean for the k-th)."""
    result = np.zeros(len(sample.rows))
    for start in range(0, len(result), 512):
        cosine = sample.features[start : start + 512] @ sample.features.T
        cosine[sample.units[start : start + 512, None] == sample.units] = -1
        n = min(NEIGHBOURS, len(result))
        result[start : start + 512] = 1 - np.partition(cosine, -n, axis=1)[:, -n:].mean(1)
    return result
