"""What a rank hears of another one, by real connections of this process with itself."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

import pytest

from posture_classifier.training.lifeline import _Ranks
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stop import Cause
from posture_classifier.utils.stopping import Stopping

PASSWORD = "secret"


class Heard(Stopping):
    """Notes the causes instead of ending the process."""

    def __init__(self) -> None:
        super().__init__()
        self.causes: list[Cause] = []

    def stop(self, cause: Cause) -> None:
        self.causes.append(cause)

    def wait(self) -> Cause:
        end = time.monotonic() + 20
        while not self.causes and time.monotonic() < end:
            time.sleep(0.01)
        return self.causes[0]


@pytest.fixture
def first() -> Heard:
    return Heard()


@pytest.fixture
def other(first: Heard) -> socket.socket:
    """The connection of rank 1 with rank 0, which has said hello."""
    server = socket.create_server(("127.0.0.1", 0))
    address = server.getsockname()
    threading.Thread(target=_Ranks(0, first).accept, args=(server, 1, PASSWORD), daemon=True).start()
    with socket.create_connection(address) as stranger:
        stranger.sendall(b'{"password": "other", "rank": 1, "process": 7, "host": "here"}\n')
    connection = socket.create_connection(address)
    hello = {"password": PASSWORD, "rank": 1, "process": 7, "host": "here"}
    connection.sendall(f"{json.dumps(hello)}\n".encode())
    return connection


@pytest.mark.parametrize(
    ("act", "what", "code"),
    [
        pytest.param(lambda rank: rank.tell(Cause.of_signal(signal.SIGTERM)), "stopped by SIGTERM", 143, id="stopped"),
        pytest.param(lambda rank: rank.failed(UserError("no such photo")), "rank 1 failed: no such photo", 2, id="a mistake"),
        pytest.param(lambda rank: rank.failed(ValueError("boom")), "rank 1 failed: ValueError: boom", 1, id="an error"),
    ],
)
def test_rank_0_hears_why(first: Heard, other: socket.socket, act: Callable[[_Ranks], None], what: str, code: int) -> None:
    rank = _Ranks(1, Heard())
    rank._connections.append(other)
    act(rank)
    heard = first.wait()
    assert (heard.what, heard.exit_code) == (what, code)


def test_a_rank_that_dies_is_named(first: Heard, other: socket.socket) -> None:
    other.close()
    assert "rank 1 (process 7 on here)" in first.wait().what


def test_a_rank_that_has_done_its_part_may_leave(first: Heard, other: socket.socket) -> None:
    rank = _Ranks(1, Heard())
    rank._connections.append(other)
    rank.end()
    other.close()
    time.sleep(0.3)
    assert not first.causes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_the_death_of_a_rank_is_heard_while_its_workers_live(first: Heard, other: socket.socket) -> None:
    """The workers that load photos were forked, and inherited the connection."""
    rank = _Ranks(1, Heard())
    rank.hold(other, other.makefile(), "rank 0")
    worker = os.fork()
    if worker == 0:
        rank.forget()
        time.sleep(20)
        os._exit(0)
    try:
        other.shutdown(socket.SHUT_RD)  # ends this process's own thread, which reads
        os.close(other.detach())
        assert "rank 1" in first.wait().what
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
