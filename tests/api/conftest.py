"""A run of the function ``train``, for all tests here."""

from pathlib import Path
from typing import Any

import pytest

from posture_classifier import Run, train
from tests.helpers.photos import draw_photos

TINY: dict[str, Any] = {
    "model": {"backbone": "lenet5", "pretrained": False, "image_size": 32},
    "data": {"num_workers": 0, "batch_size": 4, "augmentation": [], "val_fraction": 0.2, "test_fraction": 0.2},
}
"""Options of a training that takes a second."""
PEOPLE = r"person\d+"


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=6, each=2, classes=("left", "right"))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Run:
    folder = str(tmp_path_factory.mktemp("run"))
    return train(photos, PEOPLE, epochs=2, report=False, trainer={"default_root_dir": folder, "accelerator": "cpu"}, **TINY)
