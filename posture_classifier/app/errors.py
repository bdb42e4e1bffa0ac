"""How an error is answered: one shape for pages and programs, one place where it is translated."""

import traceback
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from posture_classifier.rendering.translation import ENGLISH, Translator, available_languages
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError


class Refusal(HTTPException):
    """A request that is answered by a sentence in place of what it asks for.

    Example:
        >>> Refusal(404, "There is no such photo.").status_code
        404
    """


FAILED = Refusal(500, "That failed; the terminal says where.")
"""What is answered after an error that nobody foresaw."""
NOTHING_HERE = "There is nothing at this address."
ONLY_BY = "This address takes {methods} only."
METHOD_NOT_ALLOWED = 405


def error_response(error: Exception, language: str = ENGLISH, user_error: int = 400) -> Response:
    """Answer ``{"error": sentence}``, the error object of the Open Inference Protocol v2.

    Args:
        error: A ``Refusal`` or another ``HTTPException``, or a ``UserError``; any other is
            answered by ``FAILED``.
        language: The language of the sentence, if its table has it; it is English otherwise.
        user_error: HTTP status of a ``UserError``: 400 where the request is at fault, 409 where the
            user's files are.
    """
    if isinstance(error, UserError):
        error = Refusal(user_error, str(error))
    known = error if isinstance(error, HTTPException) else FAILED
    sentence = known.detail if isinstance(known, Refusal) else _sentence(known)
    return JSONResponse({"error": Translator(language).text(sentence)}, known.status_code, known.headers)


def _sentence(error: HTTPException) -> str:
    """What is said in place of the two words that Starlette has for an address it does not know."""
    if error.status_code == METHOD_NOT_ALLOWED:
        return ONLY_BY.format(methods=(error.headers or {}).get("Allow", "GET"))
    return NOTHING_HERE


def language_of(headers: Mapping[str, str]) -> str:
    """The first language of the header Accept-Language that there is a table for, or English.

    Example:
        >>> language_of({"accept-language": "fr, ko-KR;q=0.9, en;q=0.8"})
        'ko'
    """
    wanted = [part.strip()[:2].lower() for part in headers.get("accept-language", "").split(",")]
    known = available_languages()
    return next((code for code in wanted if code in known), ENGLISH)


def report_unforeseen(error: Exception) -> None:
    """Print the error's type and place; its message may hold names of photos and people."""
    places = [
        f"{frame.filename.rpartition('posture_classifier')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    say(f"a request failed by {type(error).__name__} at {' < '.join(reversed(places[-3:]))}; please report it", style="red")
