"""Try: what the network says of the webcam, of photos and of videos."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posture_classifier.app.shell import shell
from posture_classifier.app.workplace import Workplace


def routes(workplace: Workplace) -> list[BaseRoute]:
    """The page."""

    async def page(_: Request) -> Response:
        return shell("try", "/static/try_without_network.js")

    return [Route("/try", page)]
