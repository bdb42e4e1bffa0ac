"""Opens pages in a headless Chromium with a fake camera, and watches what they ask for."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from starlette.types import ASGIApp

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass
class Watched:
    """What a page did beside being shown.

    Attributes:
        errors: Messages of the console's errors, and of exceptions that nothing caught.
        foreign: Addresses of requests to other places than the page's own.
    """

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        """No error in the console, and no request to anywhere else."""
        assert not self.errors, self.errors
        assert not self.foreign, self.foreign


def fake_camera(path: Path, photos: Sequence[Path]) -> Path:
    """A film of JPEG photos of one size, which Chromium plays in a loop in place of a camera."""
    path.write_bytes(b"".join(photo.read_bytes() for photo in photos))
    return path


@contextmanager
def chromium(camera: Path | None = None, *options: str) -> "Iterator[Browser]":
    """A headless Chromium; skips the test where there is none.

    Args:
        camera: A film made by ``fake_camera``, which pages see without asking; None gives them
            Chromium's own test picture.
        *options: More options of Chromium's command line.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    if camera is not None:
        fake.append(f"--use-file-for-fake-video-capture={camera}")
    with playwright.sync_playwright() as running:
        # A container's root has no sandbox; no page of others is opened.
        browser = running.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", *fake, *options]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_page(browser: "Browser", address: str, **context: Any) -> "Iterator[tuple[Page, Watched]]":
    """Open an address, and note its errors and its requests to other hosts.

    Args:
        browser: The browser.
        address: An http, https or file address.
        **context: Options of Playwright's ``new_context``, such as ``viewport`` or ``locale``.
    """
    opened = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB"} | context)
    page, watched = opened.new_page(), Watched()
    own = urlsplit(address)

    def is_foreign(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme not in ("data", "blob", "about") and (parts.scheme, parts.netloc) != (own.scheme, own.netloc)

    page.on("console", lambda message: watched.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("request", lambda request: watched.foreign.append(request.url) if is_foreign(request.url) else None)
    try:
        page.goto(address)
        yield page, watched
    finally:
        opened.close()


@contextmanager
def served(app: "ASGIApp", host: str = "127.0.0.1", **options: Any) -> Iterator[str]:
    """Answer by an application in a thread; gives the address, which ends in a slash.

    Args:
        app: The application.
        host: Address to listen at.
        **options: Further settings of uvicorn, such as a certificate.
    """
    import uvicorn

    from posture_classifier.app.running import open_socket

    listening = open_socket(host, 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        scheme = "https" if options.get("ssl_certfile") else "http"
        yield f"{scheme}://{host}:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds; Playwright's own way needs ``eval``, which our pages forbid."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
