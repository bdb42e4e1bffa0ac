"""ExecuTorch: one .pte file for phones and small devices, computed by XNNPACK.

Memory is planned when it is written, for the largest input. It takes the square that the
preprocessing makes of a photo, since a plan for photos of any size would be for the largest one.
"""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from posture_classifier.export.formats import Pixels, reading
from posture_classifier.export.formats.torch_export import forget_sources
from posture_classifier.export.metadata import KEY, Metadata, read_metadata, to_json
from posture_classifier.export.photo_graph import PhotoGraph, SquareGraph
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.utils.types import Floats

TITLE = "ExecuTorch"
EXTRA = "executorch"
PACKAGES = ("executorch",)
SUFFIX = ".pte"
PREDICT = "executorch.py"
PREDICT_NEEDS = "executorch numpy pillow"
ANY_SIZE = False


def write(graph: PhotoGraph, metadata: Metadata, path: Path) -> None:
    """Write one .pte file; its method ``posture_classifier`` returns the metadata."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    square = SquareGraph(graph)
    program = torch.export.export(square, (torch.zeros(square.size, square.size, 3, dtype=torch.uint8),))
    forget_sources(program)
    text = torch.from_numpy(np.frombuffer(to_json(metadata).encode(), dtype=np.uint8).copy())
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()], constant_methods={KEY: text})
    path.write_bytes(lowered.to_executorch().buffer)


class OpenExecutorch:
    """A program of ExecuTorch; photos wait for each other, since it computes one at a time."""

    def __init__(self, path: Path) -> None:
        from executorch.runtime import Runtime

        with reading(path, TITLE, RuntimeError):
            self._program: Any = Runtime.get().load_program(path)
            self._forward: Any = self._program.load_method("forward")
        known = KEY in self._program.method_names
        text = bytes(self._program.load_method(KEY).execute([])[0].tolist()).decode() if known else None
        self.metadata = read_metadata(text, path)
        self._preprocessing = Preprocessing.from_dict(self.metadata["preprocessing"])
        self._lock = threading.Lock()

    def __call__(self, image: Pixels) -> tuple[Floats, float | None]:
        """Probabilities (C,) of a photo, and its distance from the training photos, if any."""
        square = torch.from_numpy(np.array(self._preprocessing.square(Image.fromarray(image))))
        with self._lock:
            # The outputs lie in memory that the next call overwrites.
            probabilities, *distance = [output.clone() for output in self._forward.execute([square])]
        return probabilities.double().numpy(), float(distance[0]) if distance else None


open = OpenExecutorch
