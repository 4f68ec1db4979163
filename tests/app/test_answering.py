"""Two servers on one socket, as two processes have it: what comes while one is busy goes to the other."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from waitress.adjustments import Adjustments

from openasm.app.answering import Server, SharedServer

pytestmark = pytest.mark.enable_socket


@contextmanager
def running(listening: socket.socket, answer: Any, kind: type[Server]) -> Iterator[Server]:
    server = kind(
        answer,
        _sock=listening.dup(),
        bind_socket=False,
        sockinfo=(listening.family, listening.type),
        adj=Adjustments(sockets=[listening], threads=1),
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(timeout=20)
        assert not thread.is_alive()


def asked(port: int, path: str) -> tuple[str, str | None]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode(), answer.getheader("Connection")


def test_nobody_waits_for_a_busy_server_beside_an_idle_one() -> None:
    go_on, busy = threading.Event(), threading.Event()

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/long":
            busy.set()
            go_on.wait(timeout=20)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with running(listening, answer, SharedServer) as one, running(listening, answer, SharedServer) as two:
            long = threading.Thread(target=asked, args=(port, "/long"))
            long.start()
            assert busy.wait(timeout=20)
            began = time.monotonic()
            for _ in range(20):
                assert asked(port, "/short") == ("done", "close")
            assert time.monotonic() - began < 10
            assert sum(len(server._answering) for server in (one, two)) == 1
            go_on.set()
            long.join(timeout=20)
            assert not long.is_alive()
            assert asked(port, "/long") == ("done", "close"), "the busy one takes connections again"


def done(_: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]


def test_a_server_that_stops_ends_idle_connections_at_once_and_lets_nobody_in() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            with running(listening, done, Server) as server:
                connection.request("GET", "/")
                assert connection.getresponse().read() == b"done"
                began = time.monotonic()
                server.stop()
            assert time.monotonic() - began < 5
            assert not server.task_dispatcher.threads
            assert connection.sock is not None
            assert connection.sock.recv(1) == b"", "the connection was closed"


def test_a_server_that_stops_answers_what_is_under_way_and_nothing_after_it() -> None:
    go_on, busy = threading.Event(), threading.Event()

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        busy.set()
        go_on.wait(timeout=20)
        return done(environ, start_response)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            with running(listening, answer, Server) as server:
                connection.request("GET", "/")
                assert busy.wait(timeout=20)
                server.stop()
                threading.Timer(0.5, go_on.set).start()
            assert connection.getresponse().read() == b"done"
            assert connection.sock is not None
            assert connection.sock.recv(1) == b"", "the connection was closed"


def test_a_request_that_never_ends_does_not_keep_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openasm.app.answering.LAST_ANSWERS", 0.5)
    go_on, busy = threading.Event(), threading.Event()

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        busy.set()
        go_on.wait(timeout=20)
        return done(environ, start_response)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with (
            socket.create_connection(("127.0.0.1", port)) as half,
            socket.create_connection(("127.0.0.1", port)) as long,
        ):
            half.sendall(b"GET / HTTP/1.1\r\nHost:")
            long.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            with running(listening, answer, Server) as server:
                assert busy.wait(timeout=20)
                began = time.monotonic()
                server.stop()
            assert time.monotonic() - began < 10
            assert server.task_dispatcher.threads, "it still works: the loop's pipe is left to it"
            server.stop()  # again: nothing
            go_on.set()
            until = time.monotonic() + 10
            while server.task_dispatcher.threads and time.monotonic() < until:
                time.sleep(0.05)
            assert not server.task_dispatcher.threads
            server.trigger.close()
