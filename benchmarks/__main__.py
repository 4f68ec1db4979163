"""Run the benchmarks and write their table: `python -m benchmarks [names...]`.

Without names every module runs; with names only those, and only their sections of RESULTS.md are written anew.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from benchmarks.measure import Row, Took

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
LIBRARIES = ("numpy", "duckdb", "pyarrow", "narwhals", "orjson")
LOAD = os.getloadavg()[0]  # taken before the first benchmark: above a few tenths, the wall clock also measures others
INTRODUCTION = """# Benchmarks

Written by `make bench` (`python -m benchmarks [names...]` renews single sections). Time is the fastest repetition by the
wall clock; memory the largest resident size of the process, interpreter and libraries included. "x reference" is our time
divided by the reference's, measured in the same run: below 1 is faster than the reference. A promise with "kept" is one
the project makes; "MISSED" is a defect.
"""


def names() -> list[str]:
    """The benchmarks there are: the part of each `bench_<name>.py` after `bench_`."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def machine() -> str:
    """What the numbers were measured on, without anything that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"Python {platform.python_version()}"]
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            continue
    facts = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"
    return f"{facts}, {LOAD:.1f} processes at work before the start; " + ", ".join(versions)


def run_one(name: str) -> tuple[str, list[Row]]:
    """Title and rows of one benchmark, from a fresh interpreter; a failing one raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "rows.json"
        subprocess.run([sys.executable, "-m", "benchmarks", "--rows", str(target), name], check=True, cwd=FOLDER.parent)
        answer = json.loads(target.read_text(encoding="utf-8"))
    return answer["title"], [Row.from_record(record) for record in answer["rows"]]


def section(name: str, title: str, rows: list[Row]) -> str:
    """One benchmark's part of RESULTS.md."""
    lines = [f"## {name}", "", title, "", f"Measured on {machine()}.", ""]
    lines += ["| what | size | seconds | processor s | peak MB | reference | its seconds | x reference | promise |"]
    lines += ["|---|---|---:|---:|---:|---|---:|---:|---|"]
    for row in rows:
        reference = row.reference_took
        lines.append(
            f"| {row.name} | {row.what} | {_seconds(row.took)} | {row.took.cpu_seconds:.3g} | {_memory(row.took)} "
            f"| {row.reference} | {_seconds(reference) if reference else ''} "
            f"| {f'{row.ratio:.2f}' if row.ratio is not None else ''} | {_promise(row)} |"
        )
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *([""] if notes else []), *notes, ""])


def _seconds(took: Took) -> str:
    return f"{took.seconds:.3g}"


def _memory(took: Took) -> str:
    return f"{took.peak_mb:.0f}" if took.peak_mb is not None else ""


def _promise(row: Row) -> str:
    parts = []
    if row.limit_seconds is not None:
        parts.append(f"< {row.limit_seconds:g} s")
    if row.limit_mb is not None:
        parts.append(f"< {row.limit_mb:g} MB")
    return f"{', '.join(parts)}: {'kept' if row.kept else 'MISSED'}" if parts else ""


def merged(existing: str, sections: dict[str, str], known: list[str]) -> str:
    """RESULTS.md with these sections written anew, the others kept, those of benchmarks that no longer exist dropped."""
    kept = {part.split("\n", 1)[0]: "## " + part for part in re.split(r"(?m)^## ", existing)[1:]}
    kept.update(sections)
    parts = [kept[name].rstrip() + "\n" for name in sorted(kept) if name in known]
    return "\n".join([INTRODUCTION, *parts])


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 when a promise was missed, 2 for an unknown name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="which benchmarks; all when empty")
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    known = names()
    unknown = sorted(set(asked.names) - set(known))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    if asked.rows is not None:
        module = importlib.import_module(f"benchmarks.bench_{asked.names[0]}")
        title = (module.__doc__ or asked.names[0]).strip().split("\n", 1)[0]
        rows = [row.as_record() for row in module.run()]
        asked.rows.write_text(json.dumps({"title": title, "rows": rows}), encoding="utf-8")
        return 0
    sections: dict[str, str] = {}
    missed = False
    for name in asked.names or known:
        title, rows = run_one(name)
        if not rows:
            print(f"{name}: what it needs is not installed; its section stays as it is", file=sys.stderr)
            continue
        sections[name] = section(name, title, rows)
        missed = missed or any(row.kept is False for row in rows)
        print(sections[name])
        existing = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
        RESULTS.write_text(merged(existing, sections, known), encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
