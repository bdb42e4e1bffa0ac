"""Perceptual hashes, and crops found in their photo."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from posture_classifier.data.scan.alignment import aligned_correlation, overlay_correlation
from posture_classifier.data.scan.near_duplicates import perceptual_hash
from tests.helpers.check_folders import scene


def sketch(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 500))
def test_the_hash_knows_a_copy_and_no_other(seed: int) -> None:
    image = scene(0, seed)
    smaller, mirrored, other = image.resize((100, 75)), ImageOps.mirror(image), scene(0, seed + 1)
    hashes = perceptual_hash(np.stack([sketch(picture) for picture in (image, smaller, mirrored, other)]))
    distances = np.bitwise_count(hashes ^ hashes[0])
    assert distances[1] <= 6
    assert distances[2:].min() > 6


def test_a_crop_is_found_in_its_photo_and_in_no_other() -> None:
    whole = scene(0, 1, (320, 240))
    crop = whole.crop((20, 10, 300, 220))
    assert aligned_correlation(sketch(whole), sketch(crop)) > 0.98
    assert aligned_correlation(sketch(scene(0, 2, (320, 240))), sketch(crop)) < 0.9
    mirrored = ImageOps.mirror(crop)
    assert aligned_correlation(sketch(whole), sketch(mirrored)) < 0.9 < 0.97 < overlay_correlation(sketch(whole), sketch(mirrored))
