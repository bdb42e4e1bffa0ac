"""Runs the program in a child process that ends when its parent does.

Started as ``python -m posture_classifier.cli.child_process COMMAND [options]``.

The parent holds the other end of this process's standard input. However the parent ends, the
operating system closes that pipe, and this process notices.
"""

import os
import sys
import threading

from posture_classifier.cli.program import main
from posture_classifier.utils.stop import Cause
from posture_classifier.utils.stopping import current


def _stop_when_closed(pipe: int) -> None:
    """Stop when a pipe is closed; checkpoints that are held in memory are written then."""
    while os.read(pipe, 1024):
        pass
    if stopping := current():
        stopping.stop(Cause("stopped, since the process that started this one has ended", 1))
    else:
        os._exit(1)  # the program has not begun, or is at its end


if __name__ == "__main__":
    pipe = os.dup(0)
    # Processes that this one starts get an empty standard input, since a thread reads from the real
    # one.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_stop_when_closed, args=(pipe,), daemon=True).start()
    sys.exit(main())
