"""Episodes and patients as rows of a page or a file: one query a kind, whatever the number of rows."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.db.models import Avg, Count, Max, Q, QuerySet, Sum
from django.urls import reverse

from openasm.app.access.request import PatientScope
from openasm.app.episodes.choice import OUTLIER, TWICE, reason_text
from openasm.app.episodes.models import AttributedPatient, EpisodeTotal
from openasm.app.look.exports import Cell
from openasm.app.look.tables import PAGE_SIZE
from openasm.app.look.templatetags.look import cents, day, words
from openasm.app.people.models import Practice
from openasm.app.prepared import Prepared, Several, values_of
from openasm.app.published.models import Episode, EpisodeService, Patient, Run

EPISODE_HEADER = (
    *(
        "patient",
        "cohort",
        "start",
        "end",
        "days",
        "observed_dollars",
        "annualized_dollars",
        "expected_dollars",
        "ratio",
    ),
    *("left_out_because", "subgroup", "npis"),
)
PATIENT_HEADER = (
    "patient",
    "episodes",
    "counted",
    "outliers",
    "observed_dollars",
    "mean_ratio",
    "last_day",
    "cohorts",
    "npis",
)


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """A row of the list. badge: kind and text of how it stands; clinicians: names where known; timeline: services are kept."""

    episode: Episode
    badge: tuple[str, str]
    clinicians: tuple[str, ...]
    timeline: bool


@dataclass(frozen=True, slots=True)
class DrawnEpisode:
    """A row's texts as the table draws them: made here, as a template takes ten times as long to put each of them together."""

    address: str
    identifier: str
    about: str
    start: str
    length: str
    annualized: str
    observed: str
    expected: str
    ratio: str
    badge: tuple[str, str]
    timeline: bool
    clinicians: str


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient of the practice with the sums of the episodes one may see. cents: observed, over all episodes."""

    patient: Patient
    episodes: int
    counted: int
    outliers: int
    cents: int
    ratio: float | None
    last_day: Any


@dataclass(frozen=True, slots=True)
class Summary:
    """The episodes asked for, in numbers. cents: mean annualized cost of those counted; ratio: mean of theirs."""

    episodes: int
    patients: int
    counted: int
    outliers: int
    high: int
    cents: float | None
    ratio: float | None


def summary_of(rows: QuerySet[Episode]) -> Summary:
    """Counts and means in one query."""
    counted = Q(excluded_reason="")
    found = rows.aggregate(
        episodes=Count("pk"),
        patients=Count("patient", distinct=True),
        counted=Count("pk", filter=counted),
        outliers=Count("pk", filter=Q(excluded_reason=OUTLIER)),
        high=Count("pk", filter=counted & Q(ratio__gte=TWICE)),
        cents=Avg("annualized_cents", filter=counted),
        ratio=Avg("ratio", filter=counted),
    )
    return Summary(**found)


def episode_rows(page: Iterable[int], names: Mapping[str, str]) -> tuple[EpisodeRow, ...]:
    """Episodes of a page, named by their keys, with names of their clinicians and whether their services are kept."""
    keys = list(page)
    if not keys:
        return ()
    given = values_of("episode", keys)
    found = {each.pk: each for each in _episodes(len(keys)).all(**given)}
    shown = [found[key] for key in keys]
    kept = set(_with_services(len(keys)).all(**given))
    return tuple(EpisodeRow(each, badge_of(each), clinicians_of(each, names), each.pk in kept) for each in shown)


@functools.lru_cache(maxsize=PAGE_SIZE)
def _episodes(count: int) -> Prepared[Episode]:
    return Prepared(lambda: Episode.objects.filter(pk__in=Several("episode", count)).select_related("patient"))


@functools.lru_cache(maxsize=PAGE_SIZE)
def _with_services(count: int) -> Prepared[int]:
    """Which of some episodes have their services kept."""
    return Prepared(
        lambda: (
            EpisodeService.objects.filter(episode__in=Several("episode", count))
            .values_list("episode_id", flat=True)
            .distinct()
        )
    )


@functools.lru_cache(maxsize=PAGE_SIZE)
def _patients(count: int) -> Prepared[Patient]:
    return Prepared(lambda: Patient.objects.filter(pk__in=Several("patient", count)))


def drawn_rows(rows: Iterable[EpisodeRow], practice: Practice) -> tuple[DrawnEpisode, ...]:
    """Rows of the table."""
    page = reverse("episode", kwargs={"practice": practice.key, "number": 0})
    found = []
    for row in rows:
        each = row.episode
        found.append(
            DrawnEpisode(
                address=page.replace("/0/", f"/{each.pk}/"),
                identifier=str(each.patient.identifier),
                about=words(each.cohort) + (f" · {each.subgroup}" if each.subgroup else ""),
                start=day(each.start),
                length=f"{each.days:,} days, to {day(each.end)}",
                annualized=cents(each.annualized_cents),
                observed=cents(each.observed_cents),
                expected=cents(each.expected_cents),
                ratio="–" if each.ratio is None else f"{each.ratio:.2f} ×",
                badge=row.badge,
                timeline=row.timeline,
                clinicians=", ".join(row.clinicians) or "–",
            )
        )
    return tuple(found)


def badge_of(episode: Episode) -> tuple[str, str]:
    """How an episode stands in the measure: kind of badge and text."""
    if episode.excluded_reason == OUTLIER:
        return "warn", "Outlier, left out"
    if episode.excluded_reason:
        return "off", f"Left out: {reason_text(episode.excluded_reason)}"
    if episode.ratio is not None and episode.ratio >= TWICE:
        return "bad", "Twice expected or more"
    return "good", "Counted"


def clinicians_of(episode: Episode, names: Mapping[str, str]) -> tuple[str, ...]:
    """The clinicians an episode is attributed to, by name where the run has one."""
    return tuple(names.get(npi) or f"NPI {npi}" for npi in episode.npis.split())


def summary_from(total: EpisodeTotal) -> Summary:
    """The same from the sums that publishing made."""
    return Summary(**{field.name: getattr(total, field.name) for field in fields(Summary)})


def by_patient(rows: QuerySet[Episode]) -> QuerySet[Any]:
    """Patients of these episodes with their sums, as mappings; `patient_id` names the patient."""
    return rows.values("patient_id").annotate(
        episodes=Count("pk"),
        counted=Count("pk", filter=Q(excluded_reason="")),
        outliers=Count("pk", filter=Q(excluded_reason=OUTLIER)),
        cents=Sum("observed_cents"),
        ratio=Avg("ratio", filter=Q(excluded_reason="")),
        last_day=Max("end"),
    )


def all_patients(scope: PatientScope, run: Run) -> QuerySet[Any]:
    """The same mappings of a whole practice, from the sums that publishing made."""
    assert scope.npi is None
    rows = AttributedPatient.objects.filter(practice=scope.practice, run=run)
    names = [field.name for field in fields(PatientRow) if field.name != "patient"]
    found: QuerySet[Any] = rows.values("patient_id", *names)
    return found


def patient_rows(page: Iterable[Mapping[str, Any]]) -> tuple[PatientRow, ...]:
    """The mappings of `by_patient` with their patients, unsealed."""
    found = list(page)
    if not found:
        return ()
    keys = [each["patient_id"] for each in found]
    patients = {each.pk: each for each in _patients(len(keys)).all(**values_of("patient", keys))}
    return tuple(
        PatientRow(
            patients[each["patient_id"]],
            *(each[name] for name in ("episodes", "counted", "outliers", "cents", "ratio", "last_day")),
        )
        for each in found
    )


def episode_cells(rows: Iterable[Episode]) -> Iterator[tuple[Cell, ...]]:
    """Episodes for a file, in the order of EPISODE_HEADER."""
    for each in rows:
        yield (
            *(each.patient.identifier, each.cohort, each.start.isoformat(), each.end.isoformat(), each.days),
            *(each.observed_cents / 100, each.annualized_cents / 100),
            None if each.expected_cents is None else each.expected_cents / 100,
            *(each.ratio, reason_text(each.excluded_reason), each.subgroup, each.npis.strip()),
        )


def patient_cells(rows: Sequence[Episode]) -> Iterator[tuple[Cell, ...]]:
    """Patients for a file, in the order of PATIENT_HEADER, from their episodes."""
    found: dict[int, list[Episode]] = {}
    for each in rows:
        found.setdefault(each.patient_id, []).append(each)
    for episodes in found.values():
        ratios = [each.ratio for each in episodes if each.ratio is not None and not each.excluded_reason]
        yield (
            *(episodes[0].patient.identifier, len(episodes), sum(not each.excluded_reason for each in episodes)),
            sum(each.excluded_reason == OUTLIER for each in episodes),
            sum(each.observed_cents for each in episodes) / 100,
            sum(ratios) / len(ratios) if ratios else None,
            max(each.end for each in episodes).isoformat(),
            " ".join(sorted({each.cohort for each in episodes})),
            " ".join(sorted({npi for each in episodes for npi in each.npis.split()})),
        )
