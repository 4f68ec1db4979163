"""Cases made of gaps as whole columns against the same reckoned one by one; totals added up against cases counted."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import defaultdict
from collections.abc import Callable

import pyarrow as pa
import pytest
from django.db.models import Count, Sum
from django.test import Client

from openasm.app.access.request import PatientScope
from openasm.app.worklists.case_tables import case_table, count_table
from openasm.app.worklists.models import Case, CaseCount, newest_worklist
from openasm.app.worklists.selection import SCORED as SCORED_CHOICES
from openasm.app.worklists.selection import WINDOWS, WORK, Selection, selected
from openasm.app.worklists.totals import total_of
from tests.app.conftest import CLINICIAN_NPI, Stage

DAYS = [None, *(dt.date(2027, 9, day) for day in (1, 2, 30))]
KINDS = {"care": 0, "documentation": 1, "data": 2}
TEXTS = ("measure", "kind", "npis")


def some_gaps(chance: random.Random, size: int) -> list[dict[str, object]]:
    gaps = [
        {
            **{"practice": chance.choice((7, 3)), "patient": chance.randrange(4), "measure": chance.choice("BA")},
            **{"group": chance.choice((1, 2)), "kind": chance.choice(list(KINDS))},
            **{
                "earliest": chance.choice(DAYS),
                "due": chance.choice(DAYS),
                "npis": chance.choice((" 2 ", " 1 2 ", "")),
            },
            **{"points": chance.choice((None, 0.25, 1.5)), "cents": chance.choice((None, 0, 250))},
        }
        for _ in range(size)
    ]
    return sorted(gaps, key=lambda gap: (gap["practice"], gap["patient"], gap["measure"], gap["group"]))


def as_table(gaps: list[dict[str, object]]) -> pa.Table:
    schema = pa.schema(
        [
            *(("practice", pa.int64()), ("patient", pa.int64()), ("measure", pa.string()), ("group", pa.int64())),
            *(("kind", pa.string()), ("earliest", pa.date32()), ("due", pa.date32()), ("npis", pa.string())),
            *(("points", pa.float64()), ("cents", pa.int64())),
        ]
    )
    table = pa.Table.from_pylist(gaps, schema=schema)
    for name in TEXTS:
        table = table.set_column(table.schema.get_field_index(name), name, table.column(name).dictionary_encode())
    return table


SCORED = {3: {"A"}, 9: {"B"}}  # of practice 7 nothing is known: there every measure counts


def one_by_one(gaps: list[dict[str, object]]) -> list[dict[str, object]]:
    found: dict[tuple[object, ...], list[dict[str, object]]] = defaultdict(list)
    for gap in gaps:
        found[gap["practice"], gap["patient"], gap["measure"], gap["group"]].append(gap)
    cases = []
    for (practice, patient, measure, group), ways in found.items():
        closable = [way for way in ways if way["due"] is not None]
        at_once = any(way["earliest"] is None for way in closable)
        cases.append(
            {
                **{"practice": practice, "patient": patient, "measure": measure, "group": group},
                "kind": min((way["kind"] for way in ways), key=KINDS.__getitem__),
                "ways": len(ways),
                "earliest": None if at_once or not closable else min(way["earliest"] for way in closable),
                "due": max((way["due"] for way in closable), default=None),
                "npis": max(way["npis"] for way in ways),
                "points": max((way["points"] for way in ways if way["points"] is not None), default=None),
                "cents": max((way["cents"] for way in ways if way["cents"] is not None), default=None),
                "scored": practice == 7 or measure == "A",
            }
        )

    def place(case: dict[str, object]) -> tuple[object, ...]:
        worth = -(case["cents"] or 0)  # type: ignore[operator]
        last = case["due"] or dt.date.max
        standing = (0 if case["cents"] or case["points"] else 1) if case["scored"] else 2
        return (case["practice"], standing, last, worth, case["patient"], case["measure"], case["group"])

    return sorted(cases, key=place)


@pytest.mark.parametrize("size", [0, 1, 2, 30, 300])
def test_cases_are_those_made_one_by_one(size: int) -> None:
    for seed in range(20):
        gaps = some_gaps(random.Random(seed), size)
        cases = case_table(as_table(gaps), SCORED)
        assert cases.to_pylist() == one_by_one(gaps)
        counted: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
        marks: dict[tuple[object, ...], object] = {}
        for case in one_by_one(gaps):
            own = counted[case["practice"], case["measure"], case["earliest"], case["due"]]
            own[0] += 1
            own[1] += case["cents"] or 0  # type: ignore[operator]
            marks[case["practice"], case["measure"]] = case["scored"]
        counts = count_table(cases).to_pylist()
        assert {
            (row["practice"], row["measure"], row["earliest"], row["due"]): [row["cases"], row["cents"]]
            for row in counts
        } == dict(counted)
        assert {(row["practice"], row["measure"]): row["scored"] for row in counts} == marks


def test_totals_are_those_of_the_cases_counted(stage: Stage, sign_in: Callable[..., Client]) -> None:
    nurse = stage.people["nurse"]
    published = newest_worklist(stage.elm)
    assert published is not None
    first = Case.objects.filter(practice=stage.elm).order_by("pk").first()
    sign_in("nurse").post(
        f"/practices/{stage.elm.key}/worklist/change/",
        {"case": [first.pk], "owner": str(nurse.pk), "status": "working"},
    )
    assert Case.objects.get(pk=first.pk).item.status == "working"
    for table in (Case, CaseCount):  # as in a practice where nobody is scored on it
        table.objects.filter(practice=stage.elm, measure="CMS144").update(scored=False)
    everything = CaseCount.objects.filter(practice=stage.elm).aggregate(Sum("cases"))["cases__sum"]
    assert everything == Case.objects.filter(practice=stage.elm).count() > 0
    for npi in (None, CLINICIAN_NPI):
        scope = PatientScope(stage.elm, npi)
        for today in (dt.date(2027, 1, 2), dt.date(2027, 9, 1), dt.date(2027, 12, 30)):
            for window in WINDOWS:
                for owner in ("", "me", "none", str(nurse.pk)):
                    for status in ("", *WORK):
                        for chosen, scored in itertools.product(("", CLINICIAN_NPI), SCORED_CHOICES):
                            asked = Selection(window=window, owner=owner, status=status, npi=chosen, scored=scored)
                            cases = selected(
                                Case.objects.visible(scope, published.run), asked, today=today, me=nurse.pk
                            )
                            right = cases.aggregate(count=Count("pk"), worth=Sum("cents", default=0))
                            found = total_of(scope, published, asked, today=today, me=nurse.pk)
                            assert (found.cases, found.cents) == (right["count"], right["worth"]), asked
