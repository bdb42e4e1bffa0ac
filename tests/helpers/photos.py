"""Tiny drawn photos."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from posture_classifier.data.folder import Photos
from posture_classifier.data.string_array import StringArray


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(path: Path) -> None:
    """A PNG of some hundred bytes that claims 30,000 x 30,000 pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b""))


def photos_of(groups: list[list[int]], n_classes: int) -> Photos:
    """One photo for every label listed under a group."""
    pairs = [(f"g{group}", label) for group, labels in enumerate(groups) for label in labels]
    return Photos(
        root=Path("photos"),
        classes=tuple(f"class{label}" for label in range(n_classes)),
        paths=StringArray(f"class{label}/{group}_{i}.jpg" for i, (group, label) in enumerate(pairs)),
        labels=np.array([label for _, label in pairs], dtype=np.int64),
        groups=StringArray(group for group, _ in pairs),
        splits=np.full(len(pairs), "", dtype="<U5"),
        grouped=True,
        rows=np.arange(len(pairs)),
    )


DrawFolder = Callable[..., Path]


def draw(label: int, seed: int, size: int = 40) -> Image.Image:
    """Draw a bright square on noise: left for label 0, right for 1, lower for higher labels."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 120, (size, size, 3), dtype=np.uint8)
    top, left = 4 + 8 * (label // 2), 4 if label % 2 == 0 else size // 2
    pixels[top : top + 14, left : left + 14] = generator.integers(180, 255, 3, dtype=np.uint8)
    return Image.fromarray(pixels)


def draw_photos(root: Path, people: int, each: int, classes: tuple[str, ...], seed: int = 0) -> Path:
    """Draw ``root/<class>/<person>_<n>.png``; each person has photos of every class."""
    for label, class_name in enumerate(classes):
        (root / class_name).mkdir(parents=True)
        for person in range(people):
            for n in range(each):
                draw(label, 100_000 * seed + 1000 * person + 10 * n + label).save(root / class_name / f"person{person}_{n}.png")
    return root


def deepen(grey: Image.Image, kind: str, path: Path) -> None:
    """Write an 8-bit grey picture with more: ``12 bits`` (in 16), ``16 bits`` or ``floats``."""
    values = np.asarray(grey).astype(np.float32)
    if kind == "floats":
        Image.fromarray(values / np.float32(255)).save(path.with_suffix(".tif"))
    else:
        white = {"12 bits": 4095, "16 bits": 65535}[kind]
        Image.fromarray(np.rint(values * (white / 255)).astype(np.uint16)).save(path.with_suffix(".png"))
