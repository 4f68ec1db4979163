"""Loading a run folder: everything in one transaction, in bulk, once.

    published = publish_run(Path("run"), also=[Path("quality")], by=None)

Publishing the same content again changes nothing. Two publishes at once follow each other. A publish that is killed leaves nothing
but a file aside and a hidden folder, which the next start removes. Patients' rows of a practice's earlier runs are removed
afterwards, in small steps (`RUNS_WITH_PATIENTS`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from openasm.app.audit.events import Kind, record
from openasm.app.people.models import Practice, User, new_id, new_key
from openasm.app.published import reading
from openasm.app.published.bulk import Loader, analyze_sqlite, first_free, loading, remove_stale
from openasm.app.published.fields import SealedTextField
from openasm.app.published.models import PATIENT_TABLES, Episode, EpisodeService, Gap, GapKind, Patient, Run
from openasm.app.published.retention import remove_old_patient_rows
from openasm.app.published.score_rows import load_scores
from openasm.app.sealing import patient_key, sealer
from openasm.archive.projection import Projection

if TYPE_CHECKING:
    import pyarrow as pa

Hook = Callable[[Run, reading.Source], None]
RowsHook = Callable[[Run, "pa.Table", Loader], None]
GapsHook = Callable[[Run, "pa.Table", Mapping[int, frozenset[str]], Loader], None]
PatientsHook = Callable[[reading.Source, Run, Mapping[str, int], Callable[[str], int], Loader], dict[str, int]]
# Features that follow a run. WITH_GAPS, WITH_EPISODES: given its gaps (and the cohorts of each practice's participants) or episodes, to
# load what they make of them; WITH_PATIENTS: to load further rows about patients (given practices by TIN and the row of a patient by identifier); AFTER_ROWS: run last, in the same
# transaction.
WITH_GAPS: list[GapsHook] = []
WITH_EPISODES: list[RowsHook] = []
WITH_PATIENTS: list[PatientsHook] = []
AFTER_ROWS: list[Hook] = []

_ADVISORY_LOCK = 512_745_001


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it. new: False when this content was published before; counts: rows by table."""

    run: Run
    new: bool
    counts: dict[str, int]


def publish_run(
    folder: Path,
    *,
    by: User | None,
    also: tuple[Path, ...] = (),
    progress: Callable[[str], None] = lambda _: None,
    tins: frozenset[str] = frozenset(),
) -> Published:
    """Load a run folder (and `patients/` of others of the same year).

    tins: only the results and patients of these practices; a practice that runs its own data must not speak for others. Raises
    InputRefused or NotFound as `reading.open_source` does, NotFound also when none of `tins` has a result; nothing is changed then.
    """
    source = reading.open_source(folder, also, tins=tins)
    content = source.content_hash()
    data = settings.DATA
    with _one_at_a_time(data):
        known = Run.objects.filter(content_hash=content).first()
        if known is not None:
            return Published(known, False, {})
        projection = source.projection()
        run = _new_run(source, content, by, projection)
        counts: dict[str, int] = {}
        aside = None if data is None else _copy_of_scores(source, Path(data), run)

        def lock() -> None:
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
            run.save(force_insert=True)

        def finish() -> None:
            for hook in AFTER_ROWS:
                hook(run, source)
            details = {"run": run.key, "name": run.name, "year": run.performance_year, **counts}
            record(Kind.PUBLISHED, who=by, details=details)
            if aside is not None:
                aside.rename(run.folder)

        try:
            with loading(data, lock=lock, finish=finish) as loader:
                progress("scores")
                practices = _practices(source, loader)
                counts |= load_scores(source, run, practices, loader, projection)
                counts |= _patients_rows(source, run, practices, loader, progress)
                progress("into the database")
        finally:
            if aside is not None:
                shutil.rmtree(aside, ignore_errors=True)
        _analyze()
        progress("earlier patients' rows")
        remove_old_patient_rows(run)
    return Published(run, True, counts)


def _new_run(source: reading.Source, content: str, by: User | None, projection: Projection | None) -> Run:
    manifest = source.run.manifest
    keep = ("command", "settings", "inputs", "counts", "notes", "unconfirmed", "not_computed", "previous")
    return Run(
        id=first_free(Run),
        key=new_key(),
        name=str(manifest.get("name") or source.run.path.name)[:200],
        content_hash=content,
        performance_year=source.run.year,
        payment_year=source.run.payment_year,
        made_at=dt.datetime.fromisoformat(str(manifest["ended"])),
        published_at=timezone.now(),
        published_by=by.email if by is not None else "",
        program_version=str(manifest["version"]),
        has_patients=any(
            reading.patients_file(source, name) is not None for name in ("worklist.csv", "episodes.parquet")
        ),
        has_projection=projection is not None,
        facts={
            **{name: manifest[name] for name in keep if name in manifest},
            **({} if projection is None else {"projection": reading.method_of(projection)}),
        },
    )


def _practices(source: reading.Source, loader: Loader) -> dict[str, int]:
    """Practice ids by TIN; those not known yet are entered with the run, under the name its participants give."""
    scores = source.run.table("scores")
    participants = reading.table_or_none(source.run, "inputs/participants")
    names: dict[str, str] = {}
    if participants is not None and "organization" in participants.columns:
        names = dict(zip(participants.texts("tin"), participants.texts("organization"), strict=True))
    known = dict(Practice.objects.values_list("tin", "id"))
    if source.tins:
        known = {tin: number for tin, number in known.items() if tin in source.tins}
    new = {tin: new_id() for tin in sorted(set(scores.texts("tin"))) if tin not in known}
    loader.add(
        Practice,
        ("id", "key", "tin", "name", "system"),
        (
            (number, new_key(), tin, names.get(tin, "")[:200] or "Practice without a name", None)
            for tin, number in new.items()
        ),
    )
    return known | new


def _patients_rows(
    source: reading.Source,
    run: Run,
    practices: dict[str, int],
    loader: Loader,
    progress: Callable[[str], None],
) -> dict[str, int]:
    from openasm.app.published import patient_tables  # heavy: loaded only here

    patients = _Patients()
    kinds = _Kinds()
    counts: dict[str, int] = {}
    worklist = reading.patients_file(source, "worklist.csv")
    if worklist is not None:
        progress("gaps")
        gaps = patient_tables.gap_table(worklist, practice_of=practices, patient_id=patients.id_of, kind_id=kinds.id_of)
        gaps = patient_tables.numbered(gaps, run=run.pk, first=first_free(Gap))
        counts["gaps"] = loader.add_table(Gap, gaps)
        progress("worklists")
        cohorts = reading.cohorts_of(source, practices)
        for follow_gaps in WITH_GAPS:
            follow_gaps(run, gaps, cohorts, loader)
    progress("episodes")
    episodes = patient_tables.episode_table(source, practice_of=practices, patient_id=patients.id_of)
    if episodes is not None:
        episodes = patient_tables.numbered(episodes, run=run.pk, first=first_free(Episode))
        counts["episodes"] = loader.add_table(Episode, episodes)
        for hook in WITH_EPISODES:
            hook(run, episodes, loader)
        services = patient_tables.service_table(source, episodes)
        if services is not None:
            numbered = patient_tables.numbered(services, run=run.pk, first=first_free(EpisodeService))
            counts["services"] = loader.add_table(EpisodeService, numbered)
    for more in WITH_PATIENTS:
        counts |= more(source, run, practices, patients.id_of, loader)
    counts["new_patients"] = loader.add(Patient, ("id", "key", "identifier"), patients.new_rows())
    loader.add(GapKind, ("id", "text"), kinds.new_rows())
    return counts


class _Patients:
    """Patients' rows by identifier: found again by their pseudonym, numbered when new."""

    def __init__(self) -> None:
        self._known = dict(Patient.objects.values_list("key", "id").iterator(chunk_size=20_000))
        self._next = itertools.count(first_free(Patient))
        self._ids: dict[str, int] = {}
        self._new: list[tuple[int, str, str]] = []

    def id_of(self, identifier: str) -> int:
        found = self._ids.get(identifier)
        if found is None:
            key = patient_key(identifier)
            found = self._known.get(key)
            if found is None:
                found = next(self._next)
                self._new.append((found, key, identifier))
            self._ids[identifier] = found
        return found

    def new_rows(self) -> Iterator[tuple[int, str, bytes]]:
        field = Patient._meta.get_field("identifier")
        assert isinstance(field, SealedTextField)
        seal = sealer(field.purpose)
        return ((number, key, seal(identifier)) for number, key, identifier in self._new)


class _Kinds:
    """What is missing, each text once."""

    def __init__(self) -> None:
        self._ids = dict(GapKind.objects.values_list("text", "id"))
        self._known = len(self._ids)
        self._next = itertools.count(first_free(GapKind))

    def id_of(self, text: str) -> int:
        found = self._ids.get(text)
        if found is None:
            found = self._ids[text] = next(self._next)
        return found

    def new_rows(self) -> Iterator[tuple[int, str]]:
        return ((number, text) for text, number in itertools.islice(self._ids.items(), self._known, None))


def _copy_of_scores(source: reading.Source, data: Path, run: Run) -> Path:
    """Manifest and `scores/` under a hidden name in the data folder; renamed when the transaction is about to end."""
    runs = data / "runs"
    runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = runs / f".{run.key}"
    aside.mkdir(mode=0o700)
    shutil.copy2(source.run.path / "manifest.json", aside / "manifest.json")
    shutil.copytree(source.run.path / "scores", aside / "scores")
    return aside


@contextmanager
def _one_at_a_time(data: Path | None) -> Iterator[None]:
    """Hold the lock of publishing on this machine; PostgreSQL's own lock also covers other machines."""
    if data is None:
        yield
        return
    import fcntl  # not on every system: publishing needs one that can lock files

    with (Path(data) / "publish.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        clear_leftovers(Path(data))
        yield


def clear_leftovers(data: Path) -> None:
    """Remove what killed publishes left: files aside, and copies of runs that are not in the database."""
    remove_stale(data)
    runs = data / "runs"
    if runs.is_dir():
        known = set(Run.objects.values_list("key", flat=True))
        for path in runs.iterdir():
            if path.name not in known:
                with suppress(OSError):
                    shutil.rmtree(path)


def _analyze() -> None:
    """Tell the database how its tables look now, so that it chooses the right indexes.

    PostgreSQL also marks the new rows as seen by all now; otherwise it does so while people wait for the first pages.
    """
    if connection.in_atomic_block:
        return
    if connection.vendor == "sqlite":
        analyze_sqlite()
        return
    tables: list[type[models.Model]] = [Patient, *PATIENT_TABLES]
    with connection.cursor() as cursor:
        for model in tables:
            cursor.execute(f'VACUUM (ANALYZE) "{model._meta.db_table}"')
