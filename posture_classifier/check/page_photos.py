"""Photos of a check's page, as large as all of them together allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.photo_source import photo_file
from posture_classifier.rendering.elements import photo, render, thumbnail

SIDE = 400
"""Most pixels along the side of a photo, which can be enlarged."""
PAGE_BYTES = 4_000_000
"""Bytes that all photos of a page may have together."""
LEAST_BYTES, MOST_BYTES = 5_000, 40_000
"""Bytes of a photo: below the first it would show nothing, above the second nobody sees more."""
CLUSTERS = 24
"""Clusters shown of each finding; the others are in ``check.json``."""
PER_CLUSTER = 6
"""Photos shown of each cluster."""


@dataclass(frozen=True)
class PagePhotos:
    """Makes the figures of a page.

    Attributes:
        root: Folder of the photos.
        white: The values that are white in photos of more than 8 bits.
        number: How many photos the page shows, which share its bytes.
    """

    root: Path
    white: WhiteLevels
    number: int

    def figure(self, path: str, caption: str) -> Markup:
        """Make the figure of a photo, with its path and a caption."""
        # In base64 three bytes take four.
        most = 3 / 4 * PAGE_BYTES / max(1, self.number)
        image = thumbnail(photo_file(self.root, path), SIDE, self.white)
        words = render("check.html", "photo_caption", path=path, caption=caption)
        return photo(image, path, words, most=int(min(max(most, LEAST_BYTES), MOST_BYTES)))


def count_shown(clusters: Sequence[Sequence[str]]) -> int:
    """How many photos are shown of a finding."""
    return sum(min(len(cluster), PER_CLUSTER) for cluster in clusters[:CLUSTERS])
