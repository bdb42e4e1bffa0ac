"""Starts the real program, signals one of its processes or all of them, and watches them end."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.program import REPOSITORY

PATIENCE = 240.0
"""Seconds to wait for what takes far less on a machine without other work."""


@dataclass(frozen=True)
class Ended:
    """How the program ended.

    Attributes:
        code: Exit code of the process that was started; -N if signal N killed it.
        seconds: From the signal until the last of its processes was gone.
        said: All that the processes printed.
    """

    code: int
    seconds: float
    said: str


class Program:
    """The program, whose processes are known by a variable in their environment.

    Args:
        arguments: The command line.
        log: A file for all that it prints.
        torchrun: Number of ranks that torchrun starts; 0 is no torchrun.
        program: Words that begin the command line; by default those of the program itself.
    """

    def __init__(
        self, arguments: list[str], log: Path, torchrun: int = 0, program: list[str] | None = None, **environment: str
    ) -> None:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(torchrun)] if torchrun else []
        command = [*(program or [sys.executable, *launcher, "-m", "posture_classifier"]), *arguments]
        self.log, self._mark = log, f"SIGNALLED={secrets.token_hex(8)}"
        with log.open("wb") as file:
            self.main = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=os.environ | {"OMP_NUM_THREADS": "1"} | environment | dict([self._mark.split("=")]),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def processes(self) -> list[int]:
        """All that the program started and that have not ended, itself too."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                ours = self._mark.encode() in (folder / "environ").read_bytes().split(b"\0")
                if ours and (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    found.append(int(folder.name))
        return found

    def rank(self, number: int) -> int:
        """The process of a rank; the main process is rank 0 where Lightning starts the others."""
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE:
            for pid in self.processes():
                with suppress(OSError):
                    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
                    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                    if parent == str(self.main.pid) and f"LOCAL_RANK={number}".encode() in environment:
                        return pid
            time.sleep(0.02)
        raise TimeoutError(f"no rank {number}: {self.said()}")

    def send(self, number: signal.Signals, target: int | None) -> Ended:
        """Signal one process, or all where the target is None, and wait until all have ended."""
        start = time.monotonic()
        for process in self.processes() if target is None else [target]:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        return self.wait(start)

    def wait(self, start: float | None = None) -> Ended:
        """Wait until all processes have ended."""
        start = time.monotonic() if start is None else start
        while time.monotonic() - start < PATIENCE and (self.main.poll() is None or self.processes()):
            time.sleep(0.02)
        seconds = time.monotonic() - start
        return Ended(self.main.wait(timeout=1) if self.main.poll() is not None else -1000, seconds, self.said())

    def said(self) -> str:
        """All that was printed so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern: str, folder: Path) -> Path:
        """Wait until a file appears below a folder; returns it."""
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE:
            if found := sorted(folder.glob(pattern)):
                return found[0]
            assert self.main.poll() is None, self.said()
            time.sleep(0.02)
        raise TimeoutError(f"no {pattern}: {self.said()}")

    def kill(self) -> None:
        """End whatever is left."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.main.wait()


@contextmanager
def started(
    arguments: list[str], log: Path, torchrun: int = 0, program: list[str] | None = None, **environment: str
) -> Iterator[Program]:
    """Run the program; at the end none of its processes is left."""
    running = Program(arguments, log, torchrun, program, **environment)
    try:
        yield running
    finally:
        running.kill()
