"""The last resort: an error that nobody foresaw is one sentence, and a file with the traceback."""

import platform
import sys
import traceback
from tempfile import NamedTemporaryFile

from posture_classifier import __version__
from posture_classifier.utils.text import first_line


def describe_unforeseen(error: Exception) -> str:
    """Write the traceback to a file in the system's temporary folder.

    Returns:
        A sentence that names the error and the file; where there is no room for one, the traceback
        itself.
    """
    found = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {first_line(error)}, which this program did not foresee"
    head = f"posture-classifier {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    try:
        with NamedTemporaryFile(
            "w", prefix="posture-classifier-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(head + found)
    # This must not fail too, whatever the state of the disk.
    except Exception:
        return f"{what}; no file could be written, so here is its traceback:\n{found}"
    return f"{what}; its traceback is in {file.name}: please report it with that file; what was written before is still there"
