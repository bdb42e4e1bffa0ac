"""What the Collect page asks for."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posture_classifier.app.shell import shell
from posture_classifier.app.workplace import Workplace


def routes(workplace: Workplace) -> list[BaseRoute]:
    """The page."""

    async def page(_: Request) -> Response:
        return shell("collect", "/static/collect/collect.js", "/static/collect/collect.css")

    return [Route("/collect", page)]
