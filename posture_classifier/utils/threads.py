"""Work on many photos in threads: reading, decoding and hashing leave Python's lock, so threads use every core."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int = 64, pool: ThreadPoolExecutor | None = None
) -> Generator[Result, None, None]:
    """``map`` in threads; results come in order, each as soon as it is there and the next item has been begun.

    Args:
        function: Called with each item; what it raises is raised here.
        items: Any number: those that are begun and not yet asked for are bounded, so memory stays flat.
        ahead: That bound.
        pool: The threads, which end with this; by default one for each core.
    """
    pool = pool or ThreadPoolExecutor(available_cores())
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            # One in, one out, so that as many as were ahead stay ahead.
            if len(begun) > ahead or begun[0].done():
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
