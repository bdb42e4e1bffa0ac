"""The HTTP endpoints of a served model."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from posture_classifier import __version__
from posture_classifier.app.errors import Refusal, error_response, report_unforeseen
from posture_classifier.app.requests import read_body
from posture_classifier.app.serving.batching import Batcher
from posture_classifier.app.serving.protocol import model_metadata, output_tensors, read_request
from posture_classifier.export.metadata import Metadata
from posture_classifier.images.photo_inputs import Photo
from posture_classifier.inference import PhotoClassifier, Prediction
from posture_classifier.utils.errors import UserError

LARGEST_BODY = 64 * 2**20
"""Bytes of a request; a photo of 100 megapixels has fewer."""
OTHER_TYPES = ("multipart/", "text/", "application/json")
"""Types of a body that is no photo; curl calls every file ``application/x-www-form-urlencoded``."""
HOW_TO_SEND = "the bytes of one photo are the whole body: curl --data-binary @photo.jpg"
EXTENSIONS = ["photo", "information"]
"""Endpoints beside those of the protocol, as the server's metadata names them."""
Endpoint = Callable[[Request], Awaitable[Response]]


def inference_app(classifier: PhotoClassifier, name: str, metadata: Metadata, hosts: Sequence[str] = ("*",)) -> Starlette:
    """A web application that answers as one model; of the hosts a star is any."""
    endpoints = _Endpoints(classifier, name, metadata)
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
        middleware=[Middleware(_KnownHosts, hosts=hosts)],
        lifespan=endpoints.lifespan,
        exception_handlers={HTTPException: _refuse, UserError: _refuse, Exception: _fail},
    )


class _Endpoints:
    """Answers the requests for one model."""

    def __init__(self, classifier: PhotoClassifier, name: str, metadata: Metadata) -> None:
        self._classes, self._name, self._metadata = classifier.class_names, name, metadata
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
        outputs = [("sure", "BOOL")] if self._metadata["abstention"] else []
        outputs += [("distance", "FP32"), ("familiar", "BOOL")] if self._metadata["familiarity"] else []
        return JSONResponse(model_metadata(self._name, self._classes, outputs))

    async def information(self, request: Request) -> Response:
        return JSONResponse(self._metadata)

    async def infer(self, request: Request) -> Response:
        """Answer a request of the protocol."""
        body = await read_body(request, LARGEST_BODY)
        asked = await asyncio.to_thread(read_request, body)
        predictions = await self._predictions(asked.photos)
        outputs = output_tensors(predictions, self._classes, asked.outputs)
        return JSONResponse({"model_name": self._name, "outputs": outputs} | ({"id": asked.id} if asked.id is not None else {}))

    async def photo(self, request: Request) -> Response:
        """Classify the file that is the body."""
        if request.headers.get("content-type", "").startswith(OTHER_TYPES):
            raise Refusal(415, f"the body is no photo; {HOW_TO_SEND}")
        body = await read_body(request, LARGEST_BODY)
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


async def _refuse(_: Request, error: Exception) -> Response:
    return error_response(error)


async def _fail(_: Request, error: Exception) -> Response:
    report_unforeseen(error)
    return error_response(error)


class _KnownHosts:
    """ASGI middleware that answers only where it is asked for under a known name; a star is any."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if scope["type"] == "http" and "*" not in self._hosts:
            host = Headers(scope=scope).get("host", "")
            if re.sub(r":\d*$", "", host).strip("[]") not in self._hosts:
                answer = error_response(Refusal(400, f"the header Host names none of {', '.join(self._hosts)}"))
        await answer(scope, receive, send)
