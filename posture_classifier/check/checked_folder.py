"""What checks want to know of a folder of photos, each computed when it is first asked for."""

from functools import cached_property
from pathlib import Path

from posture_classifier.check.duplicate_clusters import Duplicates, find_duplicates
from posture_classifier.check.sample import Folds, Sample, make_folds, make_sample
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import ProgressCallback, Scan, scan_photos
from posture_classifier.data.scan.scene_groups import find_scenes
from posture_classifier.utils.types import Ints


class CheckedFolder:
    """The photos of a folder, and what was found out about them.

    Args:
        photos: At least one photo, readable or not.
        progress: Called with how many photos of how many were read.
    """

    def __init__(self, photos: Photos, progress: ProgressCallback) -> None:
        self.photos = photos
        self._progress = progress

    @cached_property
    def scan(self) -> Scan:
        """Facts about every file, and features of the frozen network."""
        files = [Path(self.photos.file(index)) for index in range(len(self.photos))]
        return scan_photos(files, self._progress)

    @cached_property
    def duplicates(self) -> Duplicates:
        """Which photos show the same picture or the same moment."""
        return find_duplicates(self.photos, self.scan)

    @cached_property
    def scenes(self) -> Ints:
        """(N,) the scene of each photo, as ``data.group_by cluster`` groups them."""
        return find_scenes(self.scan, self.duplicates.clusters)

    @cached_property
    def sample(self) -> Sample:
        """The photos that can be read, as numbers; there may be none."""
        return make_sample(self.photos, self.scan, self.duplicates.clusters)

    @cached_property
    def readable(self) -> Photos:
        """The photos of ``sample``."""
        return self.photos.select(self.sample.rows)

    @cached_property
    def folds(self) -> Folds | None:
        """Folds of ``sample`` that share no group; None where a class has too few photos."""
        return make_folds(self.sample) if len(self.sample.rows) else None
