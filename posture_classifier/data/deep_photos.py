"""The photos of a data set that have more than 8 bits a value, and what is white in all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from posture_classifier.images.decode import DecodeError, deep_value
from posture_classifier.images.depth import FULL_RANGE, WhiteLevels, white_levels
from posture_classifier.utils.threads import map_in_threads


@dataclass(frozen=True)
class DeepPhotos:
    """How many photos of a data set have more than 8 bits a value, and what is white in them."""

    integers: int = 0
    floats: int = 0
    white: WhiteLevels = FULL_RANGE

    def __len__(self) -> int:
        return self.integers + self.floats

    def describe(self, white: WhiteLevels | None) -> str:
        """Say what is white in these photos, as the end of a sentence.

        ``white`` has the values that are used, which may be those of a checkpoint.
        """
        if white is None:
            return "each scaled by its own brightest value, as when its checkpoint was trained"
        levels = [f"{white.integer:g}"] if self.integers else []
        if self.floats:
            levels.append(f"{white.floating:g}{' in those of floating-point numbers' if self.integers else ''}")
        return f"whose white is {' and '.join(levels)}"


def find_deep_photos(files: Iterable[str | Path]) -> DeepPhotos:
    """Look at the headers of all files, and decode those of more than 8 bits.

    Files that cannot be read do not count.
    """
    found = [value for value in map_in_threads(_value, files) if value is not None]
    whole, floating = ([value for is_float, value in found if is_float == kind] for kind in (False, True))
    return DeepPhotos(len(whole), len(floating), white_levels(max(whole, default=None), max(floating, default=None)))


def _value(file: str | Path) -> tuple[bool, float] | None:
    try:
        return deep_value(file)
    except DecodeError:
        return None
