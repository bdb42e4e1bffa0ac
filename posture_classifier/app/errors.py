"""What the terminal shows of an error that nobody foresaw: its place, and nothing of the user."""

import traceback

from posture_classifier.utils.console import say


def report_unforeseen(error: Exception) -> None:
    """Print the error's type and place; its message may hold names of photos and people."""
    places = [
        f"{frame.filename.rpartition('posture_classifier')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    say(f"a request failed by {type(error).__name__} at {' < '.join(reversed(places[-3:]))}; please report it", style="red")
