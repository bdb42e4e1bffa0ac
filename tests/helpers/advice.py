"""Follows the commands that ``check`` prints."""

import shlex

import numpy as np

from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.experiments.cross_validation import COMMAND, _CrossValidationCLI
from posture_classifier.experiments.training_series import parse_settings

FAST = [
    *("--model.backbone", "test_resnet", "--model.pretrained", "false", "--model.image_size", "32", "--data.num_workers", "0"),
    *("--data.augmentation", "[]", "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu", "--report", "false"),
    *("--trainer.enable_progress_bar", "false"),
]
"""Options that make a training short."""


def arguments_of(command: str) -> list[str]:
    """The words of a printed command after the program's name."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "posture_classifier"]
    return words[3:]


def follow(command: str) -> list[Photos]:
    """Split the photos as a printed command would: once, or for each fold."""
    name, *options = arguments_of(command)
    settings, _ = parse_settings(_CrossValidationCLI, COMMAND, options)
    data = PostureData(**settings.data)
    splits = data.choice.every_fold() if name == "crossval" else [data.photos]
    assert all(not split.in_split(part).empty_classes for split in splits for part in ("train", "val"))
    if name == "crossval":
        assert np.sum([split.splits == "test" for split in splits], axis=0).tolist() == [1] * len(splits[0])
    else:
        assert not splits[0].in_split("test").empty_classes
    return splits
