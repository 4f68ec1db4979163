"""Primary care of ASM beneficiaries as claims show it: who sees them, whom a practice shares them with, screenings billed.

The improvement activities ask a practice to know each beneficiary's primary care, to report back to it, to see to an annual screening for
health-related social needs (42 CFR 512.735), and to have an arrangement with a primary care practice it shares beneficiaries with
(512.771). An ASM beneficiary here is somebody with an episode of the year that is attributed to a clinician of the TIN, whether or not
the episode counts for cost. Frames select and add up on the engine; what remains is a few rows a beneficiary.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import narwhals as nw

from openasm.base.parameters import RuleBook, Rules, load_rule_book
from openasm.claims.folder import Claims
from openasm.tables.engine import Engine, Frame

PERSON = "beneficiary"


@dataclass(frozen=True, slots=True)
class PrimaryCareVisits:
    """Visits of one beneficiary to one primary care clinician: days, and the last of them."""

    tin: str
    npi: str
    days: int
    last: dt.date


@dataclass(frozen=True, slots=True)
class Screening:
    """A screening, or (`certain` False) what may go with one. source: `claims` or `records`."""

    day: dt.date
    source: str
    code: str
    certain: bool


@dataclass(frozen=True, slots=True)
class AsmBeneficiary:
    """Somebody with an attributed episode of a TIN. npis: clinicians they are attributed to; last_seen: last day one of them billed for
    them in the year; primary_care: most days first, see `by_plurality`."""

    tin: str
    beneficiary: str
    cohorts: tuple[str, ...]
    npis: tuple[str, ...]
    last_seen: dt.date | None
    primary_care: tuple[PrimaryCareVisits, ...]
    screening: Screening | None


@cache
def primary_care_book() -> RuleBook:
    """The working values with their citations and statuses."""
    return load_rule_book([Path(__file__).parent / "specifications" / "primary_care.yaml"])


def primary_care_rules(year: int) -> Rules:
    """Those of a year; RuleUnpublished for a year without them."""
    return primary_care_book().for_year(year)


def by_plurality(visits: Iterable[PrimaryCareVisits]) -> tuple[PrimaryCareVisits, ...]:
    """Primary care clinicians, most visit days first; ties: the one seen last, then the smaller NPI and TIN.

    >>> day = dt.date(2027, 3, 1)
    >>> some = PrimaryCareVisits("000000001", "2", 1, day), PrimaryCareVisits("000000001", "1", 1, day)
    >>> [each.npi for each in by_plurality(some)]
    ['1', '2']
    """
    return tuple(sorted(visits, key=lambda each: (-each.days, -each.last.toordinal(), each.npi, each.tin)))


def best_screening(found: Iterable[Screening]) -> Screening | None:
    """The newest that is certain, else the newest hint; records before claims on the same day.

    >>> day = dt.date(2027, 3, 1)
    >>> best_screening([Screening(day, "claims", "G0136", False), Screening(dt.date(2027, 1, 5), "claims", "M1207", True)]).code
    'M1207'
    """
    return max(found, key=lambda each: (each.certain, each.day, each.source, each.code), default=None)


def asm_beneficiaries(
    claims: Claims,
    engine: Engine,
    *,
    episodes: Sequence[tuple[str, Path]],
    year: int,
    rules: Rules,
    tins: Sequence[str] = (),
    recorded: Mapping[str, Sequence[Screening]],
) -> list[AsmBeneficiary]:
    """Every ASM beneficiary of the practices given (of all when none is), sorted by TIN and beneficiary.

    episodes: cohort and the `patients/` folder of its episodes of the year; recorded: screenings of the records by beneficiary.
    """
    attributed = _attributed(engine, episodes, tins)
    people = engine.held(
        engine.from_rows({PERSON: sorted({person for _, person in attributed})}, {PERSON: nw.String()})
    )
    lines = claims.claim_lines.filter(nw.col("setting") == "professional").join(people, on=PERSON, how="semi")
    first = dt.date(year - rules["primary_care.years_back"].integer + 1, 1, 1)
    lines = engine.held(
        lines.filter((nw.col("from_date") >= first) & (nw.col("from_date") <= dt.date(year, 12, 31))).select(
            PERSON, "from_date", "hcpcs", "place_of_service", "specialty", "npi", "tin"
        )
    )
    physicians = frozenset(rules["primary_care.physician_specialties"].texts)
    visits = _visits(lines, engine, rules)
    billed = _billed_screenings(lines, engine, year, rules)
    seen = _seen(lines, engine, year, tins or sorted({tin for tin, _ in attributed}))
    found = []
    for (tin, person), (cohorts, npis) in sorted(attributed.items()):
        counted = (each for each, specialty in visits.get(person, ()) if each.tin != tin or specialty in physicians)
        days = [seen[key] for npi in npis if (key := (person, tin, npi)) in seen]
        found.append(
            AsmBeneficiary(
                tin,
                person,
                tuple(sorted(cohorts)),
                tuple(sorted(npis)),
                max(days, default=None),
                by_plurality(each for each in counted if each.tin != tin or each.npi not in npis),
                best_screening([*billed.get(person, ()), *recorded.get(person, ())]),
            )
        )
    return found


def _attributed(
    engine: Engine, episodes: Sequence[tuple[str, Path]], tins: Sequence[str]
) -> dict[tuple[str, str], tuple[set[str], set[str]]]:
    """(TIN, beneficiary) -> cohorts and NPIs."""
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for cohort, folder in episodes:
        whose = engine.read_parquet(folder / "episodes.parquet").select("episode_id", PERSON)
        held = engine.read_parquet(folder / "attribution.parquet").filter(nw.col("attributed"))
        if tins:
            held = held.filter(nw.col("tin").is_in(list(tins)))
        pairs = held.select("episode_id", "tin", "npi").join(whose, on="episode_id", how="inner")
        for row in engine.to_arrow(pairs.select("tin", PERSON, "npi").unique()).to_pylist():
            cohorts, npis = found.setdefault((row["tin"], row[PERSON]), (set(), set()))
            cohorts.add(cohort)
            npis.add(row["npi"])
    return found


def _visits(lines: Frame, engine: Engine, rules: Rules) -> dict[str, list[tuple[PrimaryCareVisits, str]]]:
    """Beneficiary -> visits by clinician and TIN, with the specialty billed (the smallest code where there are several)."""
    kinds = [*rules["primary_care.physician_specialties"].texts, *rules["primary_care.other_specialties"].texts]
    counted = (
        lines.filter(
            nw.col("specialty").is_in(kinds)
            & nw.col("place_of_service").is_in(list(rules["primary_care.visit_places"].texts))
            & ~nw.col("npi").is_null()
            & ~nw.col("tin").is_null()
        )
        .group_by(PERSON, "tin", "npi", "from_date")
        .agg(nw.col("specialty").min())
        .group_by(PERSON, "tin", "npi")
        .agg(
            nw.len().alias("days"),
            nw.col("from_date").max().alias("last"),
            nw.col("specialty").min().alias("specialty"),
        )
    )
    found: dict[str, list[tuple[PrimaryCareVisits, str]]] = {}
    for row in engine.to_arrow(counted).to_pylist():
        visits = PrimaryCareVisits(row["tin"], row["npi"], int(row["days"]), row["last"])
        found.setdefault(row[PERSON], []).append((visits, row["specialty"]))
    return found


def _billed_screenings(lines: Frame, engine: Engine, year: int, rules: Rules) -> dict[str, list[Screening]]:
    certain = frozenset(rules["primary_care.screening_hcpcs"].texts)
    codes = sorted(certain | set(rules["primary_care.screening_hint_hcpcs"].texts))
    chosen = lines.filter(nw.col("hcpcs").is_in(codes) & (nw.col("from_date") >= dt.date(year, 1, 1)))
    found: dict[str, list[Screening]] = {}
    for row in engine.to_arrow(chosen.select(PERSON, "from_date", "hcpcs").unique()).to_pylist():
        screening = Screening(row["from_date"], "claims", row["hcpcs"], row["hcpcs"] in certain)
        found.setdefault(row[PERSON], []).append(screening)
    return found


def _seen(lines: Frame, engine: Engine, year: int, tins: Sequence[str]) -> dict[tuple[str, str, str], dt.date]:
    """(beneficiary, TIN, NPI) -> last day of the year billed."""
    last = (
        lines.filter(nw.col("tin").is_in(list(tins)) & (nw.col("from_date") >= dt.date(year, 1, 1)))
        .group_by(PERSON, "tin", "npi")
        .agg(nw.col("from_date").max().alias("last"))
    )
    return {(row[PERSON], row["tin"], row["npi"]): row["last"] for row in engine.to_arrow(last).to_pylist()}


@dataclass(frozen=True, slots=True)
class SharedWith:
    """A primary care practice that a TIN shares ASM beneficiaries with. npis: its clinicians who saw them, most beneficiaries first."""

    tin: str
    primary_tin: str
    beneficiaries: int
    days: int
    npis: tuple[str, ...]


def shared_with(people: Iterable[AsmBeneficiary]) -> list[SharedWith]:
    """Primary care practices other than the TIN itself that saw its ASM beneficiaries: most beneficiaries first within each TIN."""
    found: list[SharedWith] = []
    for tin, group in groupby(sorted(people, key=lambda each: each.tin), key=lambda each: each.tin):
        persons: dict[str, set[str]] = {}
        days: dict[str, int] = {}
        clinicians: dict[str, dict[str, set[str]]] = {}
        for person in group:
            for visits in person.primary_care:
                if visits.tin == tin:
                    continue
                persons.setdefault(visits.tin, set()).add(person.beneficiary)
                days[visits.tin] = days.get(visits.tin, 0) + visits.days
                clinicians.setdefault(visits.tin, {}).setdefault(visits.npi, set()).add(person.beneficiary)
        found += sorted(
            (
                SharedWith(
                    tin,
                    other,
                    len(who),
                    days[other],
                    tuple(sorted(clinicians[other], key=lambda npi: (-len(clinicians[other][npi]), npi))),
                )
                for other, who in persons.items()
            ),
            key=lambda each: (-each.beneficiaries, -each.days, each.primary_tin),
        )
    return found
