"""Work spread over processes that each keep something of their own: measures bound to value sets, lines not yet written.

Unlike `multiprocessing.Pool`, every process can be asked at once (to write what it holds), results come in the order of the work, one
piece ahead of what is being done and no more, and a process that dies is an error instead of waiting for ever.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

Kept = TypeVar("Kept")
Item = TypeVar("Item")
Result = TypeVar("Result")


class ProcessDied(RuntimeError):
    """A process ended without an answer, most likely for want of memory."""


class Processes(Generic[Kept]):
    """Some processes, each with what `start(number)` made in it. With one, everything happens in this process.

    Functions given to `each` and `all` are called with what a process keeps; they and everything sent must be picklable.
    fresh: start interpreters of their own instead of copies of this process, which must not be copied while an engine's threads
    run in it.
    """

    def __init__(self, start: Callable[[int], Kept], jobs: int, *, fresh: bool = False) -> None:
        self._own = [start(0)] if jobs <= 1 else []
        self._busy = False
        self._connections: list[Connection] = []
        self._processes: list[Any] = []
        if jobs <= 1:
            return
        context = get_context("spawn" if fresh else None)
        forked = context.get_start_method() == "fork"
        for number in range(jobs):
            ours, theirs = context.Pipe()
            # A forked process holds copies of our ends of the others' pipes and would keep these open when we die.
            inherited = (*self._connections, ours) if forked else ()
            process = context.Process(target=_serve, args=(theirs, start, number, inherited), daemon=True)
            process.start()
            theirs.close()
            self._connections.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            if error is not None:
                process.terminate()
            process.join()

    def each(self, work: Callable[[Kept, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of `work(kept, item)` in the order of the items, each done by whichever process is free.

        To be taken to the end before anything else is asked of the processes; RuntimeError otherwise.
        """
        if self._busy:
            raise RuntimeError("the processes are at work on something else")
        self._busy = True
        yield from self._each(work, items)
        self._busy = False

    def _each(self, work: Callable[[Kept, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        if self._own:
            for item in items:
                yield work(self._own[0], item)
            return
        free = list(self._connections)
        doing: dict[Connection, int] = {}
        done: dict[int, Result] = {}
        following = 0
        for place, item in enumerate(items):
            if not free:
                free += self._collected(doing, done)
                while following in done:
                    yield done.pop(following)
                    following += 1
            connection = free.pop()
            connection.send((work, item))
            doing[connection] = place
        while doing or done:
            if following not in done:
                self._collected(doing, done)
            while following in done:
                yield done.pop(following)
                following += 1

    def all(self, work: Callable[[Kept], Result]) -> list[Result]:
        """The result of `work(kept)` of every process."""
        if self._busy:
            raise RuntimeError("the processes are at work on something else")
        if self._own:
            return [work(self._own[0])]
        for connection in self._connections:
            connection.send((work, None))
        return [_answer(connection) for connection in self._connections]

    def _collected(self, doing: dict[Connection, int], done: dict[int, Any]) -> list[Connection]:
        """Wait for a process to answer; take in all that have."""
        free = []
        for each in wait(list(doing)):
            assert isinstance(each, Connection)
            done[doing.pop(each)] = _answer(each)
            free.append(each)
        return free


def _answer(connection: Connection) -> Any:
    try:
        good, result = connection.recv()
    except (EOFError, ConnectionError) as error:
        raise ProcessDied("A process ended without an answer; try fewer processes (--jobs).") from error
    if not good:
        raise result
    return result


def _serve(connection: Connection, start: Callable[[int], Any], number: int, inherited: tuple[Connection, ...]) -> None:
    """A process: answers what it is asked until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    for other in inherited:
        other.close()
    kept = start(number)
    while True:
        try:
            work, item = connection.recv()
        except (EOFError, ConnectionError):
            return
        try:
            answer = True, (work(kept) if item is None else work(kept, item))
        except Exception as error:
            answer = False, error
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionError):
            return
