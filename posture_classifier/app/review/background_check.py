"""Checks the photos beside the page, which does not wait for it."""

import threading
from pathlib import Path
from typing import Literal

from posture_classifier.check.run_checks import Result, run_checks
from posture_classifier.data.layout import Layout
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

State = Literal["waiting", "reading", "ready", "failed"]


class BackgroundCheck:
    """Looks for faults in a folder of photos, once, in a thread.

    Attributes:
        state: How far it is.
        done: Number of photos that were read.
        total: Number of photos; 0 until it is known.
        result: What was found; None until then.
        problem: Why it failed; empty if it did not.
    """

    def __init__(self, root: Path, group_pattern: str | None, layout: Layout | None, table: Path | None = None) -> None:
        self._arguments = (root, group_pattern, layout, table)
        self.state: State = "waiting"
        self.done = self.total = 0
        self.result: Result | None = None
        self.problem = ""

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self.state == "waiting":
            self.state = "reading"
            threading.Thread(target=self._run, name="check", daemon=True).start()

    def _run(self) -> None:
        root, group_pattern, layout, table = self._arguments
        try:
            self.result = run_checks(root, group_pattern, self._progress, layout, table)
            self.state = "ready"
        except UserError as error:
            self.problem, self.state = str(error), "failed"
        # The mistakes of the network can be reviewed without it, whatever failed.
        except Exception as error:
            self.problem, self.state = first_line(error), "failed"

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
