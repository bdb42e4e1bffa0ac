"""PyTorch's own format (``torch.export``): one .pt2 file that torch runs without this program."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from posture_classifier.export.formats import EXAMPLE, Pixels, reading
from posture_classifier.export.metadata import KEY, Metadata, read_metadata, to_json
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.utils.types import Floats

TITLE = "PyTorch"
EXTRA = ""
PACKAGES = ()
SUFFIX = ".pt2"
PREDICT = "torch_export.py"
PREDICT_NEEDS = "torch numpy pillow"
ANY_SIZE = True


def write(graph: PhotoGraph, metadata: Metadata, path: Path) -> None:
    """Write one .pt2 file."""
    program = torch.export.export(
        graph,
        (torch.zeros(EXAMPLE, dtype=torch.uint8),),
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC},),
    )
    forget_sources(program)
    torch.export.save(program, path, extra_files={KEY: to_json(metadata)})


def forget_sources(program: torch.export.ExportedProgram) -> None:
    """Take away which lines each operation comes from: paths of this machine."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)


class OpenTorchExport:
    """A program of torch on the CPU. Open only what you trust: a changed file can run code."""

    def __init__(self, path: Path) -> None:
        extra = {KEY: ""}
        with reading(path, SUFFIX):
            _check_pickles(path)
            self._program: Any = torch.export.load(path, extra_files=extra).module()
        self.metadata = read_metadata(extra[KEY] or None, path)

    @torch.no_grad()
    def __call__(self, image: Pixels) -> tuple[Floats, float | None]:
        """Probabilities (C,) of a photo, and its distance from the training photos, if any."""
        probabilities, *distance = self._program(torch.from_numpy(np.array(image)))
        return probabilities.double().numpy(), float(distance[0]) if distance else None


def _check_pickles(path: Path) -> None:
    """Make sure that no weight is a pickle, which torch would execute; ours are plain numbers.

    Raises:
        ValueError: One is.
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("_config.json"):
                config = json.loads(archive.read(name)).get("config", {})
                if any(entry.get("use_pickle", True) for entry in config.values()):
                    raise ValueError("it has weights that run code")


open = OpenTorchExport
