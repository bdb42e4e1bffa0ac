"""Trains again in a child process, which outlives the page, and ends with the server."""

import os
import shlex
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any, Literal

from posture_classifier.app.review.retrained import answer, later_runs, progress, retraining_words
from posture_classifier.app.review.source import Source
from posture_classifier.rendering.translation import Translator

State = Literal["idle", "running", "stopped", "failed", "done"]
LINES = 40
"""Last lines of what the training prints that are kept."""


class Retraining:
    """One training at a time on the fixed photos."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._words = retraining_words(source)
        self._child: subprocess.Popen[str] | None = None
        self._before: list[Path] = []
        self._lines: deque[str] = deque(maxlen=LINES)
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def command(self) -> str:
        """The command, as a shell takes it."""
        return shlex.join(["python", "-m", "posture_classifier", *self._words])

    def start(self) -> bool:
        """Begin to train; returns whether nothing was being trained before."""
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                return False
            self._before, self._stopped = later_runs(self._source), False
            self._lines.clear()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "posture_classifier.cli.child_process", *self._words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            )
            threading.Thread(target=self._read, args=(self._child,), name="retraining", daemon=True).start()
        return True

    def stop(self) -> None:
        """Ask the training to end; it writes its last checkpoint first."""
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                self._stopped = True
                self._child.terminate()

    def state(self, language: str) -> dict[str, Any]:
        """How far it is and, where a training has come to its end, whether that helped."""
        later, translator = later_runs(self._source), Translator(language)
        state, run = self._state(), next((path for path in reversed(later) if path not in self._before), None)
        shown = state != "idle" and run is not None
        return {
            "state": state,
            "command": self.command,
            "can_train": self._source.run is not None,
            "run": str(run) if shown else None,
            "progress": progress(run, self._source) if shown and run is not None else None,
            "last_line": translator.text(self._lines[-1].removeprefix("error: ")) if self._lines else "",
            "answer": answer(self._source, later, translator) if state != "running" else None,
        }

    def _state(self) -> State:
        if self._child is None:
            return "idle"
        if (code := self._child.poll()) is None:
            return "running"
        return "stopped" if self._stopped else "done" if code == 0 else "failed"

    def _read(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip():
                self._lines.append(line.strip())
        child.wait()
