"""waitress as the workbench uses it: a server for one process alone, and one for each of several that share a socket."""

from __future__ import annotations

from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask


class Server(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """waitress, which once closed does not wake its loop any more: the number of that pipe may be a file's by then."""

    _closing = False

    def pull_trigger(self) -> None:
        """Wake the loop."""
        if not self._closing:
            super().pull_trigger()

    def close(self) -> None:
        """Take no more connections; what is being answered is finished."""
        self._closing = True
        super().close()


class _LastTask(WSGITask):  # type: ignore[misc]
    """An answer after which the connection ends. One that stays open would stay with its process, however busy that is."""

    def __init__(self, channel: HTTPChannel, request: Any) -> None:
        request.headers["CONNECTION"] = "close"
        super().__init__(channel, request)


class _OneRequest(HTTPChannel):  # type: ignore[misc]
    """A connection for one request."""

    task_class = _LastTask

    def service(self) -> None:
        """Answer; then the next connection can come."""
        try:
            super().service()
        finally:
            self.server.answered(self)


class SharedServer(Server):
    """Takes a connection only when it has a thread to answer it; others wait in the socket until any process has time.

    Taken by a busy process they would wait for its own work, beside another one that is idle.
    """

    channel_class = _OneRequest

    def __init__(self, *given: Any, **named: Any) -> None:
        self._answering: set[HTTPChannel] = set()  # changed by several threads, in one step each
        super().__init__(*given, **named)

    def readable(self) -> bool:
        """Whether to take a connection now."""
        return bool(super().readable()) and len(self._answering) < self.adj.threads

    def add_task(self, task: HTTPChannel) -> None:
        """A request has been read and waits for its thread."""
        self._answering.add(task)
        super().add_task(task)

    def answered(self, channel: HTTPChannel) -> None:
        """A thread is free again."""
        self._answering.discard(channel)
        self.pull_trigger()  # the loop asks `readable` again
