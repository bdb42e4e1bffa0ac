"""Core ML: an .mlpackage for iPhones and Macs, which is written anywhere and runs on macOS.

It takes the square that the preprocessing makes of a photo, as an image: Apple's Vision crops and
scales (``VNCoreMLRequest.imageCropAndScaleOption = .centerCrop``), with a filter of its own.
"""

import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from posture_classifier.export.formats import CannotRunHereError, Pixels, reading
from posture_classifier.export.formats.torch_export import forget_sources
from posture_classifier.export.metadata import KEY, Metadata, read_metadata, to_json
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.utils.types import Floats

TITLE = "Core ML"
EXTRA = "coreml"
PACKAGES = ("coremltools",)
SUFFIX = ".mlpackage"
PREDICT = ""
PREDICT_NEEDS = ""
ANY_SIZE = False


class _ImageGraph(nn.Module):
    """What a ``PhotoGraph`` does, from the square as Core ML hands it over: (1, 3, S, S) floats."""

    mean: Tensor
    std: Tensor

    def __init__(self, graph: PhotoGraph) -> None:
        super().__init__()
        self.whole = graph
        known = graph.preprocessing.preprocessing
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (known.mean, known.std))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the square with values from 0 to 255."""
        return self.whole.answer((image / 255 - self.mean) / self.std)


def write(graph: PhotoGraph, metadata: Metadata, path: Path) -> None:
    """Write an .mlpackage, in fp32, for iOS 17 or macOS 14 and later."""
    import coremltools

    size = graph.preprocessing.preprocessing.image_size
    shape = (1, 3, size, size)
    program = torch.export.export(_ImageGraph(graph).eval(), (torch.zeros(shape),)).run_decompositions({})
    forget_sources(program)
    model = coremltools.convert(
        program,
        inputs=[coremltools.ImageType(name="image", shape=shape, color_layout=coremltools.colorlayout.RGB)],
        outputs=[coremltools.TensorType(name=name) for name in graph.output_names],
        minimum_deployment_target=coremltools.target.iOS17,
        compute_precision=coremltools.precision.FLOAT32,
    )
    model.user_defined_metadata[KEY] = to_json(metadata)
    model.save(str(path))


class OpenCoreml:
    """A model of Core ML."""

    def __init__(self, path: Path) -> None:
        import coremltools

        with reading(path, TITLE):
            self._model: Any = coremltools.models.MLModel(str(path))
        self.metadata = read_metadata(self._model.user_defined_metadata.get(KEY), path)
        if platform.system() != "Darwin":
            raise CannotRunHereError("Core ML runs on macOS only; it was converted here and has not been run")
        self._preprocessing = Preprocessing.from_dict(self.metadata["preprocessing"])

    def __call__(self, image: Pixels) -> tuple[Floats, float | None]:
        """Probabilities (C,) of a photo, and its distance from the training photos, if any."""
        square = Image.fromarray(self._preprocessing.square(Image.fromarray(image)))
        outputs = self._model.predict({"image": square})
        distance = float(np.ravel(outputs["distance"])[0]) if "distance" in outputs else None
        return np.asarray(outputs["probabilities"], dtype=np.float64), distance


open = OpenCoreml
