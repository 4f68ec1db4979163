"""waitress as the workbench uses it: a server for one process alone, and one for each of several that share a socket."""

from __future__ import annotations

import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

# Seconds that requests under way have once the server is told to stop; containers are often ended by force after ten.
LAST_ANSWERS = 8.0


class Server(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """waitress, which ends in order: connections are closed by the loop that reads them, never beside it."""

    _stopping = False

    def stop(self) -> None:
        """Let `run` end once requests under way are answered; for signal handlers and other threads. Said again it does nothing."""
        if self._stopping:  # by now the pipe that wakes the loop may be closed, and its number another file's
            return
        self._stopping = True
        self.pull_trigger()

    def run(self) -> None:
        """Answer until `stop`; then close idle connections at once, and busy ones when answered or after `LAST_ANSWERS`."""
        while not self._stopping:
            self._turn(self.adj.asyncore_loop_timeout)
        self._turn(0)  # somebody who had come by then is let in
        self.asyncore.dispatcher.close(self)
        until = time.monotonic() + LAST_ANSWERS
        while self.active_channels and time.monotonic() < until:
            for channel in list(self.active_channels.values()):
                if not (channel.requests or channel.request or channel.total_outbufs_len):
                    channel.handle_close()
            if self.active_channels:
                self._turn(0.2)
        self.task_dispatcher.shutdown(timeout=1)
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        if not self.task_dispatcher.threads:  # one that still works may wake the loop: its pipe ends with the process
            self.trigger.close()

    def _turn(self, seconds: float) -> None:
        """Read and write what is ready, waiting so long for something."""
        self.asyncore.loop(timeout=seconds, map=self._map, use_poll=self.adj.asyncore_use_poll, count=1)


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
