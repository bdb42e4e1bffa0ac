"""Reads requests: bodies up to a size, JSON of a known form, and paths that stay below a folder."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

Body = TypeVar("Body", bound=BaseModel)
MOST_JSON = 64 * 1024
"""Bytes of a JSON body, at most."""


class Refusal(Exception):  # noqa: N818 - nothing has failed
    """A request that is answered by a sentence in place of what it asks for.

    Args:
        status: HTTP status, 4xx; 507 for a full disk.
        code: Name of the sentence in ``languages/*.json``, where pages find it in their language.
        sentence: What is wrong and what to do, in English.
        values: What the sentence names.
    """

    def __init__(self, status: int, code: str, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence, self.values = status, code, sentence, values

    @property
    def response(self) -> Response:
        """The answer: ``{"error": sentence, "code": code, "values": {...}}``."""
        return JSONResponse({"error": self.sentence, "code": self.code, "values": self.values}, self.status)


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
        raise Refusal(415, "wrong_type", f"send {' or '.join(kinds)}", kinds=list(kinds))
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise Refusal(413, "too_large", f"more than {most:,} bytes", most=most)
    except ClientDisconnect as error:
        raise Refusal(400, "cut_off", "the connection ended before the request did") from error
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
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise Refusal(400, "bad_request", f"{place}: {first['msg']}") from error


def inside(root: Path, relative: str) -> Path:
    """The file that a relative path names, below a folder, wherever links lead.

    Raises:
        Refusal: It leads out of the folder, or no file is there (404 for both, so that nobody can
            ask which files exist).
    """
    missing = Refusal(404, "no_such_photo", "there is no such photo")
    try:
        path = (root / relative).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            raise missing
    except (OSError, ValueError, RuntimeError) as error:  # a null character, a name too long, links in a circle
        raise missing from error
    return path
