"""A page of ours in a real browser."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine to open the page with")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr"),
)
"""Chromium asks the network for things of its own, unless told not to."""


def screenshot(page: Path, folder: Path, width: int, height: int = 3000) -> Image.Image:
    """Open a page and check that it says nothing on the console and asks for nothing.

    Args:
        page: The HTML file.
        folder: For the browser's own files.
        width: Of the window in pixels.
        height: Likewise.
    """
    assert CHROMIUM is not None
    # Chromium's window is 500 pixels wide at least, so that a phone is a frame in it.
    frame = folder / f"frame-{width}.html"
    frame.write_text(
        f'<body style="margin:0"><iframe src="{page.as_uri()}" style="border:0;width:{width}px;height:{height}px"></iframe>'
    )
    picture, log = folder / f"{width}.png", folder / f"net-{width}.json"
    options = [f"--user-data-dir={folder / f'profile-{width}'}", f"--screenshot={picture}", f"--log-net-log={log}"]
    options.append(f"--window-size={max(width, 500)},{height}")
    command = [CHROMIUM, *QUIET, *options, frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    # What Chromium asks for itself, such as the time, is of the lowest priority; what a page needs never is.
    asked = re.findall(r'"priority":"(?!IDLE)\w+","traffic_annotation":\d+,"url":"([^"]+)"', log.read_text(errors="replace"))
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    image = Image.open(picture).convert("RGB")
    return image.crop((0, 0, width, height))
