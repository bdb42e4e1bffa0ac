"""Decides whether a network that is trained will answer by the mean over mirror images."""

from lightning.pytorch import Trainer

from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.data.module import PostureData
from posture_classifier.models.classifier import PostureClassifier


def decide_mirror_averaging(model: PostureClassifier, data: PostureData, trainer: Trainer) -> None:
    """Set ``average_mirrored`` where it is None, so that the checkpoint says which.

    It is on where the network stays frozen to the end, and mirror images mean the same by what
    trains it. Fine-tuned networks have learnt from mirror images, and did not gain by it.
    """
    if model.hparams["average_mirrored"] is None:
        (unfreezing,) = [c for c in trainer.callbacks if isinstance(c, ProgressiveUnfreezing)]  # type: ignore[attr-defined]
        stays_frozen = unfreezing.plan(len(model.stages), trainer.max_epochs)[0] == 1
        model.hparams["average_mirrored"] = stays_frozen and data.augmentation is not None and data.augmentation.mirrors
