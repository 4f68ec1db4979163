"""The practice's own files beside a run: practice.csv, identifiers.csv, supplemental.csv, interoperability.csv.

    inputs = read_submission_inputs(Path("submission"), formats=formats_for(2027), problems=problems)

Every problem of every file is added; the caller refuses them together with what it finds itself.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openasm.base import files
from openasm.base.errors import NotFound
from openasm.base.files import Column, Table, find_table, read_table
from openasm.base.problems import Problems, shown
from openasm.submission import problems as kinds
from openasm.submission.content import Population, Practice
from openasm.submission.formats import KINDS, TOTAL, UNKNOWN, Formats

COHORTS = ("heart_failure", "low_back_pain")
POPULATIONS = ("IPOP", "DENOM", "DENEX", "DENEXCEP", "NUMER")
MOST_PATIENTS = 1_000_000_000

PRACTICE_COLUMNS = (
    Column("tin", files.tin),
    Column("name", files.text),
    Column("street", files.text),
    Column("city", files.text),
    Column("state", files.text),
    Column("zip", files.text),
    Column("telephone", files.text),
    Column("cehrt_id", files.text, may_be_empty=True),
    Column("end_to_end", files.choice("yes", "no")),
    Column("signer_given", files.text, required=False, may_be_empty=True),
    Column("signer_family", files.text, required=False, may_be_empty=True),
)
IDENTIFIER_COLUMNS = (
    Column("item", files.text),
    Column("about", files.text, may_be_empty=True),
    Column("group", files.integer(1, 20), may_be_empty=True),
    Column("population", files.text, may_be_empty=True),
    Column("value", files.text),
    Column("source", files.text),
)
SUPPLEMENTAL_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi, may_be_empty=True),
    Column("measure", files.text),
    Column("collection_type", files.choice("ecqm", "cqm"), required=False, may_be_empty=True),
    Column("group", files.integer(1, 20)),
    Column("population", files.choice(*POPULATIONS)),
    Column("kind", files.choice(TOTAL, *KINDS)),
    Column("code", files.text, may_be_empty=True),
    Column("count", files.integer(0, MOST_PATIENTS)),
)
DETAIL_COLUMNS = (
    Column("tin", files.tin),
    Column("item", files.text),
    Column("detail", files.text),
)

RateKey = tuple[str, str, str, str, int]  # tin, npi or empty, measure, collection type, group


@dataclass(frozen=True, slots=True)
class Identifier:
    """A value only CMS can give, with where it was published."""

    value: str
    source: str


@dataclass(frozen=True)
class Identifiers:
    """identifiers.csv: (item, about, group, population) -> value. Nothing in it is ever made up by the program."""

    values: Mapping[tuple[str, str, int, str], Identifier] = field(default_factory=dict)

    def find(self, item: str, about: str = "", group: int = 0, population: str = "") -> str | None:
        """The value, or None when CMS's has not been given."""
        found = self.values.get((item, about, group, population))
        return None if found is None else found.value


@dataclass(frozen=True)
class SubmissionInputs:
    """The four files, checked. practices: by TIN; populations: of each rate; details: (tin, item) -> exclusion or engagement."""

    practices: Mapping[str, Practice] = field(default_factory=dict)
    identifiers: Identifiers = field(default_factory=Identifiers)
    populations: Mapping[RateKey, tuple[Population, ...]] = field(default_factory=dict)
    details: Mapping[tuple[str, str], str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def read_submission_inputs(folder: Path, *, formats: Formats, problems: Problems) -> SubmissionInputs:
    """Read and check the files of a folder; practice.csv must be there, the others when something needs them.

    Raises NotFound when there is no such folder; problems are added, never raised.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder.name}.")
    practice = find_table(folder, "practice") or folder / "practice.csv"
    tables = {stem: find_table(folder, stem) for stem in ("identifiers", "supplemental", "interoperability")}
    supplemental_table = _optional(
        tables["supplemental"],
        SUPPLEMENTAL_COLUMNS,
        problems,
        ("tin", "npi", "measure", "collection_type", "group", "population", "kind", "code"),
    )
    details_table = _optional(tables["interoperability"], DETAIL_COLUMNS, problems, ("tin", "item"))
    identifiers_table = _optional(
        tables["identifiers"], IDENTIFIER_COLUMNS, problems, ("item", "about", "group", "population")
    )
    return SubmissionInputs(
        practices=_practices(read_table(practice, PRACTICE_COLUMNS, problems, key=("tin",)), formats, problems),
        identifiers=_identifiers(identifiers_table, formats, problems),
        populations=_populations(supplemental_table, formats, problems),
        details=_details(details_table, formats, problems),
        files=tuple(path for path in (practice, *tables.values()) if path is not None and path.is_file()),
    )


def _optional(path: Path | None, columns: tuple[Column, ...], problems: Problems, key: tuple[str, ...]) -> Table:
    if path is None:
        return Table("", {column.name: [] for column in columns})
    return read_table(path, columns, problems, key=key, may_have_no_rows=True)


def _practices(table: Table, formats: Formats, problems: Problems) -> dict[str, Practice]:
    pattern = re.compile(formats.certification_pattern, re.ASCII)
    practices = {}
    for place, row in enumerate(table.row_numbers):
        values = {column.name: table[column.name][place] for column in PRACTICE_COLUMNS}
        for name, value in values.items():
            if isinstance(value, str) and not value.isprintable():
                problems.add(kinds.CONTROL_CHARACTERS, table.name, row=row, column=name)
        cehrt = values["cehrt_id"]
        if cehrt is not None and pattern.fullmatch(cehrt) is None:
            problems.add(kinds.BAD_CERTIFICATION, table.name, row=row, column="cehrt_id", found=shown(cehrt))
        texts = {name: value or "" for name, value in values.items() if name != "end_to_end"}
        practices[values["tin"]] = Practice(**texts, end_to_end=values["end_to_end"] == "yes")
    return practices


def _identifiers(table: Table, formats: Formats, problems: Problems) -> Identifiers:
    found = {}
    columns = (table[name] for name in ("item", "about", "group", "population", "value", "source"))
    for row, item, about, group, population, value, source in zip(table.row_numbers, *columns, strict=True):
        key = (item, about or "", group or 0, population or "")
        if not _is_asked_for(key, formats):
            problems.add(kinds.UNKNOWN_IDENTIFIER, table.name, row=row, column="item", found=shown(_words(key)))
        elif item in ("measure_id", "population_id") and not _is_uuid(value):
            problems.add(kinds.NOT_A_UUID, table.name, row=row, column="value", found=shown(value))
        elif not value.isprintable():
            problems.add(kinds.CONTROL_CHARACTERS, table.name, row=row, column="value")
        found[key] = Identifier(value, source)
    return Identifiers(found)


def _is_asked_for(key: tuple[str, str, int, str], formats: Formats) -> bool:
    item, about, group, population = key
    if item == "population_id":
        if about not in formats.measures:
            return False
        measure = formats.measure(about)
        return group in measure.groups and population in measure.populations
    if group or population:
        return False
    if item in ("measure_id", "measure_version", "measure_canonical"):
        return about in formats.measures
    if item == "cohort":
        return about in COHORTS
    return (item == "program_name" and about == "") or (item == "activity" and about != "")


def _words(key: tuple[str, str, int, str]) -> str:
    return " ".join(str(part) for part in key if part)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _populations(table: Table, formats: Formats, problems: Problems) -> dict[RateKey, tuple[Population, ...]]:
    """The counts of each rate, checked against each other: every population of the measure, every kind adding up."""
    counts: dict[RateKey, dict[str, dict[str, dict[str, int]]]] = {}
    first_row: dict[RateKey, int] = {}
    names = ("tin", "npi", "measure", "collection_type", "group", "population", "kind", "code", "count")
    for row, tin, npi, measure, collection, group, population, kind, code, count in zip(
        table.row_numbers, *(table[name] for name in names), strict=True
    ):
        if not _is_population(formats, measure, group, population):
            found = f"{measure} rate {group} {population}"
            problems.add(kinds.UNKNOWN_POPULATION, table.name, row=row, column="population", found=shown(found))
            continue
        if (code is not None) if kind == TOTAL else (code not in (*formats.codes(kind), UNKNOWN)):
            expected = "no code" if kind == TOTAL else f"one of {', '.join((*formats.codes(kind), UNKNOWN))}"
            found = shown(code or "empty")
            problems.add(kinds.UNKNOWN_CODE, table.name, row=row, column="code", found=found, expected=expected)
            continue
        key = (tin, npi or "", measure, collection or "ecqm", group)
        first_row.setdefault(key, row)
        counts.setdefault(key, {}).setdefault(population, {}).setdefault(kind, {})[code or ""] = count
    return {key: _checked(key, found, first_row[key], table.name, formats, problems) for key, found in counts.items()}


def _is_population(formats: Formats, measure: str, group: int, population: str) -> bool:
    if measure not in formats.measures:
        return False
    known = formats.measure(measure)
    return group in known.groups and population in known.populations


def _checked(
    key: RateKey,
    found: Mapping[str, Mapping[str, Mapping[str, int]]],
    row: int,
    file: str,
    formats: Formats,
    problems: Problems,
) -> tuple[Population, ...]:
    measure, group = key[2], key[4]
    result = []
    for code in formats.measure(measure).populations:
        by_kind = found.get(code, {})
        place = f"{measure} rate {group} {code}"
        if TOTAL not in by_kind:
            problems.add(kinds.TOTAL_MISSING, file, row=row, column="kind", found=f"no total of {place}")
            continue
        total = by_kind[TOTAL][""]
        breakdown = {kind: dict(by_kind[kind]) for kind in KINDS if kind in by_kind}
        for kind, codes in breakdown.items():
            if sum(codes.values()) != total:
                problems.add(
                    kinds.KIND_SUM,
                    file,
                    row=row,
                    column="count",
                    found=f"{kind} of {place} adds up to {sum(codes.values())} of {total}",
                )
        result.append(Population(code, total, breakdown))
    sizes = {each.code: each.count for each in result}
    if len(sizes) == len(formats.measure(measure).populations) and not plausible(sizes):
        told = ", ".join(f"{code} {count}" for code, count in sizes.items())
        problems.add(kinds.IMPOSSIBLE_COUNTS, file, row=row, column="count", found=f"{measure} rate {group}: {told}")
    return tuple(result)


def plausible(sizes: Mapping[str, int]) -> bool:
    """Whether populations can be so large beside each other: parts within the denominator, it within the initial population.

    >>> plausible({"IPOP": 10, "DENOM": 8, "DENEX": 1, "NUMER": 7}), plausible({"DENOM": 8, "NUMER": 9})
    (True, False)
    """
    denominator = sizes.get("DENOM", 0)
    parts = sum(sizes.get(code, 0) for code in ("DENEX", "DENEXCEP", "NUMER"))
    return parts <= denominator <= sizes.get("IPOP", denominator)


def _details(table: Table, formats: Formats, problems: Problems) -> dict[tuple[str, str], str]:
    details = {}
    for row, tin, item, detail in zip(table.row_numbers, table["tin"], table["item"], table["detail"], strict=True):
        known = (*formats.exclusions(item), *formats.engagement(item))
        if detail not in known:
            problems.add(
                kinds.UNKNOWN_DETAIL,
                table.name,
                row=row,
                column="detail",
                found=shown(detail),
                expected=f"one of {', '.join(known)}" if known else f"no row for {item}, which needs no detail",
            )
        details[tin, item] = detail
    return details
