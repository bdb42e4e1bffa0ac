"""ONNX: one file that onnxruntime, browsers, Triton and most other runtimes take."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from posture_classifier.export.formats import EXAMPLE, Pixels, reading
from posture_classifier.export.formats._int8_adjustment import calibration_photos, temperature_factor, with_temperature
from posture_classifier.export.formats._onnx_quantisation import divide_logits, quantise
from posture_classifier.export.metadata import KEY, Metadata, read_metadata, to_json
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.utils.types import Floats

TITLE = "ONNX"
EXTRA = "export"
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
SUFFIX = ".onnx"
PREDICT = "onnx.py"
PREDICT_NEEDS = "onnxruntime numpy pillow"
ANY_SIZE = True


def write(graph: PhotoGraph, metadata: Metadata, path: Path) -> None:
    """Write one .onnx file without external data."""
    program = torch.onnx.export(
        graph,
        (torch.zeros(EXAMPLE, dtype=torch.uint8),),
        dynamo=True,
        input_names=["image"],
        output_names=graph.output_names,
        dynamic_shapes=({0: "height", 1: "width"},),
        external_data=False,
        verbose=False,
    )
    assert program is not None
    _forget_sources(program.model)
    program.model.metadata_props[KEY] = to_json(metadata)
    program.save(path, external_data=False)


def _forget_sources(model: Any) -> None:
    """Take away where each operation comes from: paths of this machine, with its user's name."""
    for graph in (model.graph, *model.functions.values()):
        for value in (*graph.inputs, *graph.outputs, *getattr(graph, "initializers", {}).values()):
            value.metadata_props.clear()
        for node in graph.all_nodes():
            for part in (node, *node.outputs):
                part.metadata_props.clear()


def write_int8(graph: PhotoGraph, metadata: Metadata, path: Path, photos: list[str]) -> None:
    """Write one .onnx file in int8, with a temperature of its own."""
    pixels = calibration_photos(graph, photos)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "model.onnx"
        write(graph, metadata, plain)
        quantise(plain, path, pixels)
    factor = temperature_factor(graph, open(path), pixels)
    divide_logits(path, factor, to_json(with_temperature(metadata, factor)))


class OpenOnnx:
    """A session of onnxruntime on the CPU, one thread for each photo: photos share the cores."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        with reading(path, TITLE):
            self._session: Any = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
        self.metadata = read_metadata(self._session.get_modelmeta().custom_metadata_map.get(KEY), path)

    def __call__(self, image: Pixels) -> tuple[Floats, float | None]:
        """Probabilities (C,) of a photo, and its distance from the training photos, if any."""
        probabilities, *distance = self._session.run(None, {"image": np.ascontiguousarray(image)})
        return np.asarray(probabilities, dtype=np.float64), float(distance[0]) if distance else None


open = OpenOnnx
