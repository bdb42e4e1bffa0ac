"""Photos unlike the others: out of focus, dark, over-exposed, empty, or of something else."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.sample import Sample
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


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report photos by the way in which they are unlike the others, worst first."""
    if len(folder.sample.rows) == 0:
        return []
    distance = _neighbour_distance(folder.sample)
    chosen = (_robust_z(distance) > FAR_FEATURES) & ~(_measured(folder, "contrast") < EMPTY)
    unlike = _finding(folder, "outliers", "note", "unlike all others; look whether they belong here", distance, chosen)
    # A flower before a black cloth is dark, too: all of this is to be looked at, none is certain.
    return [replace(finding, severity="note") for finding in unclear_photos(folder)] + unlike


def unclear_photos(folder: CheckedFolder) -> list[Finding]:
    """Report photos on which hardly anything can be seen; a warning where few are like this."""
    brightness, contrast, clipped, sharpness = (
        _measured(folder, name) for name in ("brightness", "contrast", "clipped", "sharpness")
    )
    empty = contrast < EMPTY
    blur = -np.log(np.maximum(sharpness, 1e-3))
    blurred = (sharpness < BLURRED) & (_robust_z(blur) > FAR)
    return [
        *_finding(folder, "nearly_empty", "warning", "hardly anything to see", -contrast, empty),
        *_finding(folder, "dark", "warning", "nearly black", -brightness, ~empty & (brightness < DARK)),
        *_finding(folder, "over_exposed", "warning", "nearly white", clipped, ~empty & (clipped > WHITE)),
        *_finding(folder, "blurred", "warning", "out of focus", blur, ~empty & blurred),
    ]


def _measured(folder: CheckedFolder, name: str) -> Floats:
    """One of the ``Facts`` (N,) of the photos that can be read."""
    return np.array([getattr(folder.scan.facts[index], name) for index in folder.sample.rows])


def _finding(
    folder: CheckedFolder, kind: str, severity: Severity, text: str, score: Floats, chosen: npt.NDArray[np.bool_]
) -> list[Finding]:
    """Report the chosen photos (N,), those with the highest score first, if there are any."""
    indices = np.flatnonzero(chosen)[np.argsort(-score[chosen], kind="stable")]
    if len(indices) == 0:
        return []
    if len(indices) > max(1, RARE * len(chosen)):
        severity = "note"  # many are like this, so it is how the folder was taken
    paths = [str(folder.readable.paths[index]) for index in indices]
    sentence = f"{plural(len(paths), 'photo')} of {len(chosen)}: {text}."
    return [Finding(kind, severity, sentence, [[path] for path in paths])]


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
