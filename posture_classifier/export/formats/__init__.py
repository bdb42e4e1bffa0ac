"""Formats of artifacts, one a file: a file that is put here is a format, under its own name.

A file holds ``TITLE``, ``EXTRA``, ``PACKAGES`` and ``SUFFIX``, a function ``write`` and a function
``open`` (``FormatModule``). It imports its packages within these functions, since they are extras.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from posture_classifier.export.metadata import Metadata
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import did_you_mean, first_line, shortlist
from posture_classifier.utils.types import Floats

NAME = "model"
"""Name of an artifact's file, without its suffix."""
EXAMPLE = (96, 128, 3)
"""Shape of the photo that a network of any size is traced with."""
Pixels = npt.NDArray[np.uint8]
"""A photo (H, W, 3), upright RGB of any size."""


class CannotRunHereError(UserError):
    """An artifact can be written on this machine, but not run."""


class OpenArtifact(Protocol):
    """An artifact that is ready to classify; several threads may call it at once.

    Attributes:
        metadata: What it holds beside its weights.
    """

    metadata: Metadata

    def __call__(self, image: Pixels) -> tuple[Floats, float | None]:
        """Probabilities (C,) of a photo, and its distance from the training photos, if any."""


class FormatModule(Protocol):
    """What a file of this folder holds.

    ``write_int8`` may be absent: the format then has no int8.

    Attributes:
        TITLE: Name of the format in text for people.
        EXTRA: The extra of pip that has its packages; empty if it needs none.
        PACKAGES: Names that must be importable to write and to open it.
        SUFFIX: Ending of the artifact's name, with its dot.
        PREDICT: Name of a script in ``export/scripts/`` that classifies photos with the artifact
            alone; empty if there is none.
        PREDICT_NEEDS: What pip has to install for that script.
        ANY_SIZE: Whether the artifact takes a photo of any size; if not, it takes the square that
            the preprocessing makes of it.
    """

    TITLE: str
    EXTRA: str
    PACKAGES: tuple[str, ...]
    SUFFIX: str
    PREDICT: str
    PREDICT_NEEDS: str
    ANY_SIZE: bool

    def write(self, graph: PhotoGraph, metadata: Metadata, path: Path) -> None:
        """Write the artifact; it may put further files beside it, whose names begin alike."""

    def open(self, path: Path) -> OpenArtifact:
        """Open an artifact.

        Raises:
            CannotRunHereError: This machine cannot run it.
            UserError: It is damaged, or was not written by this program.
        """


WriteInt8 = Callable[[PhotoGraph, Metadata, Path, list[str]], None]
"""``write_int8(graph, metadata, path, photos)``: as ``write``, in int8.

The photos are those of the validation split (or of training, where there is none), by which ranges
are measured and the temperature is fitted anew; the metadata that is written has the new one."""


@contextmanager
def reading(path: Path, kind: str, errors: type[Exception] = Exception) -> Iterator[None]:
    """A context in which what a library says of a damaged file is one sentence."""
    try:
        yield
    except errors as error:
        raise UserError(f"{path} cannot be read as {kind} ({first_line(error)}); export the checkpoint again") from error


def format_names() -> list[str]:
    """Names of all formats."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def load_format(name: str) -> FormatModule:
    """The format of a name.

    Raises:
        UserError: There is none, or its packages are not installed.
    """
    names = format_names()
    if name not in names:
        raise UserError(f"--format {name} is unknown{did_you_mean(name, names)}; choose one of {', '.join(names)}")
    module = cast(FormatModule, import_module(f"{__name__}.{name}"))
    if missing := missing_packages(name):
        raise UserError(
            f"{module.TITLE} needs {shortlist(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed; "
            f"pip install 'posture-classifier[{module.EXTRA}]'"
        )
    return module


def missing_packages(name: str) -> list[str]:
    """The packages of a format that are not installed."""
    return [package for package in import_module(f"{__name__}.{name}").PACKAGES if find_spec(package) is None]


def int8_of(name: str, module: Any) -> WriteInt8:
    """The function that writes a format in int8.

    Raises:
        UserError: The format has none.
    """
    function: WriteInt8 | None = getattr(module, "write_int8", None)
    if function is None:
        raise UserError(f"--format {name} has no int8; leave --int8 out, or choose --format onnx")
    return function


def format_of(path: Path) -> str | None:
    """Name of the format that a file is of, by its ending; None if it is of none."""
    for name in format_names():
        if path.suffix == import_module(f"{__name__}.{name}").SUFFIX:
            return name
    return None
