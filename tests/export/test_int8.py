"""int8 changes the network's products only, and keeps the checkpoint's calibration."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from scipy.special import softmax

from posture_classifier.cli.program import main
from posture_classifier.export.formats import load_format
from posture_classifier.export.formats._int8_adjustment import calibration_photos, temperature_factor, with_temperature
from posture_classifier.export.formats._onnx_quantisation import divide_logits, products_of_network, quantise
from posture_classifier.utils.errors import UserError

GENERATOR = np.random.default_rng(0)
PHOTOS = [GENERATOR.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(12)]


@pytest.fixture(scope="module")
def model() -> Any:
    """A model with the parts of an export: preprocessing with a product, network, distance."""
    weights = {
        "kernel": GENERATOR.normal(0, 1e-5, (4, 3, 3, 3)),
        "matrix": GENERATOR.normal(0, 1, (4, 2)),
        "basis": GENERATOR.normal(0, 1, (4, 3)),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], name="floats", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], name="planes", perm=[2, 0, 1]),
        helper.make_node("MatMul", ["planes", "planes"], ["scaled"], name="preprocessing"),
        helper.make_node("Unsqueeze", ["scaled", "first"], ["batch"], name="batch"),
        helper.make_node("Conv", ["batch", "kernel"], ["map"], name="convolution"),
        helper.make_node("Relu", ["map"], ["active"], name="relu"),
        helper.make_node("ReduceMean", ["active", "places"], ["features"], name="mean", keepdims=0),
        helper.make_node("MatMul", ["features", "matrix"], ["rows"], name="head"),
        helper.make_node("Squeeze", ["rows", "first"], ["logits"], name="logits"),
        helper.make_node("Softmax", ["logits"], ["probabilities"], name="softmax", axis=0),
        helper.make_node("MatMul", ["features", "basis"], ["coordinates"], name="familiarity"),
        helper.make_node("Relu", ["coordinates"], ["along"], name="beside"),
        helper.make_node("ReduceMean", ["along"], ["distance"], name="distance", keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", 3])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("distance", TensorProto.FLOAT, []),
        ],
        [
            *(numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()),
            numpy_helper.from_array(np.array([0]), "first"),
            numpy_helper.from_array(np.array([2, 3]), "places"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.fixture(scope="module")
def files(model: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The model, and what was made of it."""
    folder = tmp_path_factory.mktemp("int8")
    onnx.save(model, folder / "plain.onnx")
    quantise(folder / "plain.onnx", folder / "int8.onnx", PHOTOS)
    return folder / "plain.onnx", folder / "int8.onnx"


def outputs(path: Path) -> npt.NDArray[np.float64]:
    """(N, 3) probabilities and distances of the photos."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    return np.array([np.hstack(session.run(None, {"image": photo})) for photo in PHOTOS])


def test_only_products_by_weights_that_the_probabilities_need_and_their_activations_are_quantised(model: Any) -> None:
    assert products_of_network(model.graph) == ["convolution", "relu", "head"]


def test_preprocessing_and_distance_stay_as_they_are(files: tuple[Path, Path]) -> None:
    plain, int8 = files
    made_by = {output: node for node in onnx.load(int8).graph.node for output in node.output}
    for name, quantised in (("convolution", True), ("head", True), ("preprocessing", False), ("familiarity", False)):
        (node,) = [node for node in made_by.values() if node.name == name]
        types = {made_by[value].op_type if value in made_by else "weight" for value in node.input}
        assert (types == {"DequantizeLinear"}) == quantised, (name, types)
    assert list(int8.parent.iterdir()) in ([plain, int8], [int8, plain]), "nothing else is left"
    assert outputs(int8) == pytest.approx(outputs(plain), abs=0.05)
    assert not np.array_equal(outputs(int8), outputs(plain))


def test_weights_have_a_scale_for_each_channel(files: tuple[Path, Path]) -> None:
    scales = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(files[1]).graph.initializer}
    assert scales["kernel_scale"].shape == (4,)
    assert scales["kernel_quantized"].dtype == np.int8


def test_the_temperature_is_changed_in_the_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    copy = tmp_path / "model.onnx"
    copy.write_bytes(files[1].read_bytes())
    divide_logits(copy, 3.0, '{"a": 1}')
    onnx.checker.check_model(copy, full_check=True)
    before, after = outputs(files[1]), outputs(copy)
    assert after[:, :2] == pytest.approx(softmax(np.log(before[:, :2]) / 3, axis=1), abs=1e-5)
    assert np.array_equal(after[:, 2], before[:, 2])
    assert {entry.key: entry.value for entry in onnx.load(copy).metadata_props} == {"posture_classifier": '{"a": 1}'}


@pytest.mark.parametrize(("sureness", "factor"), [(2.0, 2.0), (0.5, 0.5), (1.0, 1.0), (100.0, 5.0), (0.01, 0.2)])
def test_int8_is_made_as_sure_as_the_checkpoint(sureness: float, factor: float) -> None:
    logits = {photo.tobytes(): GENERATOR.normal(0, 1, 3) for photo in PHOTOS}
    graph = cast(Any, lambda image: (torch.from_numpy(softmax(logits[image.numpy().tobytes()])),))
    found = temperature_factor(graph, lambda image: (softmax(sureness * logits[image.tobytes()]), None), PHOTOS)
    assert found == pytest.approx(factor, rel=1e-6)


def test_what_was_not_calibrated_is_not_so_by_int8() -> None:
    assert with_temperature(cast(Any, {"temperature": None}), 2.0)["temperature"] is None
    assert with_temperature(cast(Any, {"temperature": 1.5}), 2.0)["temperature"] == 3.0


def test_photos_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    graph: Any = SimpleNamespace(preprocessing=SimpleNamespace(preprocessing=SimpleNamespace(image_size=32, white=None)))
    Image.fromarray(PHOTOS[0]).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no photo")
    (found,) = calibration_photos(graph, [str(tmp_path / "bad.png"), str(tmp_path / "good.png")])
    assert np.array_equal(found, PHOTOS[0])
    with pytest.raises(UserError, match="--photos"):
        calibration_photos(graph, [str(tmp_path / "bad.png")])


def test_a_format_without_int8_says_so(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run), "--format", "torch_export", "--int8", "true", "--output", str(tmp_path / "out")]) == 2
    assert "has no int8" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_int8_is_refused_where_few_photos_cannot_show_that_it_is_as_good(name: str, run: Path, tmp_path: Path) -> None:
    pytest.importorskip(name)
    out = tmp_path / "out"
    assert main(["export", str(run), "--format", name, "--int8", "true", "--output", str(out)]) == 1
    proof = json.loads((out / "refused" / "agreement.json").read_text())
    assert (proof["passed"], proof["int8"]) == (False, True)
    assert proof["agreement"]["mean_difference"] < 0.02
    assert not (out / f"model{load_format(name).SUFFIX}").exists()
