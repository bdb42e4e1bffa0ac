"""Where everything lies that can be computed again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/posture_classifier``, or else below ``~/.cache``; not made here."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posture_classifier"
