"""Work that only one process does at a time while others wait: on one machine by a locked file, on PostgreSQL also across machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# Locks of PostgreSQL by the name of the work.
_NUMBERS = {"migrate": 512_745_002, "remind": 512_745_003}


@contextmanager
def one_at_a_time(work: str) -> Iterator[None]:
    """Hold the lock of some work (`migrate`, `remind`) while the block runs; it goes with the process, however that ends."""
    from django.conf import settings
    from django.db import connection

    with ExitStack() as held:
        if settings.DATA is not None:
            _locked(held.enter_context((Path(str(settings.DATA)) / f"{work}.lock").open("w")).fileno())
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [_NUMBERS[work]])
        try:
            yield
        finally:
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [_NUMBERS[work]])


def _locked(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # not on every system
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
