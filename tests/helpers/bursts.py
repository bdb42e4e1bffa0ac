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
            image: Image.Image = Image.open(picture)
            side = int(256 * generator.uniform(0.85, 1))
            x, y = generator.integers(0, 256 - side + 1, 2)
            image = ImageEnhance.Brightness(image.crop((x, y, x + side, y + side))).enhance(generator.uniform(0.8, 1.2))
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if generator.random() < 0.5 else image
            image.save(label / f"{generator.integers(10**9)}_{scene}_{shot}.jpg", quality=int(generator.integers(70, 95)))
    return root
