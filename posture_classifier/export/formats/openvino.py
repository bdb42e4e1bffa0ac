"""OpenVINO: .xml and .bin for Intel's processors, by way of ONNX."""

import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.export.formats import Pixels, onnx, reading
from posture_classifier.export.metadata import KEY, Metadata, read_metadata, to_json
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.utils.cores import available_cores
from posture_classifier.utils.types import Floats

TITLE = "OpenVINO"
EXTRA = "openvino"
PACKAGES = ("onnx", "onnxscript", "onnxruntime", "openvino")
SUFFIX = ".xml"
PREDICT = "openvino.py"
PREDICT_NEEDS = "openvino numpy pillow"
ANY_SIZE = True


def write(graph: PhotoGraph, metadata: Metadata, path: Path) -> None:
    """Write an .xml and, beside it, the .bin with its weights."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        onnx.write(graph, metadata, file)
        _convert(file, metadata, path)


def write_int8(graph: PhotoGraph, metadata: Metadata, path: Path, photos: list[str]) -> None:
    """Write an .xml and its .bin with the 8-bit integers of the ONNX, which OpenVINO knows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        onnx.write_int8(graph, metadata, file, photos)
        _convert(file, onnx.open(file).metadata, path)


def _convert(file: Path, metadata: Metadata, path: Path) -> None:
    """Write an ONNX file as OpenVINO."""
    import openvino

    model = openvino.Core().read_model(file)
    model.set_rt_info(to_json(metadata), KEY)
    openvino.save_model(model, path, compress_to_fp16=False)


class OpenOpenvino:
    """A compiled model on the CPU; each thread has a request of its own."""

    def __init__(self, path: Path) -> None:
        import openvino

        cores = available_cores()
        # Without the hint it computes in bfloat16 where the processor can.
        options = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores}
        with reading(path, TITLE, RuntimeError):
            model = openvino.Core().read_model(path)
            self._compiled: Any = openvino.compile_model(model, "CPU", options)
        text = model.get_rt_info(KEY).astype(str) if model.has_rt_info(KEY) else None
        self.metadata = read_metadata(text, path)
        self._thread = threading.local()

    def __call__(self, image: Pixels) -> tuple[Floats, float | None]:
        """Probabilities (C,) of a photo, and its distance from the training photos, if any."""
        if not hasattr(self._thread, "request"):
            self._thread.request = self._compiled.create_infer_request()
        outputs = self._thread.request.infer({"image": np.ascontiguousarray(image)})
        distance = float(outputs["distance"]) if len(outputs) > 1 else None
        return np.array(outputs["probabilities"], dtype=np.float64), distance


open = OpenOpenvino
