"""Runs the program in a child process that ends when its parent does.

Started as ``python -m posture_classifier.cli.child_process COMMAND [options]``.

The parent holds the other end of this process's standard input. However the parent ends, the
operating system closes that pipe, and this process notices.
"""

import os
import sys
import threading

from posture_classifier.cli.program import main


def _exit_when_closed(pipe: int) -> None:
    """Exit when a pipe is closed; the workers of a DataLoader notice and follow within seconds."""
    while os.read(pipe, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    pipe = os.dup(0)
    # Processes that this one starts get an empty standard input, since a thread reads from the real
    # one.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_exit_when_closed, args=(pipe,), daemon=True).start()
    sys.exit(main())
