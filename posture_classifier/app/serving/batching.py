"""Joins the photos of requests that come at the same time into one pass of the network."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posture_classifier.app.errors import Refusal
from posture_classifier.images.photo_inputs import Photo
from posture_classifier.inference import Prediction

Classify = Callable[[list[Photo]], list[Prediction]]
MOST_WAITING = 1024
"""Photos that may wait: more of them would fill the memory, and be answered too late."""


class BusyError(Refusal):
    """More photos wait than can be answered in time."""

    def __init__(self) -> None:
        super().__init__(503, "too many photos wait already; try again", {"Retry-After": "1"})


@dataclass(frozen=True)
class _Request:
    photos: Sequence[Photo]
    answer: "asyncio.Future[list[Prediction]]"


class Batcher:
    """Classifies what waits whenever the network is free.

    Nothing waits for a batch to become full: a lone request is answered at once, and while the
    network computes, the next batch gathers by itself.

    Args:
        classify: Classifies photos in their order; it is called in another thread, by one at a
            time.
        most: Photos in one call, at most, unless one request alone has more.
        most_waiting: Photos that may wait for the network.

    Example:
        >>> async def ask_twice() -> list[str]:
        ...     batcher = Batcher(lambda photos: [Prediction(str(photo)) for photo in photos])
        ...     async with asyncio.TaskGroup() as group:
        ...         running = group.create_task(batcher.run())
        ...         answers = await asyncio.gather(batcher(["a.jpg"]), batcher(["b.jpg"]))
        ...         running.cancel()
        ...     return [prediction.path for answer in answers for prediction in answer]
        >>> asyncio.run(ask_twice())
        ['a.jpg', 'b.jpg']
    """

    def __init__(self, classify: Classify, most: int = 64, most_waiting: int = MOST_WAITING) -> None:
        self._classify = classify
        self._most, self._most_waiting = most, most_waiting
        self._requests: asyncio.Queue[_Request] = asyncio.Queue()
        self._n_waiting = 0

    async def __call__(self, photos: Sequence[Photo]) -> list[Prediction]:
        """Classify the photos of one request.

        Raises:
            BusyError: Too many photos wait already.
        """
        if self._n_waiting + len(photos) > self._most_waiting:
            raise BusyError
        request = _Request(photos, asyncio.get_running_loop().create_future())
        self._n_waiting += len(photos)
        self._requests.put_nowait(request)
        return await request.answer

    async def run(self) -> None:
        """Answer requests until it is cancelled."""
        while True:
            batch = [await self._requests.get()]
            while not self._requests.empty() and self._fits(batch):
                batch.append(self._requests.get_nowait())
            await self._answer(batch)

    def _fits(self, batch: list[_Request]) -> bool:
        return sum(len(request.photos) for request in batch) < self._most

    async def _answer(self, batch: list[_Request]) -> None:
        photos = [photo for request in batch for photo in request.photos]
        self._n_waiting -= len(photos)
        try:
            predictions = iter(await asyncio.to_thread(self._classify, photos))
        # Whatever it is, each request is to hear of it, and the next batch to be answered.
        except Exception as error:
            for request in batch:
                if not request.answer.done():
                    request.answer.set_exception(error)
            return
        for request in batch:
            answer = [next(predictions) for _ in request.photos]
            if not request.answer.done():  # who asked may have gone
                request.answer.set_result(answer)
