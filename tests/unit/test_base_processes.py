"""Work over processes: in order, each with what it keeps, errors and deaths told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from openasm.base.processes import ProcessDied, Processes


class Counter:
    """What a process keeps here: its number and how much it did."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.done = 0


def square(kept: Counter, item: int) -> int:
    kept.done += 1
    if item % 7 == 0:
        time.sleep(0.01)  # others overtake
    return item * item


def done(kept: Counter) -> int:
    return kept.done


def fail_at_five(_: Counter, item: int) -> int:
    if item == 5:
        raise ValueError("five")
    return item


def die(_: Counter, item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def large(_: Counter, item: int) -> bytes:
    return b"x" * item


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_come_in_the_order_of_the_work(jobs: int) -> None:
    with Processes(Counter, jobs) as processes:
        assert list(processes.each(square, range(60))) == [item * item for item in range(60)]
        assert sum(processes.all(done)) == 60
        assert len(processes.all(done)) == jobs
        assert list(processes.each(square, ())) == []
        assert list(processes.each(square, [3])) == [9]


def test_large_results_and_items_do_not_block() -> None:
    with Processes(Counter, 2) as processes:
        assert [len(each) for each in processes.each(large, [5_000_000] * 6)] == [5_000_000] * 6


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_the_work_is_raised_here(jobs: int) -> None:
    with pytest.raises(ValueError, match="five"), Processes(Counter, jobs) as processes:
        list(processes.each(fail_at_five, range(20)))


def test_an_error_of_what_hands_out_the_work_ends_the_processes() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("no more")

    started = time.monotonic()
    with pytest.raises(OSError, match="no more"), Processes(Counter, 2) as processes:
        list(processes.each(square, items()))
    assert time.monotonic() - started < 10


def test_a_process_that_dies_is_an_error_and_no_endless_wait() -> None:
    with pytest.raises(ProcessDied, match="fewer processes"), Processes(Counter, 2) as processes:
        list(processes.each(die, range(20)))


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_thing_at_a_time(jobs: int) -> None:
    with Processes(Counter, jobs) as processes:
        results = processes.each(square, range(10))
        next(results)
        with pytest.raises(RuntimeError, match="something else"):
            list(processes.each(square, range(3)))
        with pytest.raises(RuntimeError, match="something else"):
            processes.all(done)
        assert len(list(results)) == 9
        assert sum(processes.all(done)) == 10
