"""What the Review page asks for."""

import threading
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from posture_classifier.app.errors import Refusal, language_of
from posture_classifier.app.requests import read_json
from posture_classifier.app.review.decisions import Review
from posture_classifier.app.review.pictures import SIDES, jpeg
from posture_classifier.app.review.queue import MOST_PHOTOS
from posture_classifier.app.review.retraining import Retraining
from posture_classifier.app.review.source import find_source
from posture_classifier.app.shell import shell
from posture_classifier.app.workplace import Workplace
from posture_classifier.data.fixes import Decision
from posture_classifier.images.decode import DecodeError


class _Decided(BaseModel):
    photos: list[Annotated[int, Field(ge=0)]] = Field(min_length=1, max_length=MOST_PHOTOS)
    decision: Decision
    new_label: str = ""


class _ReviewPage:
    """The page and what it asks for.

    The review and its trainings are made when they are first asked for.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._made: tuple[Review, Retraining] | None = None
        self._lock = threading.Lock()

    async def page(self, _: Request) -> Response:
        """The page's frame."""
        return shell("review", "/static/review/review.js", "/static/review/review.css")

    async def state(self, request: Request) -> Response:
        """The queue, and what was decided of it."""
        review, _ = await self._parts()
        return JSONResponse(await run_in_threadpool(review.state, language_of(request.headers)))

    async def photo(self, request: Request) -> Response:
        """A photo of the queue."""
        review, _ = await self._parts()
        size, file = request.path_params["size"], review.file(request.path_params["number"])
        if file is None or size not in SIDES:
            raise Refusal(404, "There is no such photo.")
        try:
            return Response(await run_in_threadpool(jpeg, file, size), media_type="image/jpeg")
        except DecodeError as error:
            raise Refusal(404, f"The photo cannot be read: {error}.") from error

    async def decide(self, request: Request) -> Response:
        """Write down a decision."""
        body = await read_json(request, _Decided)
        review, _ = await self._parts()
        try:
            counts = await run_in_threadpool(review.decide, body.photos, body.decision, body.new_label)
        except LookupError as error:
            raise Refusal(404, "There is no such photo or class.") from error
        return JSONResponse({"counts": counts})

    async def undo(self, _: Request) -> Response:
        """Take back the last decision."""
        review, _retraining = await self._parts()
        return JSONResponse({"photo": await run_in_threadpool(review.undo)})

    async def training(self, request: Request) -> Response:
        """How far the training is, and whether it helped."""
        _review, retraining = await self._parts()
        return JSONResponse(await run_in_threadpool(retraining.state, language_of(request.headers)))

    async def train(self, _: Request) -> Response:
        """Begin a training."""
        review, retraining = await self._parts()
        if review.source.run is None:
            raise Refusal(409, "There is no earlier training to repeat; run the command in a terminal.")
        if not await run_in_threadpool(retraining.start):
            raise Refusal(409, "A training is running already.")
        return JSONResponse({}, 202)

    async def stop(self, _: Request) -> Response:
        """Stop the training."""
        _review, retraining = await self._parts()
        await run_in_threadpool(retraining.stop)
        return JSONResponse({})

    async def _parts(self) -> tuple[Review, Retraining]:
        return await run_in_threadpool(self._make)

    def _make(self) -> tuple[Review, Retraining]:
        with self._lock:
            if self._made is None:
                source = find_source(self._workplace)
                self._made = Review(source), Retraining(source)
            return self._made


def routes(workplace: Workplace) -> list[BaseRoute]:
    """The page, its photos, its decisions and its training."""
    page = _ReviewPage(workplace)
    return [
        Route("/review", page.page),
        Route("/api/review", page.state),
        Route("/api/review/photo/{number:int}/{size}", page.photo),
        Route("/api/review/decision", page.decide, methods=["POST"]),
        Route("/api/review/undo", page.undo, methods=["POST"]),
        Route("/api/review/training", page.training),
        Route("/api/review/training", page.train, methods=["POST"]),
        Route("/api/review/training/stop", page.stop, methods=["POST"]),
    ]
