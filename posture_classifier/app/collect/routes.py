"""What the Collect page asks for."""

import asyncio
import shlex
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from posture_classifier.app.collect.collection import Collection, Labels
from posture_classifier.app.collect.counts import Counts, read_counts
from posture_classifier.app.collect.missing import find_missing
from posture_classifier.app.collect.names import GROUP_PATTERN
from posture_classifier.app.collect.photo import MOST_BYTES
from posture_classifier.app.errors import Refusal
from posture_classifier.app.requests import read_body, read_json
from posture_classifier.app.shell import shell
from posture_classifier.app.workplace import Workplace
from posture_classifier.images.decode import FORMATS_IN_WORDS

PHOTO_KINDS = ("application/octet-stream", "image/")
AT_ONCE = 2
"""Photos that are decoded at once; more would take memory and no less time."""


class TakeBack(BaseModel):
    """Which photo is to be taken back."""

    path: str = Field(max_length=1000)


class CollectPage:
    """The page and what it asks for."""

    def __init__(self, workplace: Workplace) -> None:
        self._folder = workplace.folder
        self._collection = Collection(workplace.folder) if workplace.folder else None
        self._decoding = asyncio.Semaphore(AT_ONCE)

    async def page(self, _: Request) -> Response:
        """The page's frame."""
        return shell("collect", "/static/collect/collect.js", "/static/collect/collect.css")

    async def state(self, _: Request) -> Response:
        """What the folder holds, and what is missing."""
        collection = self._needed()
        return JSONResponse(await asyncio.to_thread(describe, collection))

    async def photo(self, request: Request) -> Response:
        """Save the photo in the body under the names in the query."""
        collection, query = self._needed(), request.query_params
        labels = Labels.checked(query.get("class", ""), query.get("person", ""), query.get("session", ""))
        content = await read_body(request, MOST_BYTES, PHOTO_KINDS)
        async with self._decoding:
            saved = await asyncio.to_thread(collection.save, labels, content, query.get("thin") == "true")
        return JSONResponse({"saved": saved}, 201 if saved else 200)

    async def undo(self, request: Request) -> Response:
        """Take back a photo."""
        collection, asked = self._needed(), await read_json(request, TakeBack)
        await asyncio.to_thread(collection.take_back, asked.path)
        return JSONResponse({})

    def _needed(self) -> Collection:
        if self._collection is None:
            raise Refusal(409, "The app was started without a folder to collect into. Start it with one; an empty folder will do.")
        return self._collection


def describe(collection: Collection) -> dict[str, Any]:
    """What the page shows of a folder.

    Raises:
        Refusal: Its folders name something else than classes.
        UserError: It cannot be opened, or nobody can tell what its folders name.
    """
    counts = read_counts(collection.root)
    missing = find_missing(counts)
    return {
        "folder": collection.root.resolve().name,
        "formats": FORMATS_IN_WORDS,
        "classes": counts.classes,
        "people": [_person(counts, person) for person in counts.people],
        "others": counts.others,
        "missing": [asdict(each) for each in missing],
        "pattern": GROUP_PATTERN,
        "command": next_command(collection, counts),
        "ready": not any(each.level == "needed" for each in missing),
    }


def _person(counts: Counts, person: str) -> dict[str, Any]:
    sessions = [
        {"name": session, "photos": {name: counts.of(name, person, session) for name in counts.classes}}
        for session in counts.sessions(person)
    ]
    return {"name": person, "photos": {name: counts.of(name, person) for name in counts.classes}, "sessions": sessions}


def next_command(collection: Collection, counts: Counts) -> str:
    """The command that trains on what was collected; of photos with other names ``start`` asks."""
    pattern = [] if counts.others else ["--group_pattern", GROUP_PATTERN]
    return shlex.join(["python", "-m", "posture_classifier", "start", str(collection.root), *pattern])


def routes(workplace: Workplace) -> list[BaseRoute]:
    """The page and what it asks for."""
    page = CollectPage(workplace)
    return [
        Route("/collect", page.page),
        Route("/api/collect/state", page.state),
        Route("/api/collect/photo", page.photo, methods=["POST"]),
        Route("/api/collect/undo", page.undo, methods=["POST"]),
    ]
