"""Photos that resemble each other, as those of a burst do."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from tests.helpers.program import REPOSITORY


def draw_bursts(root: Path, n_scenes: int, shots: int) -> Path:
    """Draw random crops of photos, half mirrored, in classes that say nothing of the scene."""
    generator = np.random.default_rng(0)
    for scene in range(n_scenes):
        (picture,) = (REPOSITORY / "data" / "turtle_neck").glob(f"*/subject-{scene:02}_00.jpg")
        label = root / ("a", "b")[scene % 2]
        label.mkdir(parents=True, exist_ok=True)
        for shot in range(shots):
            image = draw_shot(Image.open(picture), generator)
            image.save(label / f"{generator.integers(10**9)}_{scene}_{shot}.jpg", quality=int(generator.integers(70, 95)))
    return root


def draw_shot(image: Image.Image, generator: np.random.Generator, least: float = 0.85) -> Image.Image:
    """Crop at least this share of the sides at random; other brightness, and half are mirrored."""
    share = generator.uniform(least, 1)
    width, height = (int(share * side) for side in image.size)
    x, y = (int(generator.integers(0, room + 1)) for room in (image.width - width, image.height - height))
    image = ImageEnhance.Brightness(image.crop((x, y, x + width, y + height))).enhance(generator.uniform(0.8, 1.2))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if generator.random() < 0.5 else image


def draw_handheld(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Take the photo again from the hand: nearer, turned by up to 6 degrees, in perspective."""
    size, share, angle = np.array(image.size), generator.uniform(0.75, 0.9), np.radians(generator.uniform(-6, 6))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) / 2 * size * share @ turn
    corners += generator.uniform(-0.04, 0.04, (4, 2)) * size + size / 2 + generator.uniform(-1, 1, 2) * size * (1 - share) / 4
    taken = image.transform(image.size, Image.Transform.QUAD, corners.ravel().tolist(), Image.Resampling.BILINEAR)
    return ImageEnhance.Brightness(taken).enhance(generator.uniform(0.85, 1.15))
