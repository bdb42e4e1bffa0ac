"""Names next to the discs of a picture, without one covering another."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

Floats = npt.NDArray[np.float64]
DIRECTIONS = [(1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.6), (0.8, -0.6), (-0.8, 0.6), (-0.8, -0.6)]
"""In the order of preference: right, left, above, below, corners."""
GAPS = (2, 8, 16, 26, 38, 52, 70)
"""Points between a disc and its name; the first that has room is taken."""


def place_labels(
    picture: Figure,
    axes: Axes,
    x: Floats,
    y: Floats,
    radii: Floats,
    names: list[str],
    ink: str = "black",
    ground: str = "white",
    size: float = 8,
) -> None:
    """Write each name next to its disc, with a line to it where it had to go further away.

    Greedy, from the most crowded disc on; where there is no room at all a name stays off the picture, rather than on another's.

    Args:
        picture: Of the axes.
        axes: With its final limits.
        x: Centres of the discs (N,), as data.
        y: Likewise.
        radii: In points (N,).
        names: N of them.
        ink: Colour of the names.
        ground: Colour around them.
        size: Of the letters, in points.
    """
    picture.draw_without_rendering()  # lays out, so that positions on the picture are known
    pixel = picture.dpi / 72
    centres, radii = axes.transData.transform(np.column_stack([x, y])), radii * pixel
    discs = [Bbox.from_extents(*(centre - radius), *(centre + radius)) for centre, radius in zip(centres, radii, strict=True)]
    legend = axes.get_legend()
    taken = [*discs, *([legend.get_window_extent()] if legend else [])]
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    for index in np.argsort(np.sort(distances)[:, :4].sum(1)):
        text = axes.text(x[index], y[index], names[index], fontsize=size, color=ink, va="center", ha="center", zorder=5)
        text.set_path_effects([withStroke(linewidth=2.5, foreground=ground, alpha=0.8)])  # legible on lines
        extent = np.array(text.get_window_extent().size)
        for gap, centre in _candidates(centres[index], radii[index], extent, pixel):
            box = Bbox([centre - extent / 2, centre + extent / 2])
            end = np.clip(centres[index], box.min, box.max)
            # Discs that overlap this one are near its centre to begin with.
            crossed = _distances(centres, centres[index], end) < 0.7 * np.minimum(radii, distances[index])
            if _inside(box, axes.bbox) and not box.count_overlaps(taken) and not crossed.any():
                text.set_position(tuple(axes.transData.inverted().transform(centre)))
                taken.append(box)
                if gap > GAPS[0]:
                    share = radii[index] / np.linalg.norm(end - centres[index])
                    edge = centres[index] + share * (end - centres[index])
                    line = axes.transData.inverted().transform([edge, end])
                    axes.plot(*line.T, color=ink, alpha=0.5, linewidth=0.7, zorder=2.5)
                break
        else:
            text.remove()


def _candidates(disc: Floats, radius: float, size: Floats, pixel: float) -> Iterator[tuple[int, Floats]]:
    """Gaps in points and centres of the name in pixels, best first."""
    for gap in GAPS:
        for direction in np.array(DIRECTIONS):
            yield gap, disc + direction * (radius + gap * pixel) + np.sign(direction) * size / 2


def _inside(box: Bbox, frame: Bbox) -> bool:
    return bool(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)


def _distances(points: Floats, start: Floats, end: Floats) -> Floats:
    """From each point (N, 2) to the nearest of a line from start to end (N,)."""
    along = end - start
    share = ((points - start) @ along / float(along @ along)).clip(0, 1)
    distances: Floats = np.linalg.norm(points - start - share[:, None] * along, axis=1)
    return distances
