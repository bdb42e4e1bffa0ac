"""Photos of one style that show other scenes each: skies, and flowers on a lawn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = (160, 120)
Draw = Callable[[np.random.Generator, int], Image.Image]


def draw_look_alikes(root: Path, each: int, seed: int = 0) -> Path:
    """Draw ``root/<class>/<style>_<n>.jpg``: each photo is a scene of its own.

    Three classes of skies differ in how much cloud there is, three of flowers in their petals, so
    all photos of a style look alike, whatever their class.

    Args:
        root: Folder to make.
        each: Photos of each class of each style; the classes of the two styles share their folders.
        seed: Seed of all that is drawn.
    """
    for label in range(3):
        folder = root / f"class{label}"
        folder.mkdir(parents=True)
        for number, (name, draw) in enumerate(STYLES.items()):
            for n in range(each):
                generator = np.random.default_rng([seed, label, number, n])
                draw(generator, label).save(folder / f"{name}_{label}{n:03}.jpg", quality=90)
    return root


def sky(generator: np.random.Generator, label: int) -> Image.Image:
    """White clouds of many sizes on a blue that is paler below; more of them for higher labels."""
    width, height = SIZE
    clouds = np.zeros((height, width))
    for octave in range(1, 6):
        cells = generator.uniform(-1, 1, (3 * 2 ** (octave - 1), 4 * 2 ** (octave - 1))).astype(np.float32)
        clouds += np.asarray(Image.fromarray(cells).resize(SIZE, Image.Resampling.BICUBIC)) / 1.6**octave
    cover = 1 / (1 + np.exp(-8 * (clouds - 0.3 + 0.3 * label)))[..., None]
    blue, pale = generator.integers((50, 110, 180), (90, 150, 230)), generator.integers((150, 180, 210), (200, 220, 250))
    ground = blue + (pale - blue) * np.linspace(0, 1, height)[:, None, None]
    pixels = ground * (1 - cover) + generator.uniform(220, 250) * cover + generator.normal(0, 2, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def flower(generator: np.random.Generator, label: int) -> Image.Image:
    """A few flowers on blurred green; petals are fewer and broader for lower labels."""
    green = generator.integers((20, 60, 10), (110, 170, 80), (9, 12, 3)).astype(np.uint8)
    picture = Image.fromarray(green).resize(SIZE, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    pen = ImageDraw.Draw(picture)
    colour, heart = generator.integers((150, 40, 60), (256, 220, 256)), generator.integers((160, 120, 0), (256, 220, 90))
    for _ in range(generator.integers(1, 4)):
        x, y, radius = generator.uniform((30, 25, 14), (130, 95, 34))
        petals, turn = 5 + 4 * label, generator.uniform(0, np.pi)
        for angle in turn + 2 * np.pi * np.arange(petals) / petals:
            along, across = x + 0.6 * radius * np.cos(angle), y + 0.6 * radius * np.sin(angle)
            size = radius * 2.2 / petals + 1
            shade = tuple((colour * generator.uniform(0.85, 1)).astype(int).tolist())
            pen.ellipse((along - size, across - size, along + size, across + size), fill=shade)
        pen.ellipse((x - radius / 3, y - radius / 3, x + radius / 3, y + radius / 3), fill=tuple(heart.tolist()))
    noisy = np.asarray(picture) + generator.normal(0, 3, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


STYLES: dict[str, Draw] = {"sky": sky, "flower": flower}
