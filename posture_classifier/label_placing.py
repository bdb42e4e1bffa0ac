"""Names next to the discs of a picture, without one covering another."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

Floats = npt.NDArray[np.float64]

DIRECTIONS = [(1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.6), (0.8, -0.6), (-0.8, 0.6), (-0.8, -0.6)]
"""In the order of preference: right, left, above, below, corners."""

GAPS = (2, 8, 16, 26, 38, 52, 70)
"""Points between a disc and its name; the first that has room is taken."""


def place_labels(axes: Axes, x: Floats, y: Floats, radii: Floats, names: list[str]) -> None:
    """Write each name next to its disc, with a line to it where it had to go further away.

    Greedy, from the most crowded disc on; where there is no room at all a name stays off the picture, rather than on another's.

    Args:
        axes: With its final limits.
        x: Centres of the discs (N,), as data.
        y: Likewise.
        radii: In points (N,).
        names: N of them.
    """
    picture = axes.get_figure()
    assert picture is not None
    picture.draw_without_rendering()  # type: ignore[union-attr] # lays out, so that positions on the picture are known
    pixel = picture.dpi / 72  # type: ignore[union-attr]
    centres = axes.transData.transform(np.column_stack([x, y]))
    discs = [Bbox.from_extents(*(c - r * pixel), *(c + r * pixel)) for c, r in zip(centres, radii, strict=True)]
    legend = axes.get_legend()
    taken = [legend.get_window_extent()] if legend else []
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    for index in np.argsort(np.sort(distances)[:, :4].sum(1)):
        text = axes.text(0, 0, names[index], fontsize=8, va="center", ha="center", zorder=5, transform=None)
        extent = text.get_window_extent()
        for gap, centre in _candidates(centres[index], radii[index] * pixel, extent, pixel):
            box = Bbox.from_bounds(*(centre - (extent.width / 2, extent.height / 2)), extent.width, extent.height)
            others = [disc for number, disc in enumerate(discs) if number != index]
            if _inside(box, axes.bbox) and not box.count_overlaps([*taken, *others]):
                text.set_position((centre[0], centre[1]))
                text.set_transform(axes.transData)
                text.set_position(tuple(axes.transData.inverted().transform(centre)))
                taken.append(box)
                if gap > GAPS[1]:
                    _line(axes, centres[index], box)
                break
        else:
            text.remove()


def _candidates(disc: Floats, radius: float, extent: Bbox, pixel: float) -> Iterator[tuple[int, Floats]]:
    """Gaps in points and centres of the name in pixels, best first."""
    for gap in GAPS:
        for direction in DIRECTIONS:
            reach = radius + gap * pixel
            half = np.array([extent.width, extent.height]) / 2
            yield gap, disc + np.array(direction) * reach + np.sign(direction) * half


def _inside(box: Bbox, frame: Bbox) -> bool:
    return bool(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)


def _line(axes: Axes, disc: Floats, box: Bbox) -> None:
    """From the disc's centre to the nearest point of the name."""
    end = np.clip(disc, box.min, box.max)
    points = axes.transData.inverted().transform([disc, end])
    axes.plot(points[:, 0], points[:, 1], color="0.6", linewidth=0.6, zorder=2.5)
