"""How the ranks of one training are started and signalled, in place of Lightning's own way.

Lightning's signal handlers let ranks wait for each other and hang (its issues 20806 and 20825), and
the thread that observes the ranks it started kills all of them, this process too, once one has
ended.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher
from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector

from posture_classifier.utils.stop import Cause
from posture_classifier.utils.stopping import LAUNCHER, SIGNALS, Stopping, current


def own_the_ranks(trainer: Trainer) -> None:
    """Let this program start and stop the ranks of a training, rather than Lightning."""
    trainer._signal_connector = _NoSignals(trainer)
    strategy = trainer.strategy
    launcher = strategy.launcher
    if type(launcher) is _SubprocessScriptLauncher and (stopping := current()) is not None:
        strategy._launcher = _RankLauncher(launcher, stopping)


class _NoSignals(_SignalConnector):
    """Leaves signals to the program."""

    def register_signal_handlers(self) -> None:
        self.received_sigterm = False


class _RankLauncher(_SubprocessScriptLauncher):
    """Starts ranks that end with this process, and stops when one of them fails."""

    def __init__(self, lightnings: _SubprocessScriptLauncher, stopping: Stopping) -> None:
        super().__init__(lightnings.cluster_environment, lightnings.num_processes, lightnings.num_nodes)
        self._stopping = stopping
        self._killed = False

    def launch(self, function: Callable[..., Any], *args: Any, trainer: Trainer | None = None, **kwargs: Any) -> Any:
        if self.cluster_environment.creates_processes_externally:
            return super().launch(function, *args, trainer=trainer, **kwargs)
        self.cluster_environment.validate_settings(num_devices=self.num_processes, num_nodes=self.num_nodes)
        os.environ[LAUNCHER] = str(os.getpid())
        self._call_children_scripts()
        del os.environ[LAUNCHER]
        self._stopping.children = self.procs
        self._stopping.functions.append(lambda _: self.kill(signal.SIGTERM))
        threading.Thread(target=self._observe, name="ranks", daemon=True).start()
        # The others are started: the rest is as with ranks that someone else starts.
        return super().launch(function, *args, trainer=trainer, **kwargs)

    def kill(self, signum: int) -> None:
        self._killed = True
        super().kill(signum)

    def _observe(self) -> None:
        codes: list[int | None] = [None]
        while None in codes and not any(codes):
            time.sleep(0.2)
            codes = [process.poll() for process in self.procs]
        for rank, code in enumerate(codes, start=1):
            if code and not self._killed:
                self._stopping.stop(_cause(rank, code))


def _cause(rank: int, code: int) -> Cause:
    """Why to stop when a rank has ended with an exit code other than 0."""
    number = -code if code < 0 else code - 128
    if number in SIGNALS:
        return Cause.of_signal(number)
    if code < 0:
        name = signal.Signals(number).name
        return Cause(f"rank {rank} was killed by {name}, as the system does for want of memory", 1)
    return Cause(f"rank {rank} failed (exit code {code}; its own message is above)", code)
