"""Where a phone gives the code that the terminal shows."""

from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from posture_classifier.app.access import CODE_DIGITS, Access
from posture_classifier.app.requests import read_body
from posture_classifier.app.security import ENTER, HEAD

PATH = "/enter"
OPEN_PATHS = (PATH, "/static/style.css", "/static/app.css")
"""What is answered without the cookie."""
MOST_BYTES = 1000
PAGE = (
    HEAD
    + """<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/style.css"><link rel="stylesheet" href="/static/app.css">
<h1>posture_classifier</h1>
<form method="post" action="{path}" autocomplete="off">
<p><label for="code">Code from the terminal · 터미널에 나온 코드</label></p>
<p class="beside"><input id="code" name="code" inputmode="numeric" pattern="[0-9]*" maxlength="{digits}" required autofocus>
<button class="main">OK</button></p>
<p class="error" role="alert">{problem}</p>
</form>"""
)


def routes(access: Access) -> list[BaseRoute]:
    """The form, and what it sends."""

    async def form(_: Request) -> Response:
        return _page("")

    async def enter(request: Request) -> Response:
        body = await read_body(request, MOST_BYTES, ("application/x-www-form-urlencoded",))
        if access.wait > 0:
            return _page("Too many wrong codes; wait a minute. · 틀린 코드가 너무 많습니다. 1분 기다리세요.", 429)
        codes = parse_qs(body.decode("ascii", "replace")).get("code", [""])
        if not access.is_code(codes[0].strip()):
            return _page("That is not the code. · 코드가 맞지 않습니다.", 403)
        port = (request.scope.get("server") or ("", 0))[1] or 0
        return HTMLResponse(ENTER, headers={"Set-Cookie": access.set_cookie(port)})

    return [Route(PATH, form), Route(PATH, enter, methods=["POST"])]


def _page(problem: str, status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(path=PATH, digits=CODE_DIGITS, problem=escape(problem)), status)
