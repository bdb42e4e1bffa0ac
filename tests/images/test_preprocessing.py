"""Every version of Pillow makes the same square of a photo; old checkpoints keep their own."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.utils.errors import UserError
from tests.helpers.program import REPOSITORY
from tests.helpers.squares import SHAPES, digest, drawn, preprocessings

OTHER_PILLOW = "11.3.0" if PIL.__version__ != "11.3.0" else "13.0.0"
DIGESTS = {
    "crop nearest": "982d07d73e62966b",
    "crop box": "6b0f8620dd248e60",
    "crop bilinear": "da413e1be6b722e9",
    "crop hamming": "d6545f820f01a4b3",
    "crop bicubic": "7a7065c1ad3a8f12",
    "crop lanczos": "167386717923d957",
    "pad nearest": "33a5b997f1cd19d4",
    "pad box": "1b02c433eca76785",
    "pad bilinear": "ff624dc57da78d12",
    "pad hamming": "e45bf349d6625fcd",
    "pad bicubic": "6c7e64868194d0a7",
    "pad lanczos": "b4616d56d8c32628",
}
"""Of the squares of ``SHAPES``, as Pillow 11.3.0 and 13.0.0 both gave them."""
PLAIN = Preprocessing(32, mean=(0.485, 0.456, 0.406), std=(0.5, 0.5, 0.5))


@pytest.mark.parametrize("name", DIGESTS)
def test_squares_are_those_of_two_versions_of_pillow(name: str) -> None:
    assert digest(preprocessings()[name], SHAPES) == DIGESTS[name]


@pytest.mark.slow
def test_files_become_the_same_squares_by_another_pillow(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path / "other")]
    installed = subprocess.run([*pip, f"pillow=={OTHER_PILLOW}"], check=False, capture_output=True, text=True, timeout=120)
    if installed.returncode:
        pytest.skip(f"Pillow {OTHER_PILLOW} cannot be installed: {installed.stderr.strip().splitlines()[-1]}")
    files = [str(path) for path in sorted((REPOSITORY / "data" / "turtle_neck").rglob("*.jpg"))[:5]]
    for height, width in SHAPES:
        files.append(str(tmp_path / f"{height}x{width}.png"))
        Image.fromarray(drawn(height, width)).save(files[-1])
    large = Image.fromarray(drawn(30, 40)).resize((4000, 3000), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=90)  # decoded at a smaller scale
    here, there = (_squares([*files, str(tmp_path / "large.jpg")], folders) for folders in ([], [tmp_path / "other"]))
    assert (here["pillow"], there["pillow"]) == (PIL.__version__, OTHER_PILLOW)
    assert here["digests"] == there["digests"]


def _squares(files: list[str], first: list[Path]) -> dict[str, object]:
    """What ``squares.main`` prints where packages are looked for in these folders first."""
    path = os.pathsep.join([*map(str, first), str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "tests.helpers.squares", *files]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}, cwd=REPOSITORY, timeout=280
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize(
    ("shape", "cut"), [((32, 45), np.s_[:, 6:38]), ((45, 32), np.s_[6:38, :]), ((32, 32), np.s_[:, :]), ((33, 32), np.s_[0:32, :])]
)
def test_the_cut_is_of_whole_pixels(shape: tuple[int, int], cut: tuple[slice, slice]) -> None:
    photo = drawn(*shape)
    assert np.array_equal(PLAIN.square(Image.fromarray(photo)), photo[cut])


@pytest.mark.parametrize(
    ("shape", "rows"),
    [
        ((5, 20), range(12, 20)),
        ((7, 20), range(10, 21)),  # 11.2 rows, of which one more of the grey ones lies below
        ((5, 64), range(14, 17)),  # 2.5 rows
        ((1, 300), range(15, 16)),  # 0.1 rows
        ((20, 20), range(32)),
    ],
)
def test_padding_is_of_whole_pixels(shape: tuple[int, int], rows: range) -> None:
    white = np.full((*shape, 3), 255, np.uint8)
    padding = replace(PLAIN, resize="pad")
    square = padding.square(Image.fromarray(white))
    assert np.flatnonzero((square == 255).all(axis=(1, 2))).tolist() == list(rows)
    assert square[rows[0] - 1, 0].tolist() == ([124, 116, 104] if rows[0] else [255] * 3)
    turned = padding.square(Image.fromarray(white.transpose(1, 0, 2)))
    assert np.array_equal(turned, square.transpose(1, 0, 2))


def test_values_without_a_version_are_those_of_the_first() -> None:
    values = PLAIN.to_dict()
    assert values["version"] == 2
    assert Preprocessing.from_dict(values) == PLAIN
    del values["version"]
    old = Preprocessing.from_dict(values)
    assert old == replace(PLAIN, version=1)
    assert old.geometry != PLAIN.geometry, "cached pixels differ"


@pytest.mark.parametrize("version", [0, 3, "2", None])
def test_a_later_version_is_refused(version: object) -> None:
    with pytest.raises(UserError, match=r"preprocessing\.version"):
        Preprocessing.from_dict(PLAIN.to_dict() | {"version": version})


@pytest.mark.parametrize(("resize", "expected"), [("crop", "2f86daf188c3d82d"), ("pad", "57ac575286769d0a")])
def test_the_first_version_is_what_it_was(resize: str, expected: str) -> None:
    old = Preprocessing.from_dict(
        {"image_size": 32, "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize": resize}
    )
    assert digest(old, [(17, 40), (90, 175), (150, 200), (40, 40)]) == expected  # shapes that all of Pillow's versions agree on


def test_a_new_network_has_the_present_version() -> None:
    model = PostureClassifier(["left", "right"], backbone="test_resnet", pretrained=False, image_size=32)
    assert model.preprocessing.version == model.hparams["preprocessing"]["version"] == 2
