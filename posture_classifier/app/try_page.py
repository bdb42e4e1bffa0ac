"""Try: what the network says of the webcam, of photos and of videos."""

import asyncio
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from posture_classifier.app.errors import Refusal
from posture_classifier.app.requests import read_body
from posture_classifier.app.shell import PAGES, shell
from posture_classifier.app.workplace import Workplace
from posture_classifier.export.metadata import Metadata, build_metadata
from posture_classifier.export.try_page import try_page, web_files
from posture_classifier.inference import Classifier
from posture_classifier.models.checkpoint import read_checkpoint

LONGEST_SIDE = 4096
MOST_BYTES = 48 * 1024 * 1024
"""Bytes of the pixels of a frame or photo, at most: 16 megapixels."""


class Network:
    """The network of a checkpoint, read once; it classifies for several requests at a time.

    Args:
        checkpoint: The file.

    Raises:
        UserError: It cannot be read.
    """

    def __init__(self, checkpoint: Path) -> None:
        content = read_checkpoint(checkpoint)
        self.classifier = Classifier.from_checkpoint(checkpoint, content, precision="fp32")
        self.metadata: Metadata = build_metadata(self.classifier, content)
        self._page = try_page(self.metadata, pages=PAGES)
        self._passes = asyncio.Semaphore(1)  # a pass uses all cores, so that two are no faster

    async def page(self, _: Request) -> Response:
        """The page."""
        return HTMLResponse(self._page)

    async def info(self, _: Request) -> Response:
        """What is known of the network."""
        return JSONResponse(self.metadata)

    async def classify(self, request: Request) -> Response:
        """Classify the RGB bytes in the body, rows of ``width`` pixels.

        Raises:
            Refusal: They are not ``width`` x ``height`` pixels (400), or too many (413).
        """
        width, height = (_side(request, name) for name in ("width", "height"))
        pixels = await read_body(request, MOST_BYTES, ("application/octet-stream",))
        if len(pixels) != 3 * width * height:
            raise Refusal(400, f"The body has {len(pixels)} bytes, not 3 for each of {width} x {height} pixels.")
        image = np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 3)
        async with self._passes:
            prediction = await asyncio.to_thread(self.classifier.predict, image)
        probabilities = prediction.probabilities or {}
        return JSONResponse(
            {"probabilities": [probabilities[name] for name in self.classifier.class_names], "distance": prediction.distance}
        )


def _side(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LONGEST_SIDE):
        raise Refusal(400, f"The {name} must be a number of pixels from 1 to {LONGEST_SIDE}.")
    return int(text)


async def _web_file(request: Request) -> Response:
    path = web_files().get(request.path_params["name"])
    if path is None:
        raise Refusal(404, "There is no such file.")
    return FileResponse(path)


async def _without_network(_: Request) -> Response:
    return shell("try", "/static/try_without_network.js")


async def _no_network(_: Request) -> Response:
    raise Refusal(409, "There is no network to try. Start the app with a checkpoint or the folder of a run.")


def routes(workplace: Workplace) -> list[BaseRoute]:
    """The page and what it asks for.

    Raises:
        UserError: The checkpoint cannot be read.
    """
    if workplace.checkpoint is None:
        return [
            Route("/try", _without_network),
            Route("/api/info", _no_network),
            Route("/api/classify", _no_network, methods=["POST"]),
        ]
    network = Network(workplace.checkpoint)
    return [
        Route("/try", network.page),
        Route("/web/{name}", _web_file),
        Route("/api/info", network.info),
        Route("/api/classify", network.classify, methods=["POST"]),
    ]
