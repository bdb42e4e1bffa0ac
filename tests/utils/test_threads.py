"""Work in threads comes in order, is bounded, and ends early without waiting for the rest."""

import threading
import time
from collections.abc import Iterator

import pytest

from posture_classifier.utils.threads import map_in_threads


def test_results_come_in_order_and_few_items_are_begun_ahead() -> None:
    begun: list[int] = []
    results = map_in_threads(lambda item: begun.append(item) or -item, range(1000), ahead=5)  # type: ignore[func-returns-value]
    assert [next(results) for _ in range(10)] == [0, -1, -2, -3, -4, -5, -6, -7, -8, -9]
    assert len(begun) <= 16
    results.close()
    assert len(begun) <= 16


def test_a_result_does_not_wait_for_others_to_be_begun() -> None:
    given: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            time.sleep(0.02)  # time for the first result
            given.append(item)
            yield item

    results = map_in_threads(lambda item: item, items(), ahead=64)
    assert next(results) == 0
    assert len(given) < 64
    results.close()


def test_as_many_as_were_ahead_stay_ahead() -> None:
    """Otherwise a slow consumer would find nothing begun after the results that were ready."""
    given: list[int] = []
    done = threading.Event()

    def items() -> Iterator[int]:
        for item in range(1000):
            given.append(item)
            if len(given) == 21:
                done.set()
            yield item

    results = map_in_threads(lambda _: done.wait(60), items(), ahead=20)
    for asked in range(1, 60):
        assert next(results)
        assert len(given) == 20 + asked
    results.close()


def test_an_error_reaches_the_caller() -> None:
    def fails(item: int) -> int:
        if item == 3:
            raise KeyError(item)
        return item

    results = map_in_threads(fails, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)


def test_the_work_is_done_in_other_threads() -> None:
    assert threading.main_thread().ident not in set(map_in_threads(lambda _: threading.get_ident(), range(20)))
