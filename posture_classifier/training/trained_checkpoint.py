"""The checkpoint that a training resumes or an evaluation uses, with its checks of the photos."""

from dataclasses import dataclass
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_warn

from posture_classifier.data.module import PostureData
from posture_classifier.data.split import is_split_of
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.runs.folder import run_of
from posture_classifier.runs.names import SPLIT_CSV
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist

LINKED = ("class_names", "class_counts", "white_levels")
"""Arguments of the model that the data gives."""


@dataclass(frozen=True)
class TrainedCheckpoint:
    """What a checkpoint says about the training that wrote it.

    Attributes:
        path: The file.
        model: Arguments of ``PostureClassifier``, without those that the data gives.
        class_names: Class names in the order of the labels.
        seen: Digests of the photos of each split, by the split's name.
    """

    path: Path
    model: dict[str, Any]
    class_names: list[str]
    seen: dict[str, torch.Tensor]

    @classmethod
    def read(cls, path: Path) -> "TrainedCheckpoint":
        """Read a checkpoint of this program.

        Raises:
            UserError: It cannot be loaded safely, or was written by another program.
        """
        checkpoint = read_checkpoint(path)
        # An argument that did not exist when the checkpoint was written had what is now its
        # default.
        defaults = {name: parameter.default for name, parameter in signature(PostureClassifier).parameters.items()}
        arguments = defaults | checkpoint["hyper_parameters"]
        model = {name: value for name, value in arguments.items() if name not in LINKED}
        return cls(path, model, list(arguments["class_names"]), checkpoint.get(PostureData.__qualname__, {}))

    def split_file(self, root: Path) -> str | None:
        """The ``split.csv`` of the checkpoint's run, if it has one for the photos below ``root``.

        A new split would test on photos that were trained on.
        """
        run = run_of(self.path)
        file = run / SPLIT_CSV if run else None
        known = set(chain.from_iterable(digests.tolist() for digests in self.seen.values()))
        return str(file) if file and file.is_file() and is_split_of(file, root, known) else None

    def check_classes(self, data: PostureData) -> None:
        """Refuse a folder with other classes.

        Raises:
            UserError: The classes or their order differ.
        """
        if self.class_names != data.class_names:
            raise UserError(
                f"checkpoint {self.path} was trained on the classes {shortlist(self.class_names)}, but {data.root} has "
                f"{shortlist(data.class_names)}; give the folder that it was trained on"
            )

    def check_unseen(self, data: PostureData) -> None:
        """Refuse to evaluate on photos that the checkpoint learnt from.

        Photos are known by their content, whatever their files are called. If the split is given,
        copies of one photo on two sides of it are only a warning.

        Raises:
            UserError: The split is a new one and puts photos that were trained on into ``val`` or
                ``test``.
        """
        for split in ("val", "test") if self.seen else ():
            seen = data.seen_before(split, self.seen)
            if not seen:
                continue
            message = (
                f"{plural(seen, 'photo')} of the {len(data.photos.in_split(split))} {split} photos below {data.root} "
                f"{'was' if seen == 1 else 'were'} used to train {self.path} or to choose its epoch"
            )
            if data.split is None:
                raise UserError(f"{message}, so results would be too good; give the split.csv of its run as --data.split")
            rank_zero_warn(f"{message}: copies of one photo lie on two sides of the split")
