"""Memory for decoding, which all threads share: a small file may hold a huge picture."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from threading import Condition

from filelock import FileLock, Timeout
from PIL import Image

from posture_classifier.cache.directory import cache_directory
from posture_classifier.utils.memory import available_memory

BYTES_PER_PIXEL = 24
"""Most that decoding and conversion to 8-bit RGB take, for 16-bit colours with opacity.

WebP was seen to take 17, other formats 5 to 12."""
PROGRESSIVE_BYTES_PER_PIXEL = 6
"""A progressive JPEG keeps all its coefficients besides, whichever its scale: three of 2 bytes."""
SHARE = 0.5
"""Share of the available memory that photos being decoded may take together."""
PATIENCE = 60.0
"""Seconds to wait for another process, which may have been stopped, before decoding anyway."""


class Budget:
    """Bytes that threads take and give back.

    Args:
        limit: All bytes there are. Who wants more takes all, and so is alone.

    Example:
        >>> budget = Budget(100)
        >>> with budget.taken(60):
        ...     budget.left
        40.0
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.begin()

    def begin(self, processes: int = 1) -> None:
        """Begin with nothing taken, and leave equal parts to other processes that decode."""
        self.limit /= processes
        self.left = self.limit
        self._changed = Condition()

    @contextmanager
    def taken(self, amount: float) -> Iterator[None]:
        """A context that begins when so much is left, and takes it until it ends."""
        amount = min(amount, self.limit)
        with self._changed:
            self._changed.wait_for(lambda: amount <= self.left)
            self.left -= amount
        try:
            yield
        finally:
            with self._changed:
                self.left += amount
                self._changed.notify_all()


budget = Budget(SHARE * available_memory())
"""The memory for decoding of this process."""
# A process that is forked while its parent decodes would wait for what only the parent gives back.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=budget.begin)


@contextmanager
def memory_to_decode(image: Image.Image, stored_size: tuple[int, int]) -> Iterator[None]:
    """A context that begins when there is memory to decode and convert an image.

    An image that needs more than all of it is decoded alone: no other thread decodes, and no other
    process such an image.

    Args:
        image: An opened image that was not loaded yet.
        stored_size: Its size before a smaller scale was chosen.
    """
    amount = BYTES_PER_PIXEL * image.width * image.height
    if image.info.get("progressive"):
        amount += PROGRESSIVE_BYTES_PER_PIXEL * stored_size[0] * stored_size[1]
    with budget.taken(amount), _turn() if amount > budget.limit else nullcontext():
        yield


@contextmanager
def _turn() -> Iterator[None]:
    folder = cache_directory()
    lock = FileLock(folder / "decoding.lock", timeout=PATIENCE)
    # Without a folder that can be written to, each process goes by itself.
    with suppress(OSError, NotImplementedError, Timeout):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
