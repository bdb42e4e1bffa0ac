"""Forward passes side by side: on a CPU, a core for each is faster than all cores for one."""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

import torch

from posture_classifier.parallel import in_threads

CHUNK = {"cpu": 8}
"""Photos in a pass, by device: on a CPU so few that what the layers of a network hand on stays in a core's cache."""
CHUNK_ELSEWHERE = 32
"""Photos in a pass on other devices."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def chunk_size(device: torch.device) -> int:
    """Photos that should go through a network together."""
    return CHUNK.get(device.type, CHUNK_ELSEWHERE)


def side_by_side(compute: Callable[[Item], Result], items: Iterable[Item], device: torch.device) -> Generator[Result, None, None]:
    """``map``, on a CPU in as many threads as torch has, each of which computes alone; results come in order.

    Layers that are too small or too simple to be divided among cores leave most of them idle; and between layers all wait for the
    last. On 2 cores this was 1.05 to 1.9 times as fast (``benchmarks/README.md``).

    Args:
        compute: Called with each item; several threads call it at once.
        items: Any number; few are begun ahead.
        device: That computes.
    """
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    if threads == 1:
        yield from map(compute, items)
        return

    def alone(item: Item) -> Result:
        if torch.get_num_threads() != 1:  # as in a new thread; setting it anew would empty caches
            torch.set_num_threads(1)
        return compute(item)

    try:
        yield from in_threads(alone, items, ahead=2 * threads, threads=threads)
    finally:
        torch.set_num_threads(threads)
