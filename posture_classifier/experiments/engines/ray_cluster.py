"""A Ray cluster: each training is a Ray task, which may run on any node that shares the folder.

Scheduling, lost nodes and trying again are Ray's (Moritz et al. 2018, section 4); the plan, the run
folders and resuming are this program's. Ray's own training library is not used: its callbacks for
Lightning broke with nearly every major release.
"""

import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import FileLock, Timeout

from posture_classifier.experiments.engines.child_fit import fit_in_child
from posture_classifier.experiments.engines.engine import GPU_ACCELERATORS, Began, Ended, Training
from posture_classifier.runs.lock import LOCK
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.text import first_line, plural

RETRIES = 3
"""How often Ray begins a task again whose node or process was lost."""
PATIENCE = 60.0
"""Seconds that a training waits for its predecessor on a lost node, which may still be writing."""
GRACE = 10.0
"""Seconds in which cancelled trainings write their newest epoch."""
MARKER = "ray_folder"
"""File by which a node knows the folder of the series from one of its own of the same name."""


@dataclass(frozen=True)
class _Place:
    """Where this program runs, as each node has to see it.

    Attributes:
        working_folder: Its working folder, which relative paths begin at.
        folder: Folder of the series.
        mark: Content of the marker there.
    """

    working_folder: Path
    folder: Path
    mark: str

    def enter(self) -> str | None:
        """Go there; returns a sentence if this node does not see it."""
        with suppress(OSError):
            os.chdir(self.working_folder)
            if (self.folder / MARKER).read_text(encoding="utf-8") == self.mark:
                return None
        return (
            f"the node {socket.gethostname()} does not see {self.working_folder / self.folder} as this machine does; "
            "--engine ray needs a folder that all nodes share, and the same environment on each"
        )


@dataclass(frozen=True)
class RayCluster:
    """Carries out as many trainings at the same time as the cluster has room for.

    It connects to the cluster of ``RAY_ADDRESS`` or to one that runs on this machine, or else
    starts Ray here.

    Attributes:
        folder: Folder of the series.
        accelerator: Value of ``trainer.accelerator``.
    """

    folder: Path
    accelerator: str

    def run(self, trainings: Sequence[Training], began: Began, ended: Ended) -> None:
        """Hand all trainings to Ray, and hear of each how it went.

        Raises:
            UserError: Ray cannot be reached, or has no GPU and should.
        """
        if not trainings:
            return
        with _connected() as ray, self._marked() as place:
            share = _share_of_training([node["Resources"] for node in ray.nodes() if node["Alive"]], self.accelerator)
            say(f"Ray: {_describe(ray.cluster_resources())}; each training takes {_describe(share)}")
            numbers = {"num_cpus": share["CPU"], "num_gpus": share.get("GPU", 0)}
            task = ray.remote(num_returns="streaming", max_retries=RETRIES, **numbers)(_train_on_node)
            running = {task.remote(training, place): training for training in trainings}
            with at_stop(lambda _: _cancel(ray, list(running))):
                try:
                    while running:
                        for stream in ray.wait(list(running), num_returns=1, timeout=1.0)[0]:
                            if _hear(ray, stream, running[stream], began, ended):
                                del running[stream]
                except KeyboardInterrupt:
                    _cancel(ray, list(running))
                    raise

    @contextmanager
    def _marked(self) -> Iterator[_Place]:
        """A context in which the folder has a mark that no other has."""
        marker, mark = self.folder / MARKER, uuid.uuid4().hex
        marker.write_text(mark, encoding="utf-8")
        try:
            yield _Place(Path.cwd(), self.folder, mark)
        finally:
            marker.unlink(missing_ok=True)


@contextmanager
def _connected() -> Iterator[ModuleType]:
    """A context in which Ray is connected."""
    import ray

    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine unasked
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(f"--engine ray cannot connect to Ray: {first_line(error)}; see RAY_ADDRESS and `ray status`") from error
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, handler)  # Ray puts its own there, which writes nothing
    try:
        yield ray
    finally:
        ray.shutdown()


def _share_of_training(nodes: Sequence[Mapping[str, float]], accelerator: str) -> dict[str, float]:
    """What one training takes of a cluster: a GPU and its share of the cores, or a whole node.

    Raises:
        UserError: A GPU is wanted, and there is none.

    Example:
        >>> _share_of_training([{"CPU": 2.0}, {"CPU": 32.0, "GPU": 4.0}], "auto")
        {'CPU': 8, 'GPU': 1}
        >>> _share_of_training([{"CPU": 2.0}, {"CPU": 8.0}, {"CPU": 0.0}], "cpu")
        {'CPU': 2}
    """
    with_gpus = [node for node in nodes if node.get("GPU", 0) >= 1]
    if with_gpus and accelerator in GPU_ACCELERATORS:
        return {"CPU": max(1, min(int(node.get("CPU", 0) // node["GPU"]) for node in with_gpus)), "GPU": 1}
    if accelerator in GPU_ACCELERATORS and accelerator != "auto":
        raise UserError(f"trainer.accelerator is {accelerator}, and no node of Ray has a GPU; leave it out, or add such a node")
    return {"CPU": min((int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1), default=1)}


def _describe(resources: Mapping[str, float]) -> str:
    """Cores and GPUs in words."""
    return " and ".join(plural(int(resources[name]), name) for name in ("CPU", "GPU") if name in resources)


def _train_on_node(training: Training, place: _Place) -> Iterator[tuple[str, str | None]]:
    """The Ray task: tells where it begins, and why it failed, if it did.

    Always both, since Ray hands on no more of a task that it began again than what is new.
    """
    yield "began", f"on the node {socket.gethostname()}"
    if mismatch := place.enter():
        yield "ended", mismatch
        return
    for run in training.folder.glob("version_*"):
        with suppress(Timeout), FileLock(run / LOCK, timeout=PATIENCE):
            pass
    yield "ended", fit_in_child(training)


def _hear(ray: ModuleType, stream: Any, training: Training, began: Began, ended: Ended) -> bool:
    """Hand on what a task tells next; returns whether it was the last."""
    try:
        event, text = ray.get(next(stream))
    except StopIteration:
        return True
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error  # what the task raised, without Ray's frames
        event, text = "ended", f"{type(cause).__name__}: {first_line(cause)}"
    if event == "began":
        began(training, text)
        return False
    ended(training, text)
    return True


def _cancel(ray: ModuleType, streams: Sequence[Any]) -> None:
    """Stop trainings, and wait until they have written their newest epoch."""
    for stream in streams:
        ray.cancel(stream)
    if streams:
        ray.wait([stream.completed() for stream in streams], num_returns=len(streams), timeout=GRACE)
