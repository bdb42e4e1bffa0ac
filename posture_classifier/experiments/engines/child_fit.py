"""``fit`` in a child process, which ends with the process that started it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from posture_classifier.experiments.engines.engine import Training
from posture_classifier.utils.stopping import at_stop


def fit_in_child(training: Training, environment: Mapping[str, str] | None = None) -> str | None:
    """Train in a child process; what it prints is added to the training's log.

    Ctrl-C, and whatever else stops the program, stops the child in order: its newest epoch is
    written before this returns.

    Args:
        training: What to train, or to go on with.
        environment: Variables beside those of this process.

    Returns:
        The last line of the output if it failed, else None.
    """
    training.folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "posture_classifier.cli.child_process", *training.words]
    own = os.environ | (environment or {})
    with (
        training.log.open("a", encoding="utf-8") as file,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, env=own) as child,
        at_stop(lambda _: child.terminate()),
    ):
        try:
            while child.poll() is None:
                # A wait without end would not notice the interrupt by which Ray cancels a task.
                with suppress(subprocess.TimeoutExpired):
                    child.wait(1.0)
        except KeyboardInterrupt:
            child.terminate()
            raise
    if child.returncode == 0:
        return None
    lines = [line.strip() for line in training.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    reason = lines[-1].removeprefix("error: ") if lines else "no output"
    return f"{reason} (exit code {child.returncode}; all output is in {training.log})"
