"""Requests and responses of the Open Inference Protocol v2.

Source: github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any, NotRequired

import numpy as np
from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier.images.photo_inputs import Photo
from posture_classifier.inference import Prediction
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import did_you_mean, printable
from posture_classifier.utils.validation import mismatch

MOST_PHOTOS = 256
"""Photos in one request: more would hold up the requests of others."""
INPUTS = "photo, of datatype BYTES and shape [N], with N files in base64; or image, of datatype UINT8 and shape [H, W, 3]"
"""The inputs that the model takes, of which a request has one."""


class _Input(TypedDict):
    name: str
    shape: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=4)]
    datatype: str
    data: list[Any]
    parameters: NotRequired[dict[str, Any]]


class _Output(TypedDict):
    name: str
    parameters: NotRequired[dict[str, Any]]


class _Request(TypedDict):
    id: NotRequired[str]
    parameters: NotRequired[dict[str, Any]]
    inputs: Annotated[list[_Input], Field(min_length=1)]
    outputs: NotRequired[list[_Output]]


@dataclass(frozen=True)
class InferenceRequest:
    """A request that is as the protocol says.

    Attributes:
        photos: The photos to classify.
        outputs: Names of the outputs that are asked for; empty asks for all.
        id: What the response is to repeat; None if nothing.
    """

    photos: list[Photo]
    outputs: list[str]
    id: str | None


def read_request(body: bytes) -> InferenceRequest:
    """Read the JSON of a request.

    Raises:
        UserError: It is no JSON, not as the protocol says, or has other inputs than ``INPUTS``.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UserError("the body is not JSON; send an inference request of the Open Inference Protocol v2") from error
    if reason := mismatch(request, _Request):
        raise UserError(f"the body is no inference request of the Open Inference Protocol v2: {reason}")
    if len(request["inputs"]) != 1:
        raise UserError(f"the request has {len(request['inputs'])} inputs, but must have one: {INPUTS}")
    return InferenceRequest(
        _photos(request["inputs"][0]), [output["name"] for output in request.get("outputs", [])], request.get("id")
    )


def _photos(tensor: _Input) -> list[Photo]:
    kind, shape = (tensor["name"], tensor["datatype"]), tensor["shape"]
    if kind == ("photo", "BYTES") and len(shape) == 1:
        _check_count(shape[0])
        _check_length(tensor)
        return [_from_base64(text) for text in tensor["data"]]
    if kind == ("image", "UINT8") and len(shape) in (3, 4) and shape[-1] == 3:
        _check_count(shape[0] if len(shape) == 4 else 1)
        _check_length(tensor)
        return [*_pixels(tensor["data"]).reshape(-1, *shape[-3:])]
    raise UserError(
        f"input {printable(tensor['name'])[:100]} of datatype {printable(tensor['datatype'])[:100]} and shape {shape} is not "
        f"known; the model takes {INPUTS}"
    )


def _check_count(n: int) -> None:
    if n > MOST_PHOTOS:
        raise UserError(f"the request has {n} photos, but may have {MOST_PHOTOS} at most; send several requests")


def _check_length(tensor: _Input) -> None:
    expected = prod(tensor["shape"])
    if len(tensor["data"]) != expected:
        raise UserError(
            f"data of input {tensor['name']} has {len(tensor['data'])} values, but its shape {tensor['shape']} takes {expected}"
        )


def _pixels(data: list[Any]) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    try:
        values = np.array(data)
    except ValueError:  # lists of several lengths
        values = np.empty(0)
    if values.ndim != 1 or values.dtype.kind != "i" or values.min() < 0 or values.max() > 255:
        raise UserError("data of input image must be whole numbers from 0 to 255 in one list")
    return values.astype(np.uint8)


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise UserError("data of input photo must be the bytes of files in base64") from error


def output_tensors(predictions: Sequence[Prediction], classes: Sequence[str], names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The output tensors of a response.

    Args:
        predictions: N readable photos.
        classes: The C class names, in the order of the labels.
        names: The outputs that are asked for; none asks for all that the checkpoint can say.

    Raises:
        UserError: There is no output of such a name.
    """
    n = len(predictions)
    tensors = {
        "probabilities": _tensor(
            "probabilities", "FP32", [n, len(classes)], [p for each in predictions for p in _row(each, classes)]
        ),
        "label": _tensor("label", "BYTES", [n], [each.label for each in predictions]),
    }
    for name, datatype in (("sure", "BOOL"), ("distance", "FP32"), ("familiar", "BOOL")):
        values = [getattr(each, name) for each in predictions]
        if None not in values:
            tensors[name] = _tensor(name, datatype, [n], values)
    for name in names:
        if name not in tensors:
            raise UserError(
                f"there is no output {printable(name)[:100]!r}{did_you_mean(name, tensors)}; the model gives {', '.join(tensors)}"
            )
    return [tensors[name] for name in names or tensors]


def _row(prediction: Prediction, classes: Sequence[str]) -> list[float]:
    assert prediction.probabilities is not None
    return [prediction.probabilities[name] for name in classes]


def _tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def model_metadata(name: str, classes: Sequence[str], outputs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The response about a model.

    Args:
        name: The model's name.
        classes: Its C class names, in the order of the probabilities.
        outputs: Name and datatype of what it says beside probabilities and label.
    """
    described = [_described("probabilities", "FP32", [-1, len(classes)]), _described("label", "BYTES", [-1])]
    return {
        "name": name,
        "platform": "pytorch",
        "inputs": [_described("photo", "BYTES", [-1]), _described("image", "UINT8", [-1, -1, 3])],
        "outputs": [*described, *(_described(output, datatype, [-1]) for output, datatype in outputs)],
        "parameters": {"classes": [*classes]},
    }


def _described(name: str, datatype: str, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape}
