"""Options of Lightning's Trainer that it takes, although nothing can be trained with them."""

from jsonargparse import Namespace

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
