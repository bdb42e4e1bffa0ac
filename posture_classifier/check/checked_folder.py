"""What checks want to know of a folder of photos, each computed when it is first asked for."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from posture_classifier.check.duplicate_clusters import Duplicates, find_duplicates
from posture_classifier.check.group_proposals import Grouping, Proposals, given_groups, propose_groups
from posture_classifier.check.headline import missing_facts
from posture_classifier.check.name_patterns import groups_by
from posture_classifier.check.sample import Folds, Sample, make_folds, make_sample
from posture_classifier.data.folder import Photos
from posture_classifier.data.layout import Layout
from posture_classifier.data.scan.scan import ProgressCallback, Scan, scan_photos
from posture_classifier.data.scan.scene_groups import find_scenes
from posture_classifier.utils.text import normalise_name
from posture_classifier.utils.types import Ints


class CheckedFolder:
    """The photos of a folder, and what was found out about them.

    Args:
        photos: At least one photo, readable or not.
        progress: Called with how many photos of how many were read.
        group_pattern: The pattern that has named the groups of the photos, if one has.
        layout: What the folders name, where the user said it.
    """

    def __init__(
        self, photos: Photos, progress: ProgressCallback, group_pattern: str | None = None, layout: Layout | None = None
    ) -> None:
        self.photos = photos
        self._progress = progress
        self.group_pattern = group_pattern
        self._layout = layout

    @cached_property
    def scan(self) -> Scan:
        """Facts about every file, and features of the frozen network."""
        files = [self.photos.file(index) for index in range(len(self.photos))]
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
    def proposals(self) -> Proposals | None:
        """The groups that are given, or that could be; None where classes have too few photos."""
        sample, photos = self.sample, self.readable
        if missing_facts(sample.labels, sample.class_names):
            return None
        scan = Scan([self.scan.facts[index] for index in sample.rows], sample.features, self.scan.deep)
        more: tuple[str, ...] = ("--data.table", str(photos.table)) if photos.table else ()
        more += ("--data.on_error", "skip") if len(photos) < len(self.photos) else ()
        if self.group_pattern is None and photos.grouped:
            options = () if photos.table else ("--data.layout", photos.layout)
            grouping = Grouping(options, np.asarray(photos.groups))
            return given_groups(photos, scan, sample.labels, grouping, more)
        more += ("--data.layout", self._layout) if self._layout else ()
        if self.group_pattern is not None:
            paths = list(map(normalise_name, photos.paths))
            if made := groups_by(self.group_pattern, paths, least=0):
                return given_groups(photos, scan, sample.labels, Grouping(("--data.group_pattern", made[0]), made[1]), more)
        return propose_groups(photos, scan, sample.labels, self._near_duplicates, more)

    @cached_property
    def named_groups(self) -> npt.NDArray[np.str_] | None:
        """(N,) groups of ``readable`` by names or dates, given or best; None if there are none."""
        proposals = self.proposals and [*self.proposals.possible, *self.proposals.refused]
        return next((each.grouping.groups for each in proposals or () if each.grouping.named), None)

    def _near_duplicates(self) -> Ints:
        """The cluster of each readable photo, by the lowest index among these."""
        _, first, codes = np.unique(self.duplicates.clusters[self.sample.rows], return_index=True, return_inverse=True)
        return first[codes].astype(np.int64)

    @cached_property
    def folds(self) -> Folds | None:
        """Folds of ``sample`` that share no group; None where a class has too few photos."""
        return make_folds(self.sample) if len(self.sample.rows) else None
