"""Forward passes side by side: on a CPU, a core for each is faster than all cores for one."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import torch

from posture_classifier.parallel import in_threads

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


def passes_at_once(device: torch.device) -> int:
    """How many passes ``side_by_side`` makes at once, if there is enough to do."""
    return min(MOST, torch.get_num_threads()) if device.type == "cpu" else 1


def side_by_side(
    compute: Callable[[Item], Result], items: Iterable[Item], n_items: int, device: torch.device
) -> Generator[Result, None, None]:
    """``map``, on a CPU in as many threads as torch has, each of which computes alone; results come in order.

    Layers that are too small or too simple to be divided among cores leave most of them idle; and between layers all wait for the
    last. On 2 cores this was 1.05 to 1.9 times as fast (``benchmarks/README.md``).

    Args:
        compute: Called with each item; several threads call it at once.
        items: Few are begun ahead.
        n_items: How many there are; where that is fewer than threads, each computes with several.
        device: That computes.
    """
    passes = min(passes_at_once(device), n_items)
    if passes < 2:
        yield from map(compute, items)
        return
    yield from in_threads(compute, items, ahead=2 * passes, pool=_pool(passes))


def _pool(passes: int) -> ThreadPoolExecutor:
    """Threads that share torch's between them."""
    threads = torch.get_num_threads()
    pool, all_are_there = ThreadPoolExecutor(passes), Barrier(passes)

    def begin(_: int) -> None:
        # Asked for first: a thread takes the number of the process when it is first asked, and would forget its own.
        if torch.get_num_threads() != threads // passes:
            torch.set_num_threads(threads // passes)
        all_are_there.wait()

    list(pool.map(begin, range(passes)))
    torch.set_num_threads(threads)  # what a new thread of anyone else starts with
    return pool
