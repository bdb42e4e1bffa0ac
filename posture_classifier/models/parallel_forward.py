"""Forward passes side by side: on a CPU, a core for each is faster than all cores for one."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import torch

from posture_classifier.utils.threads import map_in_threads

CHUNK = {"cpu": 8}
"""Photos in a pass, by device: on a CPU so few that what the layers of a network hand on stays in a core's cache."""
CHUNK_ELSEWHERE = 32
"""Photos in a pass on other devices."""
MOST = 16
"""Passes at once: each needs memory of its own, so of more cores each pass gets several."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def chunk_size(device: torch.device) -> int:
    """Photos that should go through a network together."""
    return CHUNK.get(device.type, CHUNK_ELSEWHERE)


def concurrent_passes(device: torch.device, wanted: int) -> int:
    """How many passes should be made at once, of so many that are wanted; 1 on other devices than a CPU."""
    if device.type != "cpu":
        return 1
    threads = torch.get_num_threads()
    threads_each = -(-threads // MOST)
    return max(1, min(threads // threads_each, wanted))


def parallel_forward(compute: Callable[[Item], Result], items: Iterable[Item], passes: int) -> Generator[Result, None, None]:
    """``map``, with several passes at once, which share torch's threads between them; results come in order.

    Layers that are too small or too simple to be divided among cores leave most of them idle; and between layers all wait for the
    last. On 2 cores this was 1.05 to 1.9 times as fast (``benchmarks/README.md``).

    Args:
        compute: Called with each item, by several threads at once.
        items: Few are begun ahead.
        passes: At once, at most as many as torch has threads; 1 is ``map``, in this thread.
    """
    if passes == 1:
        yield from map(compute, items)
        return
    yield from map_in_threads(compute, items, ahead=2 * passes, executor=_pool(passes))


def _pool(passes: int) -> ThreadPoolExecutor:
    """Threads that have torch's threads between them."""
    threads = torch.get_num_threads()
    pool, all_are_there = ThreadPoolExecutor(passes), Barrier(passes)

    def begin(_: int) -> None:
        # Asked for first: a thread takes the number of the process when it is first asked, and would forget its own.
        if torch.get_num_threads() != threads // passes:
            torch.set_num_threads(threads // passes)
        all_are_there.wait()

    try:
        list(pool.map(begin, range(passes)))
    except BaseException:  # the system gives no more threads: those that wait for them would wait for ever
        all_are_there.abort()
        pool.shutdown()
        raise
    finally:
        torch.set_num_threads(threads)  # what a new thread of anyone else starts with
    return pool
