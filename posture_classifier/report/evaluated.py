"""What a page is about: predictions of photos that their network had not learnt from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posture_classifier.data.near_copies import NearCopies
from posture_classifier.images.photo_source import photo_file
from posture_classifier.inference import Classifier
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist


@dataclass(frozen=True)
class Evaluated:
    """Predictions and where they come from: one run, or all folds of a cross-validation.

    Attributes:
        folder: The folder that they are from.
        summary: What is told of them: ``split`` (``val`` or ``test``), numbers of ``images`` and
            ``groups`` (None if none were named), ``classes``, ``seed`` of the bootstrap and
            ``backbone``, among others.
        settings: Settings of ``fit``.
        evaluated: The predictions.
    """

    folder: Path
    summary: dict[str, Any]
    settings: dict[str, Any]
    evaluated: PredictionTable

    @property
    def name(self) -> str:
        """Experiment and folder: ``demo/version_0``."""
        return "/".join(self.folder.resolve().parts[-2:])

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the labels."""
        return list(self.summary["classes"])

    @property
    def root(self) -> Path:
        """Folder of the photos, which may no longer be there."""
        return Path(self.settings["data"]["root"])

    def file(self, index: int) -> str:
        """The whole path of an evaluated photo, or its URL."""
        return photo_file(self.root, str(self.evaluated.paths[index]))

    @property
    def title(self) -> str:
        """The title of a page: the photos' folder and the classes, or how many these are."""
        few = len(self.classes) < 4
        return f"{self.root.name}: {', '.join(self.classes)}" if few else f"{self.root.name}, {len(self.classes)} classes"

    @property
    def names(self) -> set[str]:
        """Names that the user gave: of classes and groups."""
        return {*self.classes, *self.evaluated.groups.tolist()}

    def check_class(self, name: str | None) -> None:
        """Make sure that a class, if one is named, is among those that were predicted.

        Raises:
            UserError: It is not.
        """
        if name is not None and name not in self.classes:
            raise UserError(f"{self.folder} has no class {name!r}; choose one of {shortlist(self.classes, 20)}")

    @property
    def near_copies(self) -> NearCopies | None:
        """How many evaluated photos have a near-copy among those learnt from, where known."""
        return None

    @property
    def classifier(self) -> Classifier | None:
        """The network that predicted; None where its checkpoint is gone, or it is not one."""
        return None

    @property
    def how_tested(self) -> str:
        """A sentence that says who was tested, and by a network that had seen whom."""
        raise NotImplementedError

    def by_network(self, photos: list[int]) -> "list[tuple[Evaluated, list[int]]]":
        """Divide photos, given by their numbers, by the network that predicted them."""
        return [(self, photos)]
