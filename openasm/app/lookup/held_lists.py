"""The participant list and the geography, read once and kept in memory until the library has a newer vintage.

One list and one geography are kept, whatever is asked: some ten megabytes. Reading anew happens in the request that first meets the new
vintage; others meanwhile get the one before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from django.conf import settings

from openasm.base.errors import InputRefused, NotFound
from openasm.participants.county_maps import CountyPlace, county_places
from openasm.participants.directory import Directory
from openasm.participants.geography import Geography
from openasm.participants.lookup import Sources, open_directory, open_geography
from openasm.participants.participant_list import StateCount, by_state
from openasm.participants.shelves import Record, records

Opened = TypeVar("Opened")
Mark = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Listed:
    """The participant list as pages use it."""

    directory: Directory
    sources: Sources
    states: tuple[StateCount, ...]


@dataclass(frozen=True)
class Placed:
    """The geography as pages use it, and every county's answer."""

    geography: Geography
    sources: Sources
    places: tuple[CountyPlace, ...]


class _Kept(Generic[Opened]):
    """Something opened from the library, with the mark of what it was opened from."""

    def __init__(self, keys: tuple[str, ...], open_it: Callable[[Path], Opened]) -> None:
        self._keys = keys
        self._open = open_it
        self._lock = threading.Lock()
        self._value: tuple[Path, Mark, Opened | None] | None = None

    def value(self) -> Opened | None:
        """The opened thing; None where the library does not hold it or holds a damaged file."""
        library = library_folder()
        if library is None:
            return None
        mark = tuple((each.key, each.vintage, each.sha256) for key in self._keys for each in _newest(library, key))
        kept = self._value
        if kept is not None and kept[:2] == (library, mark):
            return kept[2]
        if not self._lock.acquire(blocking=kept is None):
            return kept[2] if kept is not None else None
        try:
            kept = self._value
            if kept is not None and kept[:2] == (library, mark):  # somebody else read it meanwhile
                return kept[2]
            try:
                opened = self._open(library)
            except (NotFound, InputRefused):
                opened = None
            self._value = (library, mark, opened)
            return opened
        finally:
            self._lock.release()


def _newest(library: Path, key: str) -> tuple[Record, ...]:
    return records(library, key)[:1]


def library_folder() -> Path | None:
    """The workbench's library of official files: its data folder, where `openasm data add --library` puts them."""
    return None if settings.DATA is None else Path(settings.DATA)


def _open_list(library: Path) -> Listed:
    directory, sources = open_directory(library)
    return Listed(directory, sources, by_state(directory.listed))


def _open_places(library: Path) -> Placed:
    geography, sources = open_geography(library)
    return Placed(geography, sources, county_places(geography))


_LIST = _Kept(("participants",), _open_list)
_PLACES = _Kept(("counties", "zips", "areas"), _open_places)


def participant_list() -> Listed | None:
    """The newest participant list of the library, None without one."""
    return _LIST.value()


def places() -> Placed | None:
    """The newest geography of the library, None without one."""
    return _PLACES.value()
