"""``python -m posture_classifier.cli.child_process``: the program, in a process that ends with the one that started it.

Whatever starts it holds the other end of its standard input. However that process ends, the system closes the pipe.
"""

import os
import sys
import threading

from posture_classifier.cli.program import main


def _end_when_closed(pipe: int) -> None:
    """Wait for the end of a pipe, and end at once: workers of a DataLoader notice within seconds, and follow."""
    while os.read(pipe, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    pipe = os.dup(0)
    # What this process starts finds an empty input, rather than one that a thread waits at.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_end_when_closed, args=(pipe,), daemon=True).start()
    sys.exit(main())
