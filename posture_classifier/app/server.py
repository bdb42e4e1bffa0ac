"""Builds the local pages as one Starlette application."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from posture_classifier.app import collect, enter, review, try_page
from posture_classifier.app.access import Access
from posture_classifier.app.errors import error_response, language_of, report_unforeseen
from posture_classifier.app.security import Guard
from posture_classifier.app.shell import STATIC
from posture_classifier.app.workplace import Workplace
from posture_classifier.rendering.page import STYLE
from posture_classifier.utils.errors import UserError


def build_app(workplace: Workplace, access: Access) -> Starlette:
    """Build the application: its pages, what they ask for, and the guard before all of it."""
    enter_routes, open_paths = (enter.routes(access), enter.OPEN_PATHS) if access.takes_codes else ([], ())
    routes: list[BaseRoute] = [
        Route("/", _first_page(workplace)),
        *enter_routes,
        *try_page.routes(workplace),
        *collect.routes(workplace),
        *review.routes(workplace),
        Route("/static/style.css", _style),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, access=access, on_error=report_unforeseen, open_paths=open_paths)],
        exception_handlers=dict.fromkeys((HTTPException, UserError), _refuse),
    )


def _first_page(workplace: Workplace) -> Callable[[Request], Awaitable[Response]]:
    async def first_page(_: Request) -> Response:
        return RedirectResponse("/try" if workplace.checkpoint else "/collect", 303)

    return first_page


async def _style(_: Request) -> Response:
    return Response(STYLE.read_text(encoding="utf-8"), media_type="text/css")


async def _refuse(request: Request, error: Exception) -> Response:
    return error_response(error, language_of(request.headers), user_error=409)
