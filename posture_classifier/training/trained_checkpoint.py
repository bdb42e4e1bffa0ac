"""The checkpoint that a training resumes or an evaluation uses, with its checks of the photos."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from posture_classifier.callbacks.save_config import RESTORED
from posture_classifier.data.module import PostureData
from posture_classifier.data.split import SPLITS
from posture_classifier.data.split_file import is_split_of
from posture_classifier.models.checkpoint import SEEN, Seen, read_checkpoint
from posture_classifier.models.restore import DEFAULTS, read_arguments
from posture_classifier.runs.folder import run_of
from posture_classifier.runs.names import SPLIT_CSV
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

LINKED = ("class_names", "class_counts", "white_levels")
"""Arguments of the model that the data gives."""


@dataclass(frozen=True)
class TrainedCheckpoint:
    """What a checkpoint says about the training that wrote it.

    Attributes:
        path: The file.
        model: Arguments of ``PostureClassifier``, without those that the data gives.
        class_names: Class names in the order of the labels.
        seen: Digests of the photos that it has seen.
        content: All that is in the file.
    """

    path: Path
    model: dict[str, Any]
    class_names: list[str]
    seen: Seen
    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "TrainedCheckpoint":
        """Read a checkpoint of this program.

        Raises:
            UserError: It cannot be loaded safely, was written by another program, or was changed.
        """
        content = read_checkpoint(path)
        arguments = read_arguments(path, content)
        model = {name: value for name, value in arguments.items() if name not in LINKED}
        return cls(path, model, list(arguments["class_names"]), content.get(SEEN, {}), content)

    def settings_not_used(self, wanted: Namespace) -> list[str]:
        """Names of the model's settings that the user wants otherwise than the checkpoint has them.

        Not those that did not exist when it was written.
        """
        known = self.content["hyper_parameters"]
        changed = [name for name, value in self.model.items() if name not in RESTORED and wanted[name] != value]
        return [name for name in changed if name in known or wanted[name] != DEFAULTS[name]]

    @property
    def trained_on_all(self) -> bool:
        """Whether its last training kept no photo for validation or test."""
        return bool(self.seen) and not any(len(self.seen[split]) for split in ("val", "test"))

    def split_file(self, root: Path) -> str | None:
        """The ``split.csv`` of the checkpoint's run, if it has one for the photos below ``root``.

        A new split would test on photos that were trained on.
        """
        run = run_of(self.path)
        file = run / SPLIT_CSV if run else None
        known = set(chain.from_iterable(self.seen[split].tolist() for split in SPLITS if self.seen))
        return str(file) if file and file.is_file() and is_split_of(file, root, known) else None

    def check_classes(self, data: PostureData) -> None:
        """Refuse a folder with other classes.

        Raises:
            UserError: The classes or their order differ.
        """
        if self.class_names != data.class_names:
            raise UserError(
                f"checkpoint {self.path} was trained on the classes {shortlist(self.class_names)}, but {data.photos.source} has "
                f"{shortlist(data.class_names)}; give the folder that it was trained on"
            )
