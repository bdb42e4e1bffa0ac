"""What the Review page asks for."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from posture_classifier.app.requests import Refusal, read_json
from posture_classifier.app.review.decisions import Review
from posture_classifier.app.review.pictures import SIDES, jpeg
from posture_classifier.app.review.queue import MOST_PHOTOS
from posture_classifier.app.review.retraining import Retraining
from posture_classifier.app.review.source import find_source
from posture_classifier.app.shell import shell
from posture_classifier.app.workplace import Workplace
from posture_classifier.data.fixes import Decision
from posture_classifier.images.decode import DecodeError
from posture_classifier.utils.errors import UserError


class _Decided(BaseModel):
    photos: list[Annotated[int, Field(ge=0)]] = Field(min_length=1, max_length=MOST_PHOTOS)
    decision: Decision
    new_label: str = ""


class _Parts:
    """The review and its trainings, made when they are first asked for."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._made: tuple[Review, Retraining] | None = None
        self._lock = threading.Lock()

    def get(self) -> tuple[Review, Retraining]:
        """Make them, or give those that were made."""
        with self._lock:
            if self._made is None:
                source = find_source(self._workplace)
                self._made = Review(source), Retraining(source)
            return self._made


def _sentences(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let an error that the user can put right be answered by its sentence."""

    @wraps(function)
    async def wrapped(*arguments: Any) -> Response:
        try:
            answer: Response = await function(*arguments)
        except UserError as error:
            raise Refusal(409, "user_error", str(error)) from error
        return answer

    return wrapped


def routes(workplace: Workplace) -> list[BaseRoute]:
    """The page, its photos, its decisions and its training."""
    parts = _Parts(workplace)

    async def page(_: Request) -> Response:
        return shell("review", "/static/review/review.js", "/static/review/review.css")

    @_sentences
    async def state(request: Request) -> Response:
        review, _ = await run_in_threadpool(parts.get)
        return JSONResponse(await run_in_threadpool(review.state, request.query_params.get("language", "en")))

    @_sentences
    async def photo(request: Request) -> Response:
        review, _ = await run_in_threadpool(parts.get)
        size, file = request.path_params["size"], review.file(request.path_params["number"])
        if file is None or size not in SIDES:
            raise Refusal(404, "no_such_photo", "there is no such photo")
        try:
            return Response(await run_in_threadpool(jpeg, file, size), media_type="image/jpeg")
        except DecodeError as error:
            raise Refusal(404, "unreadable", f"the photo cannot be read: {error}", why=str(error)) from error

    @_sentences
    async def decide(request: Request) -> Response:
        body = await read_json(request, _Decided)
        review, _ = await run_in_threadpool(parts.get)
        try:
            counts = await run_in_threadpool(review.decide, body.photos, body.decision, body.new_label)
        except LookupError as error:
            raise Refusal(404, "no_such_photo", "there is no such photo or class") from error
        return JSONResponse({"counts": counts})

    @_sentences
    async def undo(_: Request) -> Response:
        review, _retraining = await run_in_threadpool(parts.get)
        return JSONResponse({"photo": await run_in_threadpool(review.undo)})

    @_sentences
    async def training(_: Request) -> Response:
        _review, retraining = await run_in_threadpool(parts.get)
        return JSONResponse(await run_in_threadpool(retraining.state))

    @_sentences
    async def train(_: Request) -> Response:
        review, retraining = await run_in_threadpool(parts.get)
        if review.source.run is None:
            raise Refusal(409, "nothing_to_retrain", "there is no earlier training; run the command in a terminal")
        if not await run_in_threadpool(retraining.start):
            raise Refusal(409, "trains_already", "a training is running already")
        return JSONResponse({}, 202)

    @_sentences
    async def stop(_: Request) -> Response:
        _review, retraining = await run_in_threadpool(parts.get)
        await run_in_threadpool(retraining.stop)
        return JSONResponse({})

    return [
        Route("/review", page),
        Route("/api/review", state),
        Route("/api/review/photo/{number:int}/{size}", photo),
        Route("/api/review/decision", decide, methods=["POST"]),
        Route("/api/review/undo", undo, methods=["POST"]),
        Route("/api/review/training", training),
        Route("/api/review/training", train, methods=["POST"]),
        Route("/api/review/training/stop", stop, methods=["POST"]),
    ]
