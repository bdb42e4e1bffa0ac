"""Which engine carries out a series of trainings."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from posture_classifier.experiments.engines import gpus
from posture_classifier.experiments.engines.engine import Engine, InOrder, Training
from posture_classifier.experiments.engines.ray_cluster import RayCluster
from posture_classifier.utils.errors import UserError

EngineName = Literal["auto", "in_order", "gpus", "ray"]


def add_engine(parser: LightningArgumentParser) -> None:
    """Add the option ``--engine``."""
    words = (
        "What carries out the trainings: in_order, one after the other in this process; gpus, one process per GPU of this "
        "machine; ray, tasks of a Ray cluster whose nodes share this folder. auto is gpus where there are several, else in_order."
    )
    parser.add_argument("--engine", type=EngineName, default="auto", help=words)


def check_one_device(what: str, trainer: Namespace) -> None:
    """Check that each training is one process: several would each begin the command anew."""
    if trainer.strategy != "auto" or trainer.num_nodes != 1:
        raise UserError(f"{what} on one device; leave trainer.strategy and num_nodes out")


def check_engine(name: EngineName, trainer: Namespace) -> None:
    """Check that the machine has what an engine needs, before a folder is made for the series.

    Raises:
        UserError: Ray is not installed, or there are fewer than two GPUs.
    """
    if name == "ray" and find_spec("ray") is None:
        raise UserError("--engine ray needs Ray on each node: pip install 'posture-classifier[ray]'")
    if name == "gpus" and not gpus.usable_gpus(trainer):
        raise UserError(
            "--engine gpus trains on several GPUs of this machine at the same time, and PyTorch sees fewer than two that "
            "trainer.accelerator and trainer.devices allow; leave --engine out"
        )


def choose_engine(
    name: EngineName, trainer: Namespace, folder: Path, n_trainings: int, fit: Callable[[Training], str | None]
) -> Engine:
    """Make the engine of a name.

    Args:
        name: Value of ``--engine``.
        trainer: Options of Lightning's Trainer.
        folder: Folder of the series.
        n_trainings: How many trainings there are to do; ``auto`` does a single one in this process.
        fit: Trains in this process, and returns a sentence if that failed.
    """
    if name == "ray":
        return RayCluster(folder, trainer.accelerator)
    one_device = name == "in_order" or (name == "auto" and n_trainings == 1)
    found = [] if one_device else gpus.usable_gpus(trainer)
    return gpus.Gpus(found) if found else InOrder(fit)
