"""Connections between the ranks of a training, so that all stop together and say why.

Each rank holds one to rank 0, beside those of torch. When a process ends, however it does, the
operating system closes its connections. torch notices too, but only says which address is gone,
or waits for ever.
"""

import json
import os
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TextIO

from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stop import Cause
from posture_classifier.utils.stopping import Stopping, current
from posture_classifier.utils.text import first_line, printable

TIMEOUT = 30.0
LOOPBACK = ("localhost", "127.0.0.1")


class Lifeline(Callback):
    """Connects the ranks before they train."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Connect them, once."""
        stopping = current()
        if trainer.world_size > 1 and stopping is not None and stopping.peers is None:
            stopping.peers = _connect(trainer, stopping)


def _connect(trainer: Trainer, stopping: Stopping) -> "_Ranks":
    """A collective call; where a connection is refused, ranks do without it."""
    ranks = _Ranks(trainer.global_rank, stopping)
    # All ranks have reached rank 0 by this name.
    host = os.environ.get("MASTER_ADDR", "localhost")
    server = _server(only_here=host in LOOPBACK) if trainer.is_global_zero else None
    address = (host, server.getsockname()[1] if server else 0, secrets.token_hex(16))
    host, port, password = trainer.strategy.broadcast(address)  # that of rank 0
    if server is not None:
        threading.Thread(target=ranks.accept, args=(server, trainer.world_size - 1, password), daemon=True).start()
    else:
        with suppress(OSError):
            connection = socket.create_connection((host, port), TIMEOUT)
            connection.settimeout(None)
            hello = {"password": password, "rank": trainer.global_rank, "process": os.getpid(), "host": socket.gethostname()}
            ranks.hold(connection, connection.makefile(), "rank 0")
            ranks.send(connection, hello)
    return ranks


def _server(only_here: bool) -> socket.socket:
    """Listen at a free port, for other machines too unless all ranks are on this one."""
    if only_here or not socket.has_dualstack_ipv6():
        return socket.create_server(("127.0.0.1" if only_here else "", 0))
    return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)


class _Ranks:
    """The connections of this process: rank 0 has one to each rank, the others one to rank 0.

    ``stopping`` is told when another rank stops, fails or ends without a word.
    """

    def __init__(self, rank: int, stopping: Stopping) -> None:
        self._rank = rank
        self._stopping = stopping
        self._connections: list[socket.socket] = []

    def accept(self, server: socket.socket, others: int, password: str) -> None:
        """Wait for the other ranks; whoever does not know the password is none."""
        with server:
            server.settimeout(TIMEOUT)
            while len(self._connections) < others:
                try:
                    connection, _ = server.accept()
                    connection.settimeout(TIMEOUT)
                    lines = connection.makefile()
                    hello = json.loads(lines.readline())
                    connection.settimeout(None)
                    if not secrets.compare_digest(str(hello["password"]), password):
                        raise ValueError
                    name = f"rank {int(hello['rank'])} (process {int(hello['process'])} on {printable(str(hello['host']))})"
                except TimeoutError:
                    return
                except (OSError, ValueError, KeyError, TypeError):
                    continue
                self.hold(connection, lines, name)

    def hold(self, connection: socket.socket, lines: TextIO, name: str) -> None:
        """Watch a connection to the rank of this name, by the lines that come over it."""
        self._connections.append(connection)
        threading.Thread(target=self._listen, args=(lines, name), daemon=True).start()

    def tell(self, cause: Cause) -> None:
        """Stop all ranks that this one is connected with."""
        for connection in self._connections:
            self.send(connection, asdict(cause))

    def failed(self, error: Exception) -> None:
        """Tell the others that this rank failed."""
        users = isinstance(error, UserError)
        reason = first_line(error) if users else f"{type(error).__name__}: {first_line(error)}"
        self.tell(Cause(f"rank {self._rank} failed: {reason}", 2 if users else 1))

    def end(self) -> None:
        """Tell the others that this rank has done its part."""
        for connection in self._connections:
            self.send(connection, {})

    def forget(self) -> None:
        """Close them in a process that was forked, so that they end with this one."""
        for connection in self._connections:
            with suppress(OSError):
                os.close(connection.detach())  # close() would wait for the object that reads lines

    def send(self, connection: socket.socket, message: dict[str, Any]) -> None:
        """Send it in a line of its own; who is gone need not hear it."""
        with suppress(OSError):
            connection.sendall(f"{json.dumps(message)}\n".encode())

    def _listen(self, lines: TextIO, name: str) -> None:
        line = ""
        with suppress(OSError):
            line = lines.readline()
        if not line:
            if name == "rank 0":  # which is the one that would say so
                self._stopping.speaks = self._rank == 1
            cause = Cause(f"{name} has ended without a word, as when the system kills it for want of memory", 1)
        elif message := json.loads(line):
            cause = Cause(**message)
        else:
            return
        self._stopping.stop(cause)
