"""The graph makes the squares that Pillow makes, of photos of any size, in every format."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from posture_classifier.export.preprocessing_graph import GraphPreprocessing
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.utils.errors import UserError
from tests.helpers.squares import LARGE, SHAPES, drawn, preprocessings

SMOOTH = [name for name in preprocessings() if name.split()[1] not in ("nearest", "box")]
PLAIN = preprocessings()["crop bicubic"]


@pytest.mark.parametrize("name", SMOOTH)
def test_squares_are_equal_to_pillows(name: str) -> None:
    _assert_equal(preprocessings()[name], SHAPES)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOOTH)
def test_squares_of_large_photos_are_equal(name: str) -> None:
    _assert_equal(preprocessings()[name], [LARGE])


@pytest.mark.parametrize("size", [16, 31, 128])
def test_squares_of_every_size_are_equal(size: int) -> None:
    _assert_equal(replace(PLAIN, image_size=size), SHAPES)


def test_squares_of_the_first_version_are_equal() -> None:
    agreed = [shape for shape in SHAPES if shape not in ((201, 150), (256, 3), (240, 97))]  # where all of Pillow's versions agree
    _assert_equal(replace(PLAIN, version=1), agreed)


def _assert_equal(preprocessing: Preprocessing, shapes: list[tuple[int, int]]) -> None:
    graph = GraphPreprocessing(preprocessing)
    for shape in shapes:
        photo = drawn(*shape)
        made, expected = graph.square(torch.from_numpy(photo)).numpy(), preprocessing.square(Image.fromarray(photo))
        assert np.array_equal(made, expected), f"{shape}: {np.abs(made.astype(int) - expected).max()} levels"


def test_it_normalises_as_the_program_does() -> None:
    photo = drawn(20, 50)
    square = torch.from_numpy(PLAIN.square(Image.fromarray(photo)).copy())
    expected = PLAIN.normalise(square.permute(2, 0, 1)[None])
    assert torch.equal(GraphPreprocessing(PLAIN)(torch.from_numpy(photo)), expected)


@pytest.mark.parametrize(
    "preprocessing",
    [replace(PLAIN, interpolation="nearest"), replace(PLAIN, interpolation="box"), replace(PLAIN, version=1, resize="pad")],
)
def test_what_only_pillow_computes_is_refused(preprocessing: Preprocessing) -> None:
    with pytest.raises(UserError, match="cannot be exported"):
        GraphPreprocessing(preprocessing)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name == "crop bicubic" else pytest.mark.slow) for name in SMOOTH])
def test_exported_squares_are_equal_for_every_shape(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    preprocessing = replace(preprocessings()[name], mean=(0.0, 0.0, 0.0), std=(1 / 255,) * 3)  # back to 0 to 255
    dynamic = {"image": {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}}
    example = (torch.from_numpy(drawn(30, 50)),)
    exported = torch.export.export(GraphPreprocessing(preprocessing), example, dynamic_shapes=dynamic)
    program = torch.onnx.export(exported, dynamo=True, input_names=["image"], verbose=False)
    assert program is not None
    program.save(tmp_path / "graph.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "graph.onnx")
    for shape in SHAPES:
        photo = drawn(*shape)
        expected = preprocessing.square(Image.fromarray(photo)).transpose(2, 0, 1)[None]
        for made in (exported.module()(torch.from_numpy(photo)).numpy(), session.run(None, {"image": photo})[0]):
            assert np.array_equal(made.round(), expected), shape
