"""Ends the program in order when a signal asks for it, and for certain where it hangs.

A signal raises ``Stop`` in the main thread, as Ctrl-C does in any Python program. But a thread that
waits in C code, for another rank or for a GPU, notices nothing. So a second thread learns of the
signal too, has everything written that is worth it, and after a grace ends the process.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stop import Cause, Peers, Stop, StopFunction

if TYPE_CHECKING:
    import subprocess

GRACE = 5.0
"""Seconds from a signal until the process is ended in the middle of whatever it does."""
HEAD_START = 1.0
"""Seconds for this rank to find the user's mistake that another one found."""
LAUNCHER = "POSTURE_CLASSIFIER_LAUNCHER"
"""Environment variable of ranks that the program started itself: the process that did."""
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Environment variables that number the processes of one training, the first that is set counts."""


class Stopping:
    """Watches over one run of the program.

    Attributes:
        cause: Why it stops; None while it does not.
        speaks: Whether this process says so; of the ranks of a training only one does.
        peers: Other ranks, once they are known.
        children: Ranks that this process started, and that end with it at the latest.
        functions: What is to be done first, the last of them first.
    """

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self.speaks = next((os.environ[name] for name in RANKS if name in os.environ), "0") == "0"
        self.peers: Peers | None = None
        self.children: list[subprocess.Popen[Any]] = []
        self.functions: list[StopFunction] = []
        self._signals: set[int] = set()
        self._stopped = threading.Event()
        self._raised = self._over = False
        self._error: Exception | None = None
        self._settling, self._ending = threading.Lock(), threading.Lock()
        self._how_to_go_on: str | None = None
        self._settled = False
        self._launcher = os.environ.pop(LAUNCHER, None)
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._reader.settimeout(1.0)

    def start(self) -> None:
        """Begin to watch; a signal that the parent has set to be ignored stays ignored."""
        # The system writes the number of each signal there, whatever the main thread is doing.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            self.stop_on(number)
        threading.Thread(target=self._watch, name="stopping", daemon=True).start()

    def stop_on(self, number: int) -> None:
        """Stop on one more signal."""
        if signal.getsignal(number) is not signal.SIG_IGN:
            self._signals.add(number)
            signal.signal(number, self._handle)

    def stop(self, cause: Cause) -> None:
        """Stop the program, from any thread; for the first cause, if several come.

        A mistake of the user that another rank has found waits for this one to find it itself.
        """
        if cause.exit_code == 2:
            time.sleep(HEAD_START)
        if self._begin(cause) and hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _begin(self, cause: Cause) -> bool:
        """Note the cause and wake the thread that watches; returns whether it is the first."""
        if self.cause is not None or self._over:
            return False
        self.cause = cause
        self._stopped.set()
        with suppress(OSError):
            self._writer.send(b"\0")
        return True

    def check(self, error: Exception) -> None:
        """Raise ``Stop`` if an error follows from one, of which this process may hear a bit later.

        A rank that dies breaks the others' connections first, and a signal to all processes may
        reach the workers that load photos before it reaches this one.
        """
        if not isinstance(error, UserError) and error is not self._error:
            self._error = error  # it passes here more than once
            self._stopped.wait(5.0 if self._has_ranks else 0.3)
        if self.cause is not None:
            raise Stop(self.cause) from error

    def fail(self, error: Exception) -> None:
        """Let other ranks know of an error, and do not wait for them."""
        self._over = True
        if self.peers is not None:
            self.peers.failed(error)
        if self._has_ranks:
            timer = threading.Timer(GRACE, os._exit, [1])
            timer.daemon = True
            timer.start()

    @property
    def _has_ranks(self) -> bool:
        return bool(self.children) or any(name in os.environ for name in RANKS)

    def settle(self) -> None:
        """Have everything written that must not be lost, if there is a cause; once."""
        with self._settling:
            if self._settled or self.cause is None:
                return
            self._settled = True
            if self.peers is not None:
                self.peers.tell(self.cause)
            for function in reversed(self.functions):
                try:
                    self._how_to_go_on = function(self.cause) or self._how_to_go_on
                # Whatever it was, the other functions have their turn, and the program ends.
                except Exception as error:
                    self._how_to_go_on = str(error)

    def end(self) -> None:
        """End the process, without what Python does at its end: it may wait for other ranks."""
        self.settle()
        self._ending.acquire()  # for good: the other thread waits here
        assert self.cause is not None
        parts = [self.cause.what, self._how_to_go_on]
        with suppress(OSError, ValueError):  # the terminal may be closed
            if self.speaks:
                print("; ".join(filter(None, parts)), file=sys.stderr, flush=True)
            sys.stdout.flush()
        multiprocessing = sys.modules.get("multiprocessing")  # not imported for this alone
        for child in [*self.children, *(multiprocessing.active_children() if multiprocessing else [])]:
            with suppress(OSError):
                child.kill()
        os._exit(self.cause.exit_code)

    def ignore_from_now_on(self) -> None:
        """Leave signals to the system again."""
        self._over = True
        signal.set_wakeup_fd(-1)
        for number in self._signals:
            signal.signal(number, signal.SIG_DFL)

    def leave_to_parent(self) -> None:
        """Undo all of it in a process that was forked, such as a worker that loads photos."""
        self.ignore_from_now_on()
        if signal.SIGINT in self._signals:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # which torch's workers know
        if self.peers is not None:
            self.peers.forget()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._begin(Cause.of_signal(number))
        if self.cause is not None and not self._raised:
            self._raised = True
            if hasattr(signal, "SIGCHLD"):  # torch's handler would raise an error for each worker that ends
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            raise Stop(self.cause)

    def _watch(self) -> None:
        while self.cause is None:
            try:
                numbers = self._reader.recv(64)
            except TimeoutError:
                numbers = b""
            for number in set(numbers) & self._signals:
                self._begin(Cause.of_signal(number))
            if self._launcher not in (None, str(os.getppid())):
                self.speaks = os.environ.get("LOCAL_RANK") == "1"
                self.stop(Cause("rank 0 has ended without a word, as when the system kills it for want of memory", 1))
        self.settle()
        threading.Event().wait(GRACE)
        self.end()


_current: Stopping | None = None


def current() -> Stopping | None:
    """What watches over this run of the program; None where Python code called it as a library."""
    return _current


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Watch over the program, which runs in here."""
    global _current  # noqa: PLW0603 - signals belong to the process
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _current = stopping = Stopping()
    stopping.start()
    try:
        yield
    finally:
        if stopping.cause is not None:
            stopping.end()
        stopping.ignore_from_now_on()
    if stopping.peers is not None:
        stopping.peers.end()


@contextmanager
def consequences_as_stop() -> Iterator[None]:
    """Take an error that only follows from a stop for one, and let others know of the rest."""
    try:
        yield
    except Exception as error:
        if _current is not None:
            _current.check(error)
            _current.fail(error)
        raise


@contextmanager
def at_stop(function: StopFunction) -> Iterator[None]:
    """Call a function if the program is stopped in here.

    Of several, the innermost is called first, and what the outermost says is printed.

    Example:
        >>> rows = []
        >>> with at_stop(lambda cause: f"{len(rows)} rows are written"):
        ...     rows.append(1)
    """
    stopping = _current
    if stopping is None:
        yield
        return
    stopping.functions.append(function)
    try:
        yield
    except Exception as error:
        stopping.check(error)
        raise
    finally:
        stopping.settle()
        stopping.functions.remove(function)


def _leave_to_parent() -> None:
    global _current  # noqa: PLW0603
    if _current is not None:
        _current.leave_to_parent()
        _current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
