"""Starts the pages, and says where they are."""

import webbrowser
from pathlib import Path

from posture_classifier.app.access import Access
from posture_classifier.app.running import open_socket, run
from posture_classifier.app.server import build_app
from posture_classifier.app.workplace import find_workplace
from posture_classifier.utils.console import say


def start_app(place: Path, checkpoint: Path | None, fixes: Path | None, host: str, port: int, browser: bool) -> None:
    """Answer at an address until the program is stopped.

    Args:
        place: A folder of photos, a checkpoint, or the folder of a run.
        checkpoint: The network to try beside a folder of photos.
        fixes: The file that decisions about photos go to.
        host: The address to answer at.
        port: The port; 0 takes a free one.
        browser: Whether to open the page in a browser.

    Raises:
        UserError: Something named is not there, or the port cannot be opened.
    """
    workplace = find_workplace(place, checkpoint, fixes)
    access = Access()
    listening = open_socket(host, port)
    port = listening.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"

    def started() -> None:
        say(f"open {address}?key={access.key}", "Ctrl-C stops it.", whole=True)
        if browser:
            webbrowser.open(f"{address}?key={access.one_time_key()}")

    run(build_app(workplace, access), listening, started)
