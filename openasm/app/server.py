"""Starting the workbench: data folder, migrations, static files, first operator, waitress."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from openasm.base.errors import WrongUsage

Wsgi = Callable[[Any, Any], Iterable[bytes]]
PACKAGES = (
    "django",
    "allauth",
    "argon2",
    "csp",
    "cryptography",
    "django_htmx",
    "fido2",
    "ninja",
    "waitress",
    "whitenoise",
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Started:
    """What `prepare` did. first_link: path of the one-time link for the first operator, empty when there is one already."""

    first_link: str


def require_packages() -> None:
    """WrongUsage, with what to install, when a package of the workbench is missing; nothing is imported."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise WrongUsage(f"The workbench needs {', '.join(missing)}: pip install 'openasm[app]'.")


def configure(data: Path) -> None:
    """Make Django ready for a data folder (made when missing, for its owner alone). WrongUsage when an extra is missing."""
    require_packages()
    import django

    if data.exists() and not data.is_dir():
        raise WrongUsage(f"{data.name} is not a folder; give another one with --data.")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["OPENASM_DATA"] = str(data.absolute())
    os.environ["DJANGO_SETTINGS_MODULE"] = "openasm.app.settings"
    os.umask(0o077)
    django.setup()


def migrate() -> None:
    """Bring the database to the program's shape; one process does it while others wait."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    from openasm.app.one_at_a_time import one_at_a_time
    from openasm.app.published.bulk import analyze_sqlite

    with one_at_a_time("migrate"):
        applied = MigrationRecorder(connection).applied_migrations()
        call_command("migrate", verbosity=0, interactive=False)
        if connection.vendor == "sqlite" and MigrationRecorder(connection).applied_migrations() != applied:
            analyze_sqlite()  # there may be new indexes


def prepare(*, demo: Callable[[], str] | None = None) -> Started:
    """Migrations, static files, leftovers of killed work; a link for the first operator when there is none. Call after `configure`.

    demo: loads demonstration data and gives the name of its system of practices, which the first operator will administer.
    """
    from django.conf import settings
    from django.core.management import call_command

    from openasm.app.people.actions import invite_first_operator
    from openasm.app.people.models import System, User
    from openasm.app.published.publish import clear_leftovers

    migrate()
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    clear_leftovers(Path(str(settings.DATA)))
    name = demo() if demo is not None else ""
    if User.objects.filter(is_operator=True, is_active=True).exists():
        return Started("")
    system = System.objects.filter(name=name).first() if name else None
    return Started(f"/invitation/{invite_first_operator(system=system)}/")


def serve(*, host: str, port: int, threads: int, processes: int = 1, hooks: Wsgi | None = None) -> None:
    """Answer until stopped (Ctrl-C or SIGTERM: requests under way have some seconds to end). WrongUsage for an open host without TLS.

    threads: requests answered at a time by each process; processes: how many share the work, where the system can divide itself.
    hooks: the CDS Hooks service, answered at /cds-services to EHRs with credentials of their own (see connections/hooks.py).
    """
    from django.conf import settings

    if host not in LOOPBACK and not settings.CONFIGURATION.tls:
        raise WrongUsage(
            "Without TLS the workbench answers on this machine only. Put a proxy with TLS before it and set OPENASM_TLS=yes."
        )
    from openasm.app.wsgi import application

    behind_proxy = (
        {
            "trusted_proxy": settings.CONFIGURATION.proxy,
            "trusted_proxy_headers": {"x-forwarded-proto", "x-forwarded-for"},
            "trusted_proxy_count": 1,
        }
        if settings.CONFIGURATION.tls
        else {}
    )
    if hooks is not None:
        from openasm.app.connections.hooks import beside

        answering: Wsgi = beside(application, hooks)
    else:
        answering = application
    warm_up()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=1024)

    def answer() -> None:
        _answer(answering, listening, threads, behind_proxy, shared=processes > 1)

    if processes == 1 or not hasattr(os, "fork"):
        answer()
    else:
        divided(answer, processes, stopped=listening.close)


def warm_up() -> None:
    """Load what pages need before the first one is asked for, and before the server divides itself; then leave it out of every
    search for garbage, which would stop all requests of a process for a tenth of a second now and then.
    """
    from django.template import TemplateSyntaxError, engines
    from django.urls import get_resolver

    from openasm.app.look.drawing import load_all

    assert get_resolver().url_patterns  # imports every view
    engine = engines["django"]
    for folder in engine.template_dirs:
        for path in sorted(Path(folder).rglob("*.html")):
            with suppress(TemplateSyntaxError):  # of a package that is not used
                engine.get_template(path.relative_to(folder).as_posix())
    load_all()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # a page makes thousands of short-lived objects
    # A request lets go of the interpreter at each of its twenty queries; beside a busy one it would wait so long to get it back each time.
    sys.setswitchinterval(0.0005)


def _answer(
    answering: Wsgi, listening: socket.socket, threads: int, behind_proxy: dict[str, Any], *, shared: bool
) -> None:
    """Take requests from a socket until stopped. shared: with other processes, which each take what comes when they have time."""
    from waitress.adjustments import Adjustments

    from openasm.app.answering import Server, SharedServer

    server = (SharedServer if shared else Server)(
        answering,
        _sock=listening,
        bind_socket=False,
        sockinfo=(listening.family, listening.type),
        adj=Adjustments(
            sockets=[listening],
            threads=threads,
            ident=None,
            max_request_body_size=512 << 20,
            inbuf_overflow=1 << 20,
            channel_timeout=60,
            clear_untrusted_proxy_headers=True,
            **behind_proxy,
        ),
    )

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        server.stop()

    if threading.current_thread() is threading.main_thread():
        for each in _STOPS:
            signal.signal(each, stop)
    server.run()


_STOPS = (signal.SIGTERM, signal.SIGINT)


def divided(work: Callable[[], None], processes: int, *, stopped: Callable[[], None] = lambda: None) -> None:
    """Do the work in several processes until this one is stopped; one that dies is replaced, and none outlives this one.

    stopped: called in this process when it is told to stop.
    """
    from django.db import connections

    connections.close_all()  # no two processes may share a connection
    alive, held = os.pipe()  # its end tells a child that this process is gone, however it went
    children: set[int] = set()
    stopping = False

    def start() -> None:
        # Told to stop just now, a child would do what its parent does, and the parent would not know of it yet.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        child = 0 if stopping else os.fork()
        if child:
            children.add(child)
        elif not stopping:
            status = 1
            try:
                os.close(held)
                for each in _STOPS:
                    signal.signal(each, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
                threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
                work()
                status = 0
            finally:
                os._exit(status)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        del number, frame
        stopping = True
        stopped()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    if threading.current_thread() is threading.main_thread():
        for each in _STOPS:
            signal.signal(each, stop)
    for _ in range(processes):
        start()
    while children:
        child, _ = os.wait()
        children.discard(child)
        if not stopping:
            time.sleep(1.0)  # one that dies at once must not be replaced without a pause
            start()


def _end_with(alive: int) -> None:
    """End this process when nobody holds the other end any more."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)
