"""Several forward passes at once: on a CPU, one core for each is faster than all cores for one."""

import math
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import TypeVar

import torch

from posture_classifier.utils.threads import map_in_threads

CPU_CHUNK = 8
"""Photos per forward pass on a CPU: so few that activations stay in a core's cache."""
CHUNK = 32
"""Photos per forward pass on other devices."""
MAX_PASSES = 16
"""Most passes at once: each needs memory of its own, so with more cores than this each pass gets
several."""
_number_of_threads = Lock()
"""Held while torch's number of threads is another one: a thread that reads it for the first time in
between would keep that one."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def chunk_size(device: torch.device) -> int:
    """Number of photos that should go through a network together."""
    return CPU_CHUNK if device.type == "cpu" else CHUNK


def concurrent_passes(device: torch.device, wanted: int) -> int:
    """Number of forward passes to run at once, at most ``wanted``; 1 unless the device is a CPU."""
    if device.type != "cpu":
        return 1
    with _number_of_threads:
        threads = torch.get_num_threads()
    threads_per_pass = math.ceil(threads / MAX_PASSES)
    return max(1, min(threads // threads_per_pass, wanted))


def parallel_forward(compute: Callable[[Item], Result], items: Iterable[Item], passes: int) -> Generator[Result, None, None]:
    """``map`` with several forward passes at once; results come in order.

    The passes divide torch's threads among them.

    Small layers leave most cores idle, and after each layer all cores wait for the slowest. On 2
    cores this was 1.05 to 1.9 times as fast (``benchmarks/README.md``).

    Args:
        compute: Function that is called with each item, by several threads at once.
        items: Inputs of ``compute``; few of them are taken ahead of the results.
        passes: Number of passes at once, at most torch's number of threads; 1 is ``map`` in this
            thread.

    Example:
        >>> list(parallel_forward(abs, [-1, -2, 3], passes=1))
        [1, 2, 3]
    """
    if passes == 1:
        yield from map(compute, items)
        return
    yield from map_in_threads(compute, items, ahead=2 * passes, executor=_start_threads(passes))


def _start_threads(passes: int) -> ThreadPoolExecutor:
    """Start one thread per pass, each with its share of torch's threads."""
    threads = torch.get_num_threads()
    executor, all_started = ThreadPoolExecutor(passes), Barrier(passes)

    def start(_: int) -> None:
        # Read first: at the first read a thread takes the process's number, and would lose one that
        # was set before.
        if torch.get_num_threads() != threads // passes:
            torch.set_num_threads(threads // passes)
        all_started.wait()

    with _number_of_threads:
        try:
            list(executor.map(start, range(passes)))
        except BaseException:  # the system gives no more threads: those that wait for them would wait for ever
            all_started.abort()
            executor.shutdown()
            raise
        finally:
            torch.set_num_threads(threads)  # which is also what threads of others start with
    return executor
