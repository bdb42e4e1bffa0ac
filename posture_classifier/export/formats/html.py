"""HTML: one page that classifies a webcam, photos and videos in a browser, without a network."""

import base64
import gzip
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from posture_classifier.export.formats import int8_of
from posture_classifier.export.formats import onnx as onnx_format
from posture_classifier.export.formats.onnx import OpenOnnx
from posture_classifier.export.metadata import Metadata
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.export.try_page import offline_page
from posture_classifier.utils.errors import UserError

TITLE = "HTML page"
EXTRA = onnx_format.EXTRA
PACKAGES = onnx_format.PACKAGES
SUFFIX = ".html"
PREDICT = ""
PREDICT_NEEDS = ""
ANY_SIZE = True
MODEL = re.compile(r'<script type="application/octet-stream" id="model">([A-Za-z0-9+/=]+)</script>')
"""The element of the page that holds the network, gzipped in base64."""


def write(graph: PhotoGraph, metadata: Metadata, path: Path) -> None:
    """Write one .html file that holds the network as ONNX, and all that runs it."""
    _write_page(path, lambda model: onnx_format.write(graph, metadata, model))


def write_int8(graph: PhotoGraph, metadata: Metadata, path: Path, photos: list[str]) -> None:
    """Write the page with the network in int8, as ONNX has it."""
    _write_page(path, lambda model: int8_of("onnx", onnx_format)(graph, metadata, model, photos))


def _write_page(path: Path, write_model: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / f"model{onnx_format.SUFFIX}"
        write_model(model)
        metadata = OpenOnnx(model).metadata  # int8 has a temperature of its own
        path.write_text(offline_page(metadata, model.read_bytes()), encoding="utf-8")


def open(path: Path) -> OpenOnnx:
    """Open the network inside a page, which runs here in onnxruntime rather than in a browser."""
    found = MODEL.search(path.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        raise UserError(f"{path} is not a page that export wrote; export the checkpoint again")
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / f"model{onnx_format.SUFFIX}"
        try:
            model.write_bytes(gzip.decompress(base64.b64decode(found[1])))
        except (OSError, EOFError, ValueError) as error:
            raise UserError(f"{path} is damaged; export the checkpoint again") from error
        return OpenOnnx(model)
