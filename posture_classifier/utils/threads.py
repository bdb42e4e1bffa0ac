"""Maps a function over many photos in threads.

Reading, decoding and hashing release Python's global lock, so threads use every core.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from posture_classifier.utils.cores import available_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int = 64, executor: ThreadPoolExecutor | None = None
) -> Generator[Result, None, None]:
    """``map`` in threads, with the results in the order of the items.

    Args:
        function: Called with each item; its exceptions are raised here.
        items: Any number of items; they are taken one by one, so memory stays bounded.
        ahead: The largest number of items that are begun before their results are asked for.
        executor: The threads, which end with this call; None is one for each core.

    Example:
        >>> list(map_in_threads(len, ["a", "bc"]))
        [1, 2]
    """
    executor = executor or ThreadPoolExecutor(available_cores())
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(executor.submit(function, item))
            # One item begun for each result handed out, so that the lead does not shrink.
            if len(begun) > ahead or begun[0].done():
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)
