"""Names next to the discs of a scatter plot, none of which covers another."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from posture_classifier.utils.types import Floats

DIRECTIONS = [(1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.6), (0.8, -0.6), (-0.8, 0.6), (-0.8, -0.6)]
"""Places of a name around its disc, the best first: right, left, above, below, corners."""
GAPS = (2, 8, 16, 26, 38, 52, 70)
"""Points between a disc and its name; the first that has room is taken."""


def place_labels(
    figure: Figure,
    axes: Axes,
    x: Floats,
    y: Floats,
    radii: Floats,
    names: list[str],
    text_colour: str = "black",
    ground: str = "white",
    size: float = 8,
) -> None:
    """Write each name next to its disc, with a line to it where it had to go further away.

    Greedy, from the most crowded disc on. A name that has no room at all is left out, rather than
    covering another.

    Args:
        figure: Figure that holds the axes.
        axes: Axes with their final limits.
        x: (N,) centres of the discs along the horizontal axis, in data units.
        y: (N,) centres of the discs along the vertical axis, in data units.
        radii: (N,) radii of the discs in points.
        names: N names.
        text_colour: Colour of the names.
        ground: Colour around the names, so that they can be read on lines.
        size: Size of the letters in points.
    """
    figure.draw_without_rendering()  # lays out, so that positions in pixels are known
    pixel = figure.dpi / 72
    centres, radii = axes.transData.transform(np.column_stack([x, y])), radii * pixel
    taken = [Bbox.from_extents(*(centre - radius), *(centre + radius)) for centre, radius in zip(centres, radii, strict=True)]
    if legend := axes.get_legend():
        taken.append(legend.get_window_extent())
    to_data = axes.transData.inverted().transform
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    for index in np.argsort(np.sort(distances)[:, :4].sum(1)):
        text = axes.text(x[index], y[index], names[index], fontsize=size, color=text_colour, va="center", ha="center", zorder=5)
        text.set_path_effects([withStroke(linewidth=2.5, foreground=ground, alpha=0.8)])
        extent = np.array(text.get_window_extent().size)
        for gap, centre in _candidates(centres[index], radii[index], extent, pixel):
            box = Bbox([centre - extent / 2, centre + extent / 2])
            end = np.clip(centres[index], box.min, box.max)
            # Discs that overlap this one are near its centre to begin with.
            crossed = _distances(centres, centres[index], end) < 0.7 * np.minimum(radii, distances[index])
            if _inside(box, axes.bbox) and not box.count_overlaps(taken) and not crossed.any():
                text.set_position(tuple(to_data(centre)))
                taken.append(box)
                if gap > GAPS[0]:
                    along = end - centres[index]
                    edge = centres[index] + radii[index] / np.linalg.norm(along) * along
                    axes.plot(*to_data([edge, end]).T, color=text_colour, alpha=0.5, linewidth=0.7, zorder=2.5)
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
    """(N,) distances from points (N, 2) to the line from start to end."""
    along = end - start
    share = ((points - start) @ along / float(along @ along)).clip(0, 1)
    distances: Floats = np.linalg.norm(points - start - share[:, None] * along, axis=1)
    return distances
