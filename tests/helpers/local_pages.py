"""Asks the local pages for things, as a browser that was let in would."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

from posture_classifier.app.access import Access
from posture_classifier.app.server import build_app
from posture_classifier.app.workplace import Workplace

PORT = 8123
HOME = f"http://127.0.0.1:{PORT}"


def client_of(workplace: Workplace, access: Access | None = None, *, entered: bool = True) -> TestClient:
    """A client of the pages, which sends the Origin of our own pages.

    Args:
        workplace: What the pages work on.
        access: Who may use them.
        entered: Whether it has opened the address that the terminal shows.
    """
    access = access or Access()
    client = TestClient(build_app(workplace, access), HOME, follow_redirects=False, headers={"Origin": HOME})
    if entered:
        assert client.get(f"/?key={access.key}").status_code == 200
    return client


def frame(seed: int, size: tuple[int, int] = (96, 64), noise: int = 0) -> Image.Image:
    """A picture of a camera: equal seeds are one scene, of which each noise is another frame."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    added = np.random.default_rng(1000 + noise).integers(-4, 5, pixels.shape) if noise else 0
    return Image.fromarray(np.clip(pixels + added, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a file."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def send_photo(
    client: TestClient, content: bytes, labels: tuple[str, str, str] = ("left", "anna", "desk"), thin: bool = False
) -> Any:
    """Save a photo of (class, person, session)."""
    query = {"class": labels[0], "person": labels[1], "session": labels[2], "thin": str(thin).lower()}
    return client.post("/api/collect/photo", params=query, content=content, headers={"Content-Type": "image/jpeg"})


def collect(client: TestClient, people: int, each: int, classes: tuple[str, ...] = ("left", "right")) -> None:
    """Save some photos of every person and class."""
    for person in range(people):
        for label, class_name in enumerate(classes):
            for n in range(each):
                content = encoded(frame(1000 * person + 100 * label + n))
                assert send_photo(client, content, (class_name, f"person-{person}", "desk")).status_code == 201


def names_in(root: Path) -> list[str]:
    """All files below a folder, hidden ones too."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
