"""Forward passes side by side: on a CPU, a core for each is faster than all cores for one."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from posture_classifier.parallel import in_threads

CHUNK = {"cpu": 8}
"""Photos in a pass, by device: so few that what the layers of a network hand on stays in a core's cache."""
OF_OTHERS = 32

Item = TypeVar("Item")
Result = TypeVar("Result")


def chunk_size(device: torch.device) -> int:
    """Photos that should go through a network together."""
    return CHUNK.get(device.type, OF_OTHERS)


def side_by_side(compute: Callable[[Item], Result], items: Iterable[Item], device: torch.device) -> Iterator[Result]:
    """``map``, on a CPU in as many threads as torch has, each of which computes alone; results come in order.

    Layers that are too small or too simple to be divided among cores leave most of them idle; and between layers all wait for the
    last. On 2 cores this was 1.1 to 1.8 times as fast (``benchmarks/README.md``).

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
        torch.set_num_threads(1)  # a new thread begins with as many as the machine has cores
        return compute(item)

    try:
        yield from in_threads(alone, items, ahead=2 * threads, threads=threads)
    finally:
        torch.set_num_threads(threads)
