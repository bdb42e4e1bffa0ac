"""The HTTP endpoints of a served model."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posture_classifier import __version__
from posture_classifier.app.serving.batching import Batcher, BusyError
from posture_classifier.app.serving.protocol import model_metadata, output_tensors, read_request
from posture_classifier.images.photo_inputs import Photo
from posture_classifier.inference import Classifier, Prediction
from posture_classifier.utils.errors import UserError

LARGEST_BODY = 64 * 2**20
"""Bytes of a request; a photo of 100 megapixels has fewer."""
OTHER_TYPES = ("multipart/", "text/", "application/json")
"""Types of a body that is no photo; curl calls every file ``application/x-www-form-urlencoded``."""
HOW_TO_SEND = "the bytes of one photo are the whole body: curl --data-binary @photo.jpg"
EXTENSIONS = ["photo", "information"]
"""Endpoints beside those of the protocol, as the server's metadata names them."""
Endpoint = Callable[[Request], Awaitable[Response]]


def inference_app(classifier: Classifier, name: str, information: dict[str, Any]) -> Starlette:
    """A web application that answers as one model.

    Args:
        classifier: The model.
        name: Its name in the addresses.
        information: What is known of it: classes, preprocessing, and how good it is.
    """
    endpoints = _Endpoints(classifier, name, information)
    model = f"/v2/models/{name}"
    routes: list[tuple[str, str, Endpoint]] = [
        ("GET", "/v2", endpoints.server),
        ("GET", "/v2/health/live", endpoints.live),
        ("GET", "/v2/health/ready", endpoints.live),
        ("GET", model, endpoints.metadata),
        ("GET", f"{model}/ready", endpoints.ready),
        ("GET", f"{model}/information", endpoints.information),
        ("POST", f"{model}/infer", endpoints.infer),
        ("POST", f"{model}/photo", endpoints.photo),
    ]
    return Starlette(
        routes=[Route(path, endpoint, methods=[method]) for method, path, endpoint in routes],
        lifespan=endpoints.lifespan,
        exception_handlers={HTTPException: _refuse, UserError: _refuse, BusyError: _refuse},
    )


class _Endpoints:
    """Answers the requests for one model."""

    def __init__(self, classifier: Classifier, name: str, information: dict[str, Any]) -> None:
        self._classifier, self._name, self._information = classifier, name, information
        self._classify = Batcher(classifier.predict)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(self._classify.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def server(self, request: Request) -> Response:
        return JSONResponse({"name": "posture_classifier", "version": __version__, "extensions": EXTENSIONS})

    async def live(self, request: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, request: Request) -> Response:
        return JSONResponse({"name": self._name, "ready": True})

    async def metadata(self, request: Request) -> Response:
        evaluation = self._classifier.evaluation
        outputs = [("sure", "BOOL")] if evaluation and evaluation.abstention else []
        outputs += [("distance", "FP32"), ("familiar", "BOOL")] if evaluation and evaluation.familiarity else []
        return JSONResponse(model_metadata(self._name, self._classifier.class_names, outputs))

    async def information(self, request: Request) -> Response:
        return JSONResponse(self._information)

    async def infer(self, request: Request) -> Response:
        """Answer a request of the protocol."""
        body = await _body(request)
        asked = await asyncio.to_thread(read_request, body)
        predictions = await self._predictions(asked.photos)
        outputs = output_tensors(predictions, self._classifier.class_names, asked.outputs)
        return JSONResponse({"model_name": self._name, "outputs": outputs} | ({"id": asked.id} if asked.id is not None else {}))

    async def photo(self, request: Request) -> Response:
        """Classify the file that is the body."""
        if request.headers.get("content-type", "").startswith(OTHER_TYPES):
            raise HTTPException(415, f"the body is no photo; {HOW_TO_SEND}")
        body = await _body(request)
        if not body:
            raise UserError(f"the body is empty; {HOW_TO_SEND}")
        answer = asdict((await self._predictions([body]))[0])
        del answer["path"], answer["error"]
        return JSONResponse(answer)

    async def _predictions(self, photos: list[Photo]) -> list[Prediction]:
        """Classify the photos of a request.

        Raises:
            UserError: One of them cannot be read.
        """
        predictions = await self._classify(photos)
        for number, prediction in enumerate(predictions, 1):
            if prediction.error is not None:
                which = f"photo {number} of {len(photos)}" if len(photos) > 1 else "the photo"
                raise UserError(f"{which} cannot be read: {prediction.error}")
        return predictions


async def _body(request: Request) -> bytes:
    """The body of a request, of which no more is taken than is allowed.

    Raises:
        HTTPException: It is too large, or the client has gone.
    """
    parts, n_bytes = [], 0
    try:
        async for part in request.stream():
            parts.append(part)
            n_bytes += len(part)
            if n_bytes > LARGEST_BODY:
                raise HTTPException(
                    413, f"the body has more than {LARGEST_BODY // 2**20} MiB; send a smaller photo, or fewer at once"
                )
    except ClientDisconnect as error:
        raise HTTPException(400, "the client has gone") from error
    return b"".join(parts)


async def _refuse(request: Request, error: Exception) -> Response:
    """Say in one sentence what is wrong with a request, as the protocol's error object."""
    if isinstance(error, BusyError):
        return JSONResponse({"error": "too many photos wait already; try again"}, 503, {"Retry-After": "1"})
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    return JSONResponse({"error": str(error)}, 400)
