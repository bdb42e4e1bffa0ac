"""Runs an application on a port of this machine until the program is stopped."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from posture_classifier.utils.errors import UserError

SHUTDOWN = 3
"""Seconds that requests have to end in when the program is stopped."""
LAST_PORT = 65535
WAITING = 128
"""Connections that may wait to be taken."""


def open_socket(host: str, port: int) -> socket.socket:
    """Open a port to listen on; 0 takes a free one.

    Raises:
        UserError: The address is none of this machine, or the port is taken or not allowed.
    """
    if not 0 <= port <= LAST_PORT:  # getaddrinfo would take the remainder
        raise UserError(f"--port {port} is no port; choose one up to {LAST_PORT}, or 0 for a free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        opened = socket.socket(family, kind, protocol)
        if os.name != "nt":  # there it would let two programs share the port
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(WAITING)
    except OSError as error:
        raise UserError(
            f"{host} port {port} cannot be listened on ({error.strerror}); choose another --host or --port, or leave them out"
        ) from error
    return opened


def run(app: ASGIApp, listening: socket.socket, started: Callable[[], object], certificate: tuple[str, str] | None = None) -> None:
    """Answer requests until the program is stopped; ``started`` is called once that has begun.

    Nothing of a request is logged: its path may name a person. With the files of a certificate and
    of its key it is https.
    """
    cert, key = certificate or (None, None)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
    _Server(config, started).run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that says when it has started."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_start = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        with suppress(asyncio.CancelledError):
            await asyncio.to_thread(self._on_start)
