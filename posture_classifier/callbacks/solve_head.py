"""Solves the head before the first step, where ``model.head_solver`` asks for it."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from posture_classifier.callbacks.frozen_cache import FrozenCache
from posture_classifier.callbacks.of_trainer import callbacks_of, data_of
from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.data.folder import ungrouped
from posture_classifier.data.loaders import CachedFeatures
from posture_classifier.data.module import PostureData
from posture_classifier.data.network_outputs import network_outputs
from posture_classifier.data.split import divide
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.frozen_prefix import Cut
from posture_classifier.models.head_features import count_features
from posture_classifier.models.linear_head import LinearHead, LogisticRegression, Samples, SolvedHead
from posture_classifier.models.mirror_averaging import with_mirrored
from posture_classifier.models.stages import classifiers
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.memory import available_memory
from posture_classifier.utils.types import Ints

FOLDS = 5
"""Folds of the training photos that choose the penalty where there are no validation photos."""
BYTES = 5 * 8
"""Memory that a feature of a training photo takes: in double precision as it is, in a fold and
scaled, and for what is computed with it."""


class SolveHead(Callback):
    """Solves the head on the training photos' features, once, when the first epoch begins.

    The photos are seen as they are, by the network in evaluation mode, and where it averages over
    mirror images (``model.average_mirrored``) these too; features that are cached are read. The
    head is the network's own linear layer, so that nothing else need know. In that epoch, and until
    another stage opens, the schedule gives the head no steps (``ProgressiveUnfreezing``), so that
    its figures are those of the solved head; if none opens, training ends after the epoch. Rank 0
    solves, and the others take over its bits.

    Attributes:
        solution: The penalty that was chosen, by what, and the log loss there, for
            ``summary.json``; None if no head was solved.

    Example:
        >>> trainer = Trainer(accelerator="cpu", logger=False, callbacks=[SolveHead()])
    """

    def __init__(self) -> None:
        self.solution: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """What was chosen, for the summary of a resumed run."""
        return {"solution": self.solution}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore it."""
        self.solution = state_dict.get("solution")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once if a resumed run has nothing left to learn."""
        trainer.should_stop |= trainer.current_epoch > 0 and nothing_learns(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Solve the head in the first epoch; a collective call."""
        assert isinstance(pl_module, PostureClassifier)
        if not pl_module.solves_head or trainer.current_epoch > 0:
            return
        data = data_of(trainer)
        if data.feature_cache is not None:
            _fill_cache(data.feature_cache, data.has_val, mirrors=bool(pl_module.hparams["average_mirrored"]))
        start = time.perf_counter()
        solved = trainer.strategy.broadcast(_solve(trainer, pl_module, data) if trainer.is_global_zero else None)
        assert solved is not None
        _write(solved.head, pl_module)
        self.solution = {"C": solved.c, "chosen_by": "validation" if data.has_val else "folds", "log_loss": solved.log_loss}
        if trainer.is_global_zero:
            say(_describe(trainer, self.solution, time.perf_counter() - start))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop if no other stage will open."""
        trainer.should_stop |= nothing_learns(trainer)


def nothing_learns(trainer: Trainer) -> bool:
    """Whether a training never takes a step that changes the network: its solved head is final."""
    schedules = [unfreezing.schedule for unfreezing in callbacks_of(trainer, ProgressiveUnfreezing)]
    epochs = math.inf if trainer.max_epochs in (None, -1) else trainer.max_epochs
    return any(schedule.openings[0] >= epochs for schedule in schedules)


def _fill_cache(feature_cache: Callable[[str, int], CachedFeatures], has_val: bool, mirrors: bool) -> None:
    for epoch in (0, 1) if mirrors else (0,):  # the second epoch's photos are mirror images
        feature_cache("train", epoch)
    if has_val:
        feature_cache("val", 0)


def _solve(trainer: Trainer, model: PostureClassifier, data: PostureData) -> SolvedHead:
    (classifier,) = classifiers(model.backbone)
    weights = model.loss_weights.cpu() if isinstance(model.loss_weights, Tensor) else None
    regression = LogisticRegression(
        len(data.class_names), weights, model.hparams["label_smoothing"], has_bias=classifier.bias is not None
    )
    train = _samples(trainer, model, data, "train")
    if data.has_val:
        return regression.choose_by_validation(train, _samples(trainer, model, data, "val"))
    return regression.choose_by_folds(train, _folds(data))


def _samples(trainer: Trainer, model: PostureClassifier, data: PostureData, split: str) -> Samples:
    """The features of a split's photos in double precision, and their labels.

    Raises:
        UserError: There is too little memory for them.
    """
    photos, n_features = data.photos.in_split(split), count_features(model.backbone)
    mirrors = bool(model.hparams["average_mirrored"])
    needed, free = BYTES * len(photos) * n_features * (1 + mirrors), available_memory()
    if needed > free:
        raise UserError(
            f"model.head_solver lbfgs needs {needed / 1e9:.1f} GB of memory for {n_features:,} features of {len(photos):,} photos, "
            f"and {free / 1e9:.1f} GB are free; leave it out"
        )
    caches = [cache.frozen_part for cache in callbacks_of(trainer, FrozenCache)]
    views = torch.empty(1 + mirrors, len(photos), n_features, dtype=torch.float64)

    def compute(images: Tensor, cut: Cut | None) -> Tensor:
        return model.features(with_mirrored(images) if mirrors and cut is None else images, cut).cpu().double()

    outputs = network_outputs(model, data, split, np.arange(len(photos)), compute, next(iter(caches), None))
    for indices, seen in outputs:
        views[:, torch.from_numpy(indices)] = seen.reshape(-1, 1 + mirrors, n_features).transpose(0, 1)
    return Samples(list(views), torch.from_numpy(photos.labels))


def _folds(data: PostureData) -> Ints:
    """The fold (N,) of each training photo, groups whole unless all photos are of one."""
    photos = data.photos.in_split("train")
    if len(photos.groups.unique()[0]) < 2:
        photos = ungrouped(photos)
    return divide(photos, np.ones(min(FOLDS, len(photos.groups.unique()[0]))), data.seed)


@torch.no_grad()
def _write(head: LinearHead, model: PostureClassifier) -> None:
    (classifier,) = classifiers(model.backbone)
    assert isinstance(classifier, nn.Linear)
    classifier.weight.copy_(head.weight)
    if classifier.bias is not None:
        classifier.bias.copy_(head.bias)


def _describe(trainer: Trainer, solution: dict[str, Any], seconds: float) -> str:
    of = "validation photos" if solution["chosen_by"] == "validation" else "training photos that a fold leaves out"
    text = f"the head is solved in {seconds:.1f} s: C {solution['C']:.2g}, log loss of {of} {solution['log_loss']:.3f}"
    if nothing_learns(trainer):
        text += "; no stage opens, so that training ends after this epoch"
    return text
