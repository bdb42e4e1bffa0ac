"""What is trained where a command line chooses nothing about the network: ``configs/best.yaml``."""

from typing import Any

import yaml

from posture_classifier.utils.shipped import shipped

NAME = "configs/best.yaml"
CHOICES = ("--config", "--model", "--unfreezing")
"""Beginnings of options that choose something; everything else goes with the recommended recipe,
and wins over it."""
SENTENCE = f"Nothing was chosen about the network, so {NAME} holds; its weights came with the program."


def chooses_nothing(options: list[str]) -> bool:
    """Whether options of ``fit`` leave the network and its training to the program.

    Example:
        >>> chooses_nothing(["--data.root", "photos", "--trainer.max_epochs", "3"])
        True
        >>> chooses_nothing(["--data.root", "photos", "--model.backbone", "resnet18"])
        False
    """
    return not any(option.startswith(CHOICES) for option in options)


def recommended(options: list[str]) -> list[str]:
    """The options with the recommended recipe before them, so that each of them wins."""
    return ["--config", str(shipped(NAME)), *options]


def is_recommended(model: dict[str, Any]) -> bool:
    """Whether a checkpoint's model is that of the recommended recipe."""
    recipe: dict[str, Any] = yaml.safe_load(shipped(NAME).read_text(encoding="utf-8"))["model"]
    return all(model.get(name) == value for name, value in recipe.items())
