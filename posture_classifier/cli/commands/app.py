"""``app``: one local page to try a network, collect photos and review them."""

from pathlib import Path

from posture_classifier.utils.console import say


def app(
    place: Path,
    checkpoint: Path | None = None,
    fixes: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    browser: bool = True,
) -> int:
    """Try a network, collect photos and review them, in a browser on this machine.

    Photos never leave the machine: the pages ask for nothing elsewhere.

    Args:
        place: A folder of photos (an empty one will do), a checkpoint, or the folder of a run; the
            photos that these were trained on are then reviewed and added to.
        checkpoint: The network to try beside a folder of photos: a checkpoint or a run's folder.
        fixes: The .csv file that a review writes its decisions to; by default fixes.csv in the
            folder of the photos.
        host: The address to answer at; 0.0.0.0 lets phones in the local network in, by https and a
            code that the terminal shows.
        port: The port; 0 takes a free one.
        browser: Whether to open the page in a browser.

    Returns:
        Exit code 0; it runs until it is stopped.
    """
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.app.start import start_app
    from posture_classifier.app.workplace import find_workplace

    workplace = find_workplace(place, checkpoint, fixes)
    if workplace.folder not in (None, place):
        say(f"Collect adds photos to {workplace.folder}, on which {place} was trained")
    start_app(workplace, host, port, browser)
    return 0
