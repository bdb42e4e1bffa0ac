"""Starts the pages, and says where they are."""

import ipaddress
import socket
import tempfile
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from posture_classifier.app.access import Access
from posture_classifier.app.certificate import make_certificate
from posture_classifier.app.running import open_socket, run
from posture_classifier.app.server import build_app
from posture_classifier.app.workplace import Workplace
from posture_classifier.utils.console import say

HERE = "127.0.0.1"


class Entry(NamedTuple):
    """Where the pages are, and who is let in.

    Attributes:
        access: Lets browsers in.
        home: The address on this machine.
        hints: What to know of other devices.
        certificate: Files of the certificate and its key, where it is https.
    """

    access: Access
    home: str
    hints: list[str]
    certificate: tuple[str, str] | None = None


def start_app(workplace: Workplace, host: str, port: int, browser: bool) -> None:
    """Answer at an address until the program is stopped.

    Any but that of this machine alone takes https and a code. Port 0 takes a free one.

    Raises:
        UserError: The checkpoint cannot be read, the port cannot be opened, or a package is
            missing.
    """
    with ExitStack() as stack:
        listening = stack.enter_context(open_socket(host, port))
        address, port = listening.getsockname()[:2]
        if ipaddress.ip_address(address).is_loopback:
            entry = Entry(Access(), f"http://{in_url(address)}:{port}/", [])
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="posture-classifier-"))
            entry = _network_entry(address, port, Path(folder))

        def started() -> None:
            say(f"open {entry.home}?key={entry.access.key}", *entry.hints, "Ctrl-C stops it.", whole=True)
            entry.access.new_code()
            if browser:
                webbrowser.open(f"{entry.home}?key={entry.access.one_time_key()}")

        run(build_app(workplace, entry.access), listening, started, entry.certificate)


def _network_entry(address: str, port: int, folder: Path) -> Entry:
    """Let devices of the local network in, by https and a code."""
    everywhere = ipaddress.ip_address(address).is_unspecified
    outside = _address_in_network() if everywhere else address
    made = make_certificate(folder, [outside, HERE])
    hints = [
        f"on a phone in the same network: https://{in_url(outside)}:{port}/",
        "Browsers warn of the certificate, which was made just now; it is the right one if its SHA-256 fingerprint is",
        made.fingerprint,
    ]
    access = Access(secure=True, show_code=lambda code: say(f"code for the next device: {code}"))
    home = f"https://{HERE if everywhere else in_url(outside)}:{port}/"
    return Entry(access, home, hints, (str(made.certificate), str(made.key)))


def _address_in_network() -> str:
    """The address at which other devices find this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))  # sends nothing: the system chooses the way there
        except OSError:
            return HERE
        return str(probe.getsockname()[0])


def in_url(address: str) -> str:
    """An address as URLs have it: IPv6 in brackets.

    Example:
        >>> in_url("::1"), in_url("127.0.0.1")
        ('[::1]', '127.0.0.1')
    """
    return f"[{address}]" if ":" in address else address
