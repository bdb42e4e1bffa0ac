"""What a trainer holds, by its type, which Lightning does not declare."""

from typing import TypeVar

from lightning.pytorch import Callback, Trainer

from posture_classifier.data.module import PostureData

Kind = TypeVar("Kind", bound=Callback)


def data_of(trainer: Trainer) -> PostureData:
    """Return the data module of a trainer, which must be ``PostureData``."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    assert isinstance(data, PostureData)
    return data


def callbacks_of(trainer: Trainer, kind: type[Kind]) -> list[Kind]:
    """Return the callbacks of a trainer that are of a class or of one below it, in their order."""
    return [callback for callback in trainer.callbacks if isinstance(callback, kind)]  # type: ignore[attr-defined]
