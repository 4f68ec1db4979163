"""Bulk export: one gzipped NDJSON file a resource type."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterable
from pathlib import Path

import orjson

from openasm.claims.synthetic.block import Block, Ground
from openasm.claims.synthetic.eob.resources import Resources
from openasm.claims.synthetic.eob.words import Json

TYPES = ("Patient", "Coverage", "ExplanationOfBenefit")


def write_block(ground: Ground, block: Block, folder: Path) -> dict[str, int]:
    """Write a block's resources as parts; returns resources by type."""
    resources = Resources(ground, block)
    made: tuple[Iterable[Json], ...] = (resources.patients(), resources.coverages(), resources.claims())
    return {
        f"eob/{kind}": _write(stream, folder / "parts" / kind / f"{block.number:05d}")
        for kind, stream in zip(TYPES, made, strict=True)
    }


def _write(resources: Iterable[Json], path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    # No file name and no time in the header, so that equal resources give equal bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as stream:
        for resource in resources:
            stream.write(orjson.dumps(resource, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    return count


def finish(folder: Path) -> None:
    """Join the parts; several gzip members after each other are one gzip file."""
    for kind in TYPES:
        target = folder / f"{kind}.ndjson.gz"
        with target.open("wb") as whole:
            target.chmod(0o600)
            for part in sorted((folder / "parts" / kind).iterdir()):
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, whole, 1 << 22)
    shutil.rmtree(folder / "parts")
