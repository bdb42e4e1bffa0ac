"""Random changes to training photos, by albumentations transforms that YAML lists."""

import hashlib
import os
import random
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_classifier.utils.errors import UserError

# albumentations asks PyPI for a newer version when it is imported, unless it is told not to.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

Transforms = list[dict[str, Any]]
Pixels = npt.NDArray[np.uint8]
DEFAULT_TRANSFORMS: Transforms = [
    {"class_path": "albumentations.HorizontalFlip", "init_args": {"p": 0.5}},
    {
        "class_path": "albumentations.Affine",
        # 4 is cv2.BORDER_REFLECT_101: black corners would give an augmented photo away.
        "init_args": {"scale": [0.85, 1.15], "translate_percent": [-0.06, 0.06], "rotate": [-5, 5], "border_mode": 4, "p": 0.8},
    },
    {"class_path": "albumentations.RandomBrightnessContrast", "init_args": {"p": 0.5}},
    {"class_path": "albumentations.HueSaturationValue", "init_args": {"p": 0.3}},
]
"""Augmentation for people: mirroring, and mild changes of scale, place, light and colour.

No vertical flip and at most 5 degrees: posture is an angle."""


class Augmentation:
    """Applies transforms whose parameters depend on seed, epoch and photo only.

    With albumentations 2.0.8 alone every DataLoader worker draws the same numbers, and repeats them
    each epoch. Here no generator lives longer than one photo, so neither workers, ranks nor
    resuming change the parameters.

    Args:
        transforms: ``{"class_path": ..., "init_args": {...}}`` each; transforms may be nested in
            ``init_args``.
        seed: The run's seed.

    Raises:
        UserError: A transform does not exist or rejects its arguments.

    Example:
        >>> flip = {"class_path": "albumentations.HorizontalFlip", "init_args": {"p": 0.5}}
        >>> augmentation = Augmentation([flip], seed=0)
        >>> augmentation(np.zeros((40, 30, 3), dtype=np.uint8), epoch=3, index=12).shape
        (40, 30, 3)
    """

    def __init__(self, transforms: Transforms, seed: int) -> None:
        import albumentations

        self.seed = seed
        self.compose = albumentations.Compose([_build_transform(transform) for transform in transforms])

    def check(self, size: int) -> None:
        """Try some draws on an image of the network's size.

        An error in a DataLoader worker would be a traceback.

        Raises:
            UserError: A transform fails, or returns something else than a uint8 RGB image of the
                same size.
        """
        image = np.zeros((size, size, 3), dtype=np.uint8)
        for index in range(10):
            try:
                result = self(image, 0, index)
            except (TypeError, ValueError) as error:
                raise UserError(f"data.augmentation fails: {' '.join(str(error).split())}") from error
            if not isinstance(result, np.ndarray) or result.dtype != np.uint8 or result.shape[2:] != (3,):
                raise UserError(
                    "data.augmentation must return uint8 RGB images; leave out Normalize and ToTensorV2, since normalising is part "
                    "of the preprocessing"
                )
            if result.shape != image.shape:
                raise UserError(
                    f"data.augmentation turns {size} x {size} pixels, the size that the network is evaluated at, into "
                    f"{result.shape[1]} x {result.shape[0]}; let it return {size} x {size} or set model.image_size; Affine scales "
                    "and keeps the size"
                )

    def __call__(self, image: Pixels, epoch: int, index: int) -> Pixels:
        """Change an image (H, W, 3) of uint8 with the parameters of an epoch and an index."""
        seed = int.from_bytes(hashlib.blake2b(f"{self.seed}/{epoch}/{index}".encode(), digest_size=8).digest())
        # set_random_seed would give every transform the same numbers: mirrored photos would always
        # be the brighter ones.
        self.compose.set_random_state(np.random.default_rng(seed), random.Random(seed))
        result: Pixels = self.compose(image=image)["image"]
        return result


def _build_transform(description: Any) -> Any:
    if not isinstance(description, dict) or "class_path" not in description:
        raise UserError(f"data.augmentation: {description} is not a transform; write class_path, and init_args if it has any")
    return _instantiate(description)


def _instantiate(value: Any) -> Any:
    """Build the transforms that ``class_path`` names, innermost first."""
    if isinstance(value, list):
        return [_instantiate(item) for item in value]
    if not isinstance(value, dict) or "class_path" not in value:
        return value
    name, arguments = value["class_path"], value.get("init_args") or {}
    if extra := sorted(str(key) for key in value.keys() - {"class_path", "init_args"}):
        raise UserError(f"data.augmentation: {name} has the unknown key {extra[0]}; use class_path and init_args")
    if not isinstance(arguments, dict):
        raise UserError(f"data.augmentation: the init_args of {name} are no arguments; write them like init_args: {{p: 0.5}}")
    transform = _import_transform(name)
    arguments = {key: _instantiate(item) for key, item in arguments.items()}
    try:
        with warnings.catch_warnings():
            # albumentations only warns of an unknown argument, and ignores it.
            warnings.simplefilter("error", UserWarning)
            return transform(**arguments)
    # A transform may say in any kind of exception that it does not take its arguments.
    except Exception as error:
        raise UserError(f"data.augmentation: {name} rejects its arguments: {' '.join(str(error).split())}") from error


def _import_transform(class_path: Any) -> type:
    """Find a transform of albumentations.

    A YAML file may come from somebody else, and to import a module is to execute it, so the class's
    place is looked at before and its kind after.
    """
    from albumentations import BaseCompose, BasicTransform

    module, _, name = str(class_path).rpartition(".")
    module = module or "albumentations"
    found = None
    if module.partition(".")[0] == "albumentations":
        with suppress(ImportError):
            found = getattr(import_module(module), name, None)
    if not isinstance(found, type) or not issubclass(found, (BasicTransform, BaseCompose)):
        raise UserError(
            f"data.augmentation: {class_path} is no transform of albumentations, and nothing else is imported or called; write "
            "it like albumentations.HorizontalFlip"
        )
    return found
