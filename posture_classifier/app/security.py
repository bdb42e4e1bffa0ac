"""Guards the server: who asks, from which page, and how much may be sent.

A page of somebody else's, open in the same browser, can send requests to this machine too (CSRF),
and by changing what its name stands for it can even read the answers (DNS rebinding). So the host
that is asked for must be an address, requests that change something must come from our own pages,
and everything takes a cookie that only who has seen the terminal can have.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posture_classifier.app.access import Access, cookie_name
from posture_classifier.app.errors import FAILED, Refusal, error_response, language_of
from posture_classifier.app.requests import too_large

MOST_BODY = 64 * 1024 * 1024
"""Bytes of any body, at most; most requests take far less."""
SAFE_METHODS = ("GET", "HEAD")
HOST = re.compile(r"(localhost|[\d.]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?")
"""A Host header that can be right; no name but ``localhost``, since a name can be made to lead
anywhere."""
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob: data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Headers of every answer."""
HEAD = '<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,"><title>posture_classifier</title>'
"""Begins the pages that are answered here; a browser would otherwise ask for an icon."""
ENTER = f'{HEAD}<meta http-equiv="refresh" content="0;url=/">'
"""Leads on to the pages as our own page: on a redirect from another one, as of a notebook, browsers
would withhold the cookie."""


class Guard:
    """ASGI middleware that refuses what our own pages do not send, and adds headers to answers.

    Args:
        app: What it guards.
        access: Who may use it.
        on_error: Called with an error that nobody foresaw, which is answered by 500.
        open_paths: Paths that need no cookie, such as that of the code's form.
    """

    def __init__(self, app: ASGIApp, access: Access, on_error: Callable[[Exception], None], open_paths: Iterable[str] = ()) -> None:
        self._app = app
        self._access = access
        self._on_error = on_error
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                names = {name.lower() for name, _ in message["headers"]}
                added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *(each for each in added if each[0] not in names)]}
            await send(message)

        try:
            answer = self._answer(scope)
            if answer is not None:
                await answer(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except Exception as error:  # the last resort
            self._on_error(error)
            if not started:
                failed = error_response(FAILED, language_of(Headers(scope=scope)))
                await failed(scope, receive, send_with_headers)

    def _answer(self, scope: Scope) -> Response | None:
        """What is answered here; None hands the request on."""
        headers = Headers(scope=scope)
        port = (scope.get("server") or ("", 0))[1] or 0
        try:
            self._check_sender(scope, headers)
            if (entered := self._enter(scope, port)) is not None:
                return entered
            site = headers.get("sec-fetch-site", "none")
            if site not in ("same-origin", "none"):
                raise Refusal(403, "Only the pages of this server may ask that.")
            if scope["path"] not in self._open_paths and not self._has_cookie(headers, port):
                return self._locked(scope, headers)
            if not re.fullmatch(r"\d{1,15}", length := headers.get("content-length", "0")) or int(length) > MOST_BODY:
                raise too_large(MOST_BODY)
        except Refusal as refusal:
            return error_response(refusal, language_of(headers))
        return None

    def _check_sender(self, scope: Scope, headers: Headers) -> None:
        """Refuse requests to other hosts than ours, and changes that other pages ask for."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not _is_address(hosts[0], network=self._access.takes_codes):
            raise Refusal(421, "This page is no longer let in. Open the address that the terminal shows.")
        if scope["method"] not in SAFE_METHODS and headers.getlist("origin") != [f"{scope['scheme']}://{hosts[0]}"]:
            raise Refusal(403, "Only the pages of this server may ask that.")

    def _enter(self, scope: Scope, port: int) -> Response | None:
        """Give the cookie to who has the key of the address."""
        if scope["path"] != "/" or scope["method"] != "GET":
            return None
        query = scope["query_string"].decode("latin-1")
        if not query.startswith("key=") or not self._access.is_key(query.removeprefix("key=")):
            return None
        return HTMLResponse(ENTER, headers={"Set-Cookie": self._access.set_cookie(port)})

    def _has_cookie(self, headers: Headers, port: int) -> bool:
        values = (cookie_parser(cookies).get(cookie_name(port), "") for cookies in headers.getlist("cookie"))
        return any(map(self._access.is_cookie, values))

    def _locked(self, scope: Scope, headers: Headers) -> Response:
        """What those see who have no cookie."""
        if scope["method"] == "GET" and not scope["path"].startswith("/api/"):
            if self._access.takes_codes:
                return Response(status_code=303, headers={"Location": "/enter"})
            text = "Open the address that the terminal shows: it holds a key. 터미널에 표시된 주소를 여세요."
            return HTMLResponse(f"{HEAD}<p>{text}", 401)
        locked = Refusal(401, "This page is no longer let in. Open the address that the terminal shows.")
        return error_response(locked, language_of(headers))


def _is_address(host: str, network: bool) -> bool:
    """Whether a Host header is ``localhost``, or an address of this machine or a network."""
    if not (found := HOST.fullmatch(host)):
        return False
    if (name := found[1]) == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return network or address.is_loopback
