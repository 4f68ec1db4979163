"""The library of official files on this machine: added or fetched, checked, kept by vintage, replaced whole.

    <library>/<key>/<vintage>/<file>       the file as it came
    <library>/<key>/<vintage>/record.json  source, hash, date, licence, counts, warnings

Adding a file that has errors changes nothing. Vintages stand side by side; the newest by date of adding is used unless one is
named. Fetching writes to a partial file that a later try resumes, and is the only thing here that opens a connection.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from openasm.base.errors import InputRefused, NotFound, OpenAsmError, WrongUsage, file_that_is_there
from openasm.base.files import written_whole
from openasm.base.problems import Problem, Problems, Severity, declare
from openasm.participants.official_files import OFFICIAL_FILES, OfficialFile, official_file

MAXIMUM_DOWNLOAD = 2 * 1024**3
_BLOCK = 1024 * 1024

COUNT_CHANGED = declare(
    "P032",
    "a count differs from the vintage before",
    expected="the same count, or a change you know of",
    next_step="Look at what was published; `openasm data list` shows both vintages.",
    severity=Severity.WARNING,
)


OTHER_HASH = declare(
    "P049",
    "the file is not the one whose hash was given",
    expected="the SHA-256 given with --sha256",
    next_step="Get the file again, and the hash from whoever published it.",
)
FILE_CHANGED = declare(
    "P050",
    "a file of the library is not as it was added",
    expected="the bytes that were checked when it was added",
    next_step="Add or fetch the file again under the same vintage.",
)


class FetchFailed(OpenAsmError):
    """A download did not finish; what has arrived is kept and the next try goes on from there."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Record:
    """A file of the library. added: ISO date; counts: what its check counted; warnings: what it noticed."""

    key: str
    title: str
    vintage: str
    file: str
    sha256: str
    bytes: int
    added: str
    source: str
    licence: str
    counts: Mapping[str, int]
    warnings: tuple[str, ...]


def default_library() -> Path:
    """Where the library is: OPENASM_DATA, else the user's data folder."""
    given = os.environ.get("OPENASM_DATA")
    if given:
        return Path(given)
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "openasm"


def records(library: Path, key: str | None = None) -> tuple[Record, ...]:
    """What the library holds, by key, newest first."""
    found: list[Record] = []
    for each in OFFICIAL_FILES:
        if key not in (None, each.key):
            continue
        of_key = []
        for path in sorted((library / each.key).glob("*/record.json")):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                of_key.append(Record(**{**content, "warnings": tuple(content["warnings"])}))
            except (OSError, ValueError, TypeError, KeyError):
                continue  # a folder that is no record of ours
        found += sorted(of_key, key=lambda record: (record.added, record.vintage), reverse=True)
    return tuple(found)


def newest(library: Path, key: str, *, vintage: str | None = None) -> tuple[Path, Record]:
    """The newest file of a kind, or the one of a vintage. NotFound says how to get it."""
    kind = official_file(key)
    for record in records(library, key):
        if vintage in (None, record.vintage):
            return library / key / record.vintage / record.file, record
    how = f"openasm data fetch {key}" if kind.address else f"openasm data add {key} FILE (from {kind.page})"
    which = f" of vintage {vintage}" if vintage else ""
    raise NotFound(f"The library does not hold '{kind.title}'{which} yet. Get it with: {how}")


def add_file(
    library: Path, key: str, file: Path, *, vintage: str, today: dt.date, source: str = "", sha256: str = ""
) -> tuple[Record, tuple[Problem, ...]]:
    """Check a file and keep it under its vintage; returns its record and the warnings. sha256: what its hash must be, if known.

    Raises InputRefused, changing nothing, when the content has errors; NotFound for an unknown key or a file that is not there; WrongUsage for a vintage that
    cannot name a folder. The same vintage added again is replaced whole.
    """
    kind = official_file(key)
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", vintage) is None:
        raise WrongUsage("A vintage is a short word such as 2026-02 or final-2027: letters, digits, dot, hyphen.")
    problems = Problems()
    file_that_is_there(file)
    digest = _hash(file) if sha256 else ""  # a hostile file is refused before it is read whole
    if sha256.strip().casefold() != digest:
        problems.add(OTHER_HASH, file.name, found=f"{digest[:16]}...", expected=f"{sha256.strip()[:16]}...")
        problems.refuse_errors()
    counts = kind.check(file, problems)
    _compare(library, kind, file, vintage, counts, problems)
    problems.refuse_errors()
    warnings = tuple(problems.warnings)
    record = Record(
        key=key,
        title=kind.title,
        vintage=vintage,
        file=file.name,
        sha256=digest or _hash(file),
        bytes=file.stat().st_size,
        added=today.isoformat(),
        source=source or kind.page,
        licence=kind.licence,
        counts=counts,
        warnings=tuple(problem.as_text() for problem in warnings),
    )
    _keep(library / key, file, record)
    return record, warnings


def changed_files(library: Path, key: str | None = None) -> tuple[Problem, ...]:
    """Files of the library that are gone or differ from what was added, as problems; empty when all are as they were."""
    problems = Problems()
    for record in records(library, key):
        path = library / record.key / record.vintage / record.file
        where = f"{record.key} {record.vintage}"
        if not path.is_file():
            problems.add(FILE_CHANGED, where, found=f"{record.file} is not there")
        elif (digest := _hash(path)) != record.sha256:
            problems.add(FILE_CHANGED, where, found=f"{record.file} with SHA-256 {digest[:16]}...")
    return tuple(problems)


def _compare(
    library: Path, kind: OfficialFile, file: Path, vintage: str, counts: Mapping[str, int], problems: Problems
) -> None:
    earlier = next((record for record in records(library, kind.key) if record.vintage != vintage), None)
    if earlier is None:
        return
    for name, count in counts.items():
        before = earlier.counts.get(name)
        if before is not None and before != count:
            problems.add(
                COUNT_CHANGED,
                file.name,
                column=name,
                found=f"{count:,} ({count - before:+,})",
                expected=f"{before:,} as in {earlier.vintage}",
            )


def _keep(shelf: Path, file: Path, record: Record) -> None:
    shelf.mkdir(parents=True, exist_ok=True)
    for left in shelf.glob(".new-*"):
        shutil.rmtree(left, ignore_errors=True)  # what an interrupted addition left
    folder = Path(tempfile.mkdtemp(prefix=".new-", dir=shelf))
    try:
        shutil.copyfile(file, folder / record.file)
        with written_whole(folder / "record.json") as stream:
            json.dump(asdict(record), stream, indent=2, ensure_ascii=False)
        folder.chmod(0o755)
        target = shelf / record.vintage
        if target.exists():
            aside = Path(tempfile.mkdtemp(prefix=".new-old-", dir=shelf))
            os.replace(target, aside / "old")
            os.replace(folder, target)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.replace(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch_file(
    library: Path,
    key: str,
    *,
    vintage: str,
    today: dt.date,
    address: str | None = None,
    sha256: str = "",
    progress: Callable[[int, int | None], None] | None = None,
    timeout: float = 60.0,
) -> tuple[Record, tuple[Problem, ...]]:
    """Download an official file and add it. A broken download is resumed by the next try, if the server allows it.

    progress(bytes so far, bytes in all). Raises WrongUsage where there is no address to fetch from, FetchFailed otherwise.
    """
    kind = official_file(key)
    source = address or kind.address
    if not source:
        raise WrongUsage(
            f"{kind.title}: no address to fetch from ({kind.licence}). Download it from {kind.page} and run: "
            f"openasm data add {key} FILE --vintage {vintage}"
        )
    if not source.lower().startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise WrongUsage("An address to fetch from starts with https://.")
    name = re.sub(r"[^A-Za-z0-9._-]", "_", source.rsplit("/", 1)[-1].split("?")[0]) or key
    partial = library / ".partial" / hashlib.sha256(source.encode()).hexdigest()[:16] / name
    partial.parent.mkdir(parents=True, exist_ok=True)
    _download(source, partial, progress, timeout)
    try:
        record, warnings = add_file(library, key, partial, vintage=vintage, today=today, source=source, sha256=sha256)
    except InputRefused:
        shutil.rmtree(partial.parent, ignore_errors=True)  # whole, but not what was wanted: the next try begins anew
        raise
    shutil.rmtree(partial.parent, ignore_errors=True)
    return record, warnings


def _download(source: str, partial: Path, progress: Callable[[int, int | None], None] | None, timeout: float) -> None:
    marker = partial.with_name(f"{partial.name}.state.json")
    state = _state(marker) if partial.exists() else {}
    have = partial.stat().st_size if partial.exists() and state else 0
    request = urllib.request.Request(source, headers={"User-Agent": "openasm", "Accept-Encoding": "identity"})  # noqa: S310 (scheme checked)
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", state["validator"])
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 (scheme checked)
            resumed = answer.status == 206
            have = have if resumed else 0
            length = answer.headers.get("Content-Length")
            whole = have + int(length) if length and length.isdigit() else None
            if whole is not None and whole > MAXIMUM_DOWNLOAD:
                raise FetchFailed("The file is larger than any official file should be; nothing was kept.")
            validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            if not resumed:
                marker.write_text(json.dumps({"validator": validator}) if validator else "{}", encoding="utf-8")
            with partial.open("ab" if resumed else "wb") as stream:
                while block := answer.read(_BLOCK):
                    stream.write(block)
                    have += len(block)
                    if have > MAXIMUM_DOWNLOAD:
                        raise FetchFailed("The file is larger than any official file should be; nothing was kept.")
                    if progress:
                        progress(have, whole)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # the whole file had arrived
            return
        raise FetchFailed(f"The server answered {error.code} for {source}. Is the address still right?") from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise FetchFailed(f"The download from {source} broke off ({reason}); run the command again to go on.") from None
    if whole is not None and have != whole:
        raise FetchFailed(
            f"The download from {source} broke off at {have:,} of {whole:,} bytes; run the command again to go on."
        )
    marker.unlink(missing_ok=True)


def _state(marker: Path) -> dict[str, Any]:
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("validator") else {}


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
