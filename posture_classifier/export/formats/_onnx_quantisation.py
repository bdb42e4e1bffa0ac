"""Turns the products of a network in ONNX into 8-bit integers, and nothing else of the graph."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.export.formats import Pixels
from posture_classifier.export.metadata import KEY

PRODUCTS = ("Conv", "Gemm", "MatMul")
ACTIVATIONS = ("Clip", "Relu")
"""Are computed together with the product before them, whose range is then theirs: eight bits over
all that a ReLU6 cuts off changed 3 labels of 150 where none changes so (benchmarks/README.md)."""
OUTPUT = "probabilities"


def quantise(source: Path, target: Path, photos: list[Pixels]) -> None:
    """Write a model in int8: weights by channel (s8), activations (u8) by their ranges on photos.

    Preprocessing and the distance from the training photos stay as they are.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = target.with_suffix(".prepared")
    # Shapes that depend on a photo's size cannot be inferred, nor are they needed.
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(target),
        _reader(photos),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=[*PRODUCTS, *ACTIVATIONS],
        nodes_to_quantize=products_of_network(onnx.load(prepared).graph),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
    prepared.unlink()


def products_of_network(graph: Any) -> list[str]:
    """Names of the operations that multiply by weights, and of the activations right after them.

    They are those that the probabilities are made of. The products of the preprocessing multiply by
    what is computed from a photo's size, and those of the distance lie beside the probabilities.
    """
    weights = {tensor.name for tensor in graph.initializer if len(tensor.dims) > 1}
    needed = {OUTPUT}
    for node in reversed(graph.node):  # sorted: what an operation needs stands before it
        if needed.intersection(node.output):
            needed.update(node.input)
    found, products = [], set()
    for node in graph.node:
        if not needed.intersection(node.output):
            continue
        if node.op_type in PRODUCTS and weights.intersection(node.input):
            products.update(node.output)
            found.append(node.name)
        elif node.op_type in ACTIVATIONS and node.input[0] in products:
            found.append(node.name)
    return found


def divide_logits(path: Path, factor: float, metadata: str) -> None:
    """Multiply the temperature of a model by a factor in its file, which gets new metadata."""
    import onnx

    model = onnx.load(path)
    nodes = model.graph.node
    index, softmax = next((index, node) for index, node in enumerate(nodes) if OUTPUT in node.output)
    logits, divided, divisor = softmax.input[0], "int8_logits", "int8_factor"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(factor, dtype=np.float32), divisor))
    nodes.insert(index, onnx.helper.make_node("Div", [logits, divisor], [divided], name="int8_divide"))
    softmax.input[0] = divided
    onnx.helper.set_model_props(model, {KEY: metadata})
    onnx.save(model, path)


def _reader(photos: list[Pixels]) -> Any:
    """Photos as onnxruntime's calibration takes them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._photos: Iterator[Pixels] = iter(photos)

        def get_next(self) -> dict[str, Pixels] | None:
            photo = next(self._photos, None)
            return None if photo is None else {"image": photo}

    return Reader()
