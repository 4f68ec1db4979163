"""Claim sets for tests of the cost measures: from plain facts to opened claims on an engine."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from openasm.base.problems import Problems
from openasm.claims.folder import Claims
from openasm.episodes.chain import Chain, run_steps
from openasm.episodes.days import date_of, day_number
from openasm.episodes.frames import claim_frames
from openasm.episodes.outcome import Outcome, outcome
from openasm.episodes.plain import Diagnosis, Facts, Line, Month, Person
from openasm.episodes.specifications.construction import Construction, construction_for, demonstration_workbook
from openasm.episodes.specifications.lists import CodesList, load_codes_list
from openasm.tables.engine import Engine


def demonstration(cohort: str, **changes: object) -> tuple[CodesList, Construction]:
    """The demonstration codes list of a cohort and its constants with some of them changed."""
    construction = construction_for(cohort, 2027)
    codes = load_codes_list(demonstration_workbook(cohort), construction, Problems())
    return codes, replace(construction, **changes)


def opened(facts: Facts, engine: Engine) -> Claims:
    """The facts as opened claims."""
    lines = pa.table(
        {
            "beneficiary": [x.beneficiary for x in facts.lines],
            "claim_id": [x.claim_id for x in facts.lines],
            "line": [x.line for x in facts.lines],
            "setting": [x.setting for x in facts.lines],
            "from_date": [date_of(x.day) for x in facts.lines],
            "hcpcs": [x.hcpcs for x in facts.lines],
            "line_diagnosis": [x.line_diagnosis for x in facts.lines],
            "npi": [x.npi for x in facts.lines],
            "tin": [x.tin for x in facts.lines],
            "drg": [x.drg for x in facts.lines],
            "revenue_center": [x.revenue_center for x in facts.lines],
            "ndc": [x.ndc for x in facts.lines],
            "cost_cents": [x.cost_cents for x in facts.lines],
            "cost_basis": ["standardized"] * len(facts.lines),
        },
        schema=pa.schema(
            [
                *((name, pa.string()) for name in ("beneficiary", "claim_id")),
                ("line", pa.int64()),
                ("setting", pa.string()),
                ("from_date", pa.date32()),
                *(
                    (name, pa.string())
                    for name in ("hcpcs", "line_diagnosis", "npi", "tin", "drg", "revenue_center", "ndc")
                ),
                ("cost_cents", pa.int64()),
                ("cost_basis", pa.string()),
            ]
        ),
    )
    diagnoses = pa.table(
        {
            "beneficiary": [x.beneficiary for x in facts.diagnoses],
            "claim_id": [x.claim_id for x in facts.diagnoses],
            "position": [x.position for x in facts.diagnoses],
            "code": [x.code for x in facts.diagnoses],
        },
        schema=pa.schema(
            [
                ("beneficiary", pa.string()),
                ("claim_id", pa.string()),
                ("position", pa.int64()),
                ("code", pa.string()),
            ]
        ),
    )
    flags = ("part_a", "part_b", "part_c", "part_d", "esrd", "disabled_origin", "institutional")
    enrollment = pa.table(
        {
            "beneficiary": [x.beneficiary for x in facts.enrollment],
            "month": [dt.date(x.month // 12, x.month % 12 + 1, 1) for x in facts.enrollment],
            **{flag: [getattr(x, flag) for x in facts.enrollment] for flag in flags},
        },
        schema=pa.schema(
            [("beneficiary", pa.string()), ("month", pa.date32()), *((flag, pa.bool_()) for flag in flags)]
        ),
    )
    people = pa.table(
        {
            "beneficiary": [x.beneficiary for x in facts.people],
            "birth_date": [x.birth for x in facts.people],
            "death_date": [x.death for x in facts.people],
            "county_fips": [x.county_fips for x in facts.people],
        },
        schema=pa.schema(
            [
                ("beneficiary", pa.string()),
                ("birth_date", pa.date32()),
                ("death_date", pa.date32()),
                ("county_fips", pa.string()),
            ]
        ),
    )
    return Claims(
        claim_lines=engine.from_arrow(lines),
        claim_diagnoses=engine.from_arrow(diagnoses),
        enrollment=engine.from_arrow(enrollment),
        beneficiaries=engine.from_arrow(people),
        data_start=dt.date(2020, 1, 1),
        data_end=date_of(facts.data_end),
        manifest={},
    )


def fast(
    facts: Facts, engine: Engine, folder: Path, *, codes: CodesList, construction: Construction, year: int
) -> Outcome:
    """The engine's chain over the facts."""
    chain = Chain(engine, folder)
    run_steps(chain, claim_frames(opened(facts, engine)), codes, construction, year=year)
    return outcome(chain, codes, construction)


def visits(
    beneficiary: str, days: list[int], *, tin: str = "000000001", npi: str = "A", code: str = "99214", dx: str = "I5022"
) -> tuple[list[Line], list[Diagnosis]]:
    """A professional visit on each day, each its own claim."""
    lines = [
        Line(beneficiary, f"{beneficiary}-{tin}-{npi}-{n}-{day}", 1, "professional", day, 8_000, code, None, npi, tin)
        for n, day in enumerate(days)
    ]
    return lines, [Diagnosis(beneficiary, line.claim_id, 1, dx) for line in lines]


def enrolled(beneficiary: str, first: dt.date, last: dt.date) -> list[Month]:
    """Parts A, B and D in every month."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [Month(beneficiary, number, part_d=True) for number in numbers]


def living(beneficiary: str, birth: dt.date = dt.date(1950, 6, 1)) -> Person:
    """A person of the 50 states who is alive."""
    return Person(beneficiary, birth, None, "01001")


__all__ = ["day_number", "demonstration", "enrolled", "fast", "living", "opened", "visits"]
