"""Made sets of video frames: few people, each filmed while a posture slowly changes."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from posture_classifier.utils.types import Ints

NAMES = ("anna", "ben", "chloe", "david", "emma", "felix", "grace", "hugo", "ida", "jonas", "kim", "lena")
CLASSES = ("normal", "turtle")
SIZE = 96
SCALE = 4
"""Pixels drawn for each pixel of a frame: smaller movements than one pixel show, as on a video."""


def draw_videos(root: Path, people: int, frames: int, seed: int = 0, classes: tuple[str, str] = CLASSES) -> Path:
    """Draw ``root/<class>/<name>_<frame>.jpg``: a video of each person whose class changes once.

    A person sits in a room of its own and the head goes slowly forward, so that successive frames
    are nearly one picture, those where the class changes too, while the first and the last are not.

    Args:
        root: Folder to make.
        people: Number of people, at most 12.
        frames: Frames of each person; the first half is of the first class.
        seed: Seed of the rooms, people and movements.
        classes: The two classes.
    """
    for name in classes:
        (root / name).mkdir(parents=True)
    for person, name in enumerate(NAMES[:people]):
        for frame, (picture, label) in enumerate(zip(*draw_video(frames, seed=1000 * seed + person), strict=True)):
            picture.save(root / classes[label] / f"{name}_{frame:04d}.jpg", quality=90)
    return root


def draw_video(frames: int, seed: int) -> tuple[list[Image.Image], list[int]]:
    """Draw the frames of one person, and the class of each: 0, then 1."""
    generator = np.random.default_rng(seed)
    room, colours = _room(generator), generator.integers(30, 220, (2, 3))
    place, length = generator.uniform(0.35, 0.5), generator.uniform(0.05, 0.12)
    sway = np.cumsum(generator.normal(0, 0.0015, (frames, 2)), axis=0)
    forward = np.linspace(-1, 1, frames) * length / 2
    pictures = []
    for (x, y), lean in zip(sway, forward, strict=True):
        picture = room.copy()
        _draw_person(ImageDraw.Draw(picture), place + x, 0.35 + y, lean, colours)
        pixels = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX)).astype(np.float32)
        noisy = pixels + generator.normal(0, 2, pixels.shape)
        pictures.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    return pictures, (np.arange(frames) >= frames // 2).astype(int).tolist()


def _room(generator: np.random.Generator) -> Image.Image:
    """A blurred wall with furniture, at ``SCALE`` times the size."""
    wall = generator.integers(40, 230, (5, 5, 3), dtype=np.uint8)
    room = Image.fromarray(wall).resize((SIZE * SCALE, SIZE * SCALE), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(room)
    for _ in range(6):
        left, top = (generator.uniform(0, 0.9, 2) * SIZE * SCALE).tolist()
        width, height = (generator.uniform(0.08, 0.4, 2) * SIZE * SCALE).tolist()
        pen.rectangle((left, top, left + width, top + height), fill=tuple(generator.integers(0, 255, 3).tolist()))
    return room.filter(ImageFilter.GaussianBlur(SCALE))


def _draw_person(pen: ImageDraw.ImageDraw, x: float, y: float, lean: float, colours: Ints) -> None:
    """A body from the side whose head is at (x + lean, y), as shares of the picture's sides."""
    side = SIZE * SCALE
    skin, shirt = (tuple(colour.tolist()) for colour in colours)
    pen.ellipse([side * v for v in (x - 0.15, y + 0.2, x + 0.15, y + 1.2)], fill=shirt)
    pen.line([side * v for v in (x, y + 0.28, x + lean, y)], fill=skin, width=round(0.09 * side))
    pen.ellipse([side * v for v in (x + lean - 0.1, y - 0.13, x + lean + 0.1, y + 0.12)], fill=skin)
    pen.polygon([side * v for v in (x + lean + 0.08, y - 0.03, x + lean + 0.15, y + 0.02, x + lean + 0.08, y + 0.03)], fill=skin)
