"""How well one photo can be laid over another, whether one is a crop of the other or mirrored."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Sketches = npt.NDArray[np.uint8]
COARSE_CORRELATION = 0.9
"""Least correlation at half the resolution; below it the full resolution is not tried."""
BLUR = 1.5
"""Standard deviation in pixels of 64 of the blur that hides how a sketch was scaled."""
LEAST_CONTRAST = 5.0
"""Standard deviation of grey values below which there is nothing to compare."""
MIDDLE = 0.69
"""Share of the sides of the middle of a photo, which is looked for in another."""
SCALES = tuple(1.075**step for step in range(-6, 6))
"""Scales, from 0.65 to 1.44, at which one photo is looked for in another."""


def aligned_correlation(one: Sketches, other: Sketches) -> float:
    """Correlate (-1 to 1) the middle of either grey photo (64, 64) with where it fits best."""
    first, second = (cv2.GaussianBlur(sketch, (0, 0), BLUR) for sketch in (one, other))
    coarse = _best_fit(_halve(first), _halve(second))
    return coarse if coarse < COARSE_CORRELATION else _best_fit(first, second)


def overlay_correlation(one: Sketches, other: Sketches, enough: float = 1.0) -> float:
    """Correlate as ``aligned_correlation`` does, at half the resolution, mirrored as well.

    Above a correlation of ``enough`` the mirrored photo is not tried.
    """
    first, second = (_halve(cv2.GaussianBlur(sketch, (0, 0), BLUR)) for sketch in (one, other))
    plain = _best_fit(first, second)
    return plain if plain >= enough else max(plain, _best_fit(first, np.ascontiguousarray(second[:, ::-1])))


def _halve(sketch: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return cv2.resize(sketch, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _best_fit(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The best correlation of the middle of either photo with a place in the other."""
    return max(_middle_in(one, other), _middle_in(other, one))


def _middle_in(whole: npt.NDArray[Any], part: npt.NDArray[Any]) -> float:
    side = round(MIDDLE * len(part))
    margin = (len(part) - side) // 2
    middle = part[margin : margin + side, margin : margin + side]
    if middle.std() < LEAST_CONTRAST:
        return -1.0
    sides = {scaled for scale in SCALES if (scaled := round(side * scale)) <= len(whole)}
    templates = (cv2.resize(middle, (scaled, scaled), interpolation=cv2.INTER_AREA) for scaled in sides)
    return max(float(cv2.matchTemplate(whole, template, cv2.TM_CCOEFF_NORMED).max()) for template in templates)
