"""Options of Lightning's Trainer that nothing can be trained with, each refused in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException

from posture_classifier.training.foreign_loggers import describe_unmade
from posture_classifier.utils.errors import UserError

ABOVE_ZERO = (
    "accumulate_grad_batches",
    "check_val_every_n_epoch",
    "val_check_interval",
    "limit_train_batches",
    "limit_val_batches",
    "limit_test_batches",
    "num_nodes",
)
"""Where they are 0 Lightning divides by zero, or ends without a trained or tested network."""
SPAWNING_STRATEGIES = ("spawn", "fork", "notebook")
"""Parts of the names of strategies that start their processes from within a Python program, not
from a command line."""


def check_trainer(trainer: Namespace) -> None:
    """Refuse what Lightning would take, before anything is made.

    Raises:
        UserError: An option is out of its range, or starts processes that cannot report back.
    """
    for name in ABOVE_ZERO:
        value = trainer[name]
        if isinstance(value, (int, float)) and not value > 0:
            raise UserError(f"trainer.{name} is {value}, but must be above 0")
    if any(part in str(trainer.strategy) for part in SPAWNING_STRATEGIES):
        raise UserError(f"trainer.strategy {trainer.strategy} starts processes that cannot report back; use ddp")


@contextmanager
def options_that_fit() -> Iterator[None]:
    """A context in which Lightning's word on options is a ``UserError``.

    Some it says only after epochs: that options do not fit each other, or want a package that is
    not there.
    """
    try:
        yield
    except (MisconfigurationException, ModuleNotFoundError) as error:
        raise UserError(f"trainer: {' '.join(str(error).split())}") from error
    except ValueError as error:
        if (sentence := describe_unmade(error)) is not None:
            raise UserError(sentence) from error
        if "Expected more than 1 value per channel" in str(error):  # torch's BatchNorm, of maps of one pixel
            raise UserError(
                "a batch of one photo has no statistics for BatchNorm to learn; raise data.batch_size, or set "
                "--unfreezing.batch_statistics false"
            ) from error
        raise
