"""What Lightning and torch say about options, often after epochs, as one sentence of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric.utilities.exceptions import MisconfigurationException

from posture_classifier.training.foreign_loggers import describe_unmade
from posture_classifier.utils.errors import UserError


@contextmanager
def lightning_errors_as_ours() -> Iterator[None]:
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
