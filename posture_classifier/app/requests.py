"""Reads requests: bodies up to a size, JSON of a known form, and paths that stay below a folder."""

import re
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from posture_classifier.app.errors import Refusal

Body = TypeVar("Body", bound=BaseModel)
MOST_JSON = 64 * 1024
"""Bytes of a JSON body, at most."""


def too_large(most: int) -> Refusal:
    """What is answered to more than ``most`` bytes."""
    return Refusal(413, f"That is too large; it may have {most / 2**20:.3g} MiB.")


async def read_body(request: Request, most: int, kinds: tuple[str, ...] = ()) -> bytes:
    """Read the body of a request.

    Args:
        request: The request.
        most: Bytes, at most.
        kinds: Media types that are taken, or how they begin, as ``image/``; empty takes any.

    Raises:
        Refusal: The body is longer (413) or of another type (415).
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kinds and not kind.startswith(kinds):
        raise Refusal(415, f"That is of another type; send {' or '.join(re.sub('/$', '/*', each) for each in kinds)}.")
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise too_large(most)
    except ClientDisconnect as error:
        raise Refusal(400, "The connection ended before the request did.") from error
    return bytes(body)


async def read_json(request: Request, kind: type[Body]) -> Body:
    """Read a JSON body into a pydantic model.

    Raises:
        Refusal: It is too long (413), no JSON by its type (415), or of another form (400).
    """
    body = await read_body(request, MOST_JSON, ("application/json",))
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "JSON"
        raise Refusal(400, f"The request is not as the page sends it ({place}); load the page again.") from error


def inside(root: Path, relative: str) -> Path:
    """The file that a relative path names, below a folder, wherever links lead.

    Raises:
        Refusal: It leads out of the folder, or no file is there (404 for both, so that nobody can
            ask which files exist).
    """
    missing = Refusal(404, "There is no such photo.")
    try:
        path = (root / relative).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            raise missing
    except (OSError, ValueError, RuntimeError) as error:  # a null character, a name too long, links in a circle
        raise missing from error
    return path
