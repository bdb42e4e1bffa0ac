"""What 8-bit integers are adjusted by: photos, and the checkpoint's answers to them."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import softmax

from posture_classifier.export.formats import Pixels
from posture_classifier.export.metadata import Metadata
from posture_classifier.export.photo_graph import PhotoGraph
from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.types import Floats

MOST_PHOTOS = 100
"""Photos that ranges are measured on: onnxruntime keeps all their activations in memory."""
LEAST_PROBABILITY = 1e-30
FACTORS = (0.2, 5.0)
"""Least and largest change of a temperature; beyond, int8 has broken the network."""


def calibration_photos(graph: PhotoGraph, files: list[str]) -> list[Pixels]:
    """Decode some photos, evenly spread over those that are given.

    Raises:
        UserError: None of them can be read.
    """
    preprocessing = graph.preprocessing.preprocessing
    chosen = np.unique(np.linspace(0, len(files) - 1, min(MOST_PHOTOS, len(files))).round().astype(np.int64))
    photos: list[Pixels] = []
    for index in chosen:
        try:
            photos.append(np.asarray(decode(files[index], preprocessing.image_size, preprocessing.white)))
        except (DecodeError, OSError):
            continue
    if not photos:
        raise UserError(f"none of the photos that int8 is adjusted by can be read, such as {files[0]}; give others with --photos")
    return photos


@torch.no_grad()
def temperature_factor(graph: PhotoGraph, run: Callable[[Pixels], tuple[Floats, float | None]], photos: list[Pixels]) -> float:
    """What the temperature is to be multiplied by so that int8 answers as the checkpoint does.

    Int8 makes a network too sure or too unsure. Its answers are fitted to the checkpoint's own,
    which are calibrated: so are then int8's, and thresholds of probabilities keep their meaning.

    Args:
        graph: The checkpoint's network in fp32.
        run: What gives int8's probabilities of a photo.
        photos: Photos that are not used to judge the result.
    """
    wanted = np.array([graph(torch.from_numpy(np.array(photo)))[0].double().numpy() for photo in photos])
    logits = np.log(np.maximum([run(photo)[0] for photo in photos], LEAST_PROBABILITY))

    def slope(log_factor: float) -> float:
        """Slope of the cross entropy in the inverse factor; above 0 if the factor is too low."""
        return float(((softmax(logits / np.exp(log_factor), axis=1) - wanted) * logits).sum(1).mean())

    low, high = np.log(FACTORS)
    if slope(low) <= 0:
        return FACTORS[0]
    return FACTORS[1] if slope(high) > 0 else float(np.exp(brentq(slope, low, high)))


def with_temperature(metadata: Metadata, factor: float) -> Metadata:
    """The metadata of an artifact whose logits are divided once more, by a factor.

    A network that was not calibrated is not so by that.
    """
    known = metadata["temperature"]
    return {**metadata, "temperature": known and known * factor}
