"""Shared beneficiaries behind arrangements, the comparison of levels, and MIPS where ASM does not hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from openasm.app.arrangements.models import ArrangementVersion
from openasm.app.audit.models import AuditEvent
from openasm.app.primary_care.shared import shared_practices
from openasm.app.published.models import ParticipantResult, RunTables
from tests.app.conftest import Stage
from tests.app.run_folders import CANARY_NAMES, NPIS

PARTNER = "900000021"


def entered(client: Client, stage: Stage, tin: str = PARTNER, shared: int = 2) -> ArrangementVersion:
    data = {"base": 0, "partner": "Test Primary Care", "partner_tin": tin, "shared": shared, "terms": []}
    client.post(f"/practices/{stage.elm.key}/arrangements/new/", data)
    return ArrangementVersion.objects.get()


def test_practices_are_listed_with_how_many_they_share(stage: Stage, sign_in: Callable[..., Client]) -> None:
    found = shared_practices(stage.elm, stage.run)
    assert [(each.tin, each.people, each.days, each.npis) for each in found] == [
        (PARTNER, 2, 6, ("2999000054",)),
        ("900000022", 1, 1, ("2999000062",)),
    ]
    assert shared_practices(stage.oak, stage.run) == []
    text = sign_in("nurse").get(f"/practices/{stage.elm.key}/arrangements/").content.decode()
    assert f"?year=2027&amp;partner_tin={PARTNER}" in text
    assert not [name for name in CANARY_NAMES if name in text]
    form = sign_in("nurse").get(f"/practices/{stage.elm.key}/arrangements/new/?partner_tin={PARTNER}")
    assert form.context["form"].initial == {"base": 0, "partner_tin": PARTNER, "shared": 2}
    other = sign_in("nurse").get(f"/practices/{stage.elm.key}/arrangements/new/?partner_tin=900000099")
    assert other.context["form"].initial == {"base": 0}


def test_an_arrangement_lists_its_shared_beneficiaries(stage: Stage, sign_in: Callable[..., Client]) -> None:
    version = entered(sign_in("nurse"), stage)
    where = f"/practices/{stage.elm.key}/arrangements/{version.key}/"
    assert (
        "In the claims both share 2 ASM beneficiaries; entered here: 2." in sign_in("nurse").get(where).content.decode()
    )
    assert "Test Primary Care</a>" in sign_in("nurse").get(f"/practices/{stage.elm.key}/arrangements/").content.decode()
    text = sign_in("nurse").get(f"{where}shared/").content.decode()
    assert CANARY_NAMES[5] in text
    assert CANARY_NAMES[6] in text
    assert CANARY_NAMES[0] not in text
    assert "arrangement_shared" in str(AuditEvent.objects.filter(kind="patients_viewed").last().details)
    assert sign_in("nurse").get(f"{where}shared/csv/").status_code == 403
    saved = sign_in("attester").get(f"{where}shared/csv/")
    rows = list(csv.reader(io.StringIO(saved.content.decode("utf-8-sig"))))
    assert sorted(row[0] for row in rows[1:]) == [CANARY_NAMES[5], CANARY_NAMES[6]]
    assert "shared beneficiaries" in str(AuditEvent.objects.filter(kind="exported").last().details)


def test_without_a_tin_nobody_is_listed(stage: Stage, sign_in: Callable[..., Client]) -> None:
    version = entered(sign_in("nurse"), stage, tin="")
    assert version.partner_tin is None
    where = f"/practices/{stage.elm.key}/arrangements/{version.key}/shared/"
    assert "Nobody in the claims" in sign_in("nurse").get(where).content.decode()
    assert sign_in("attester").get(f"{where}csv/").status_code == 404


def test_a_wrong_tin_is_not_kept(stage: Stage, sign_in: Callable[..., Client]) -> None:
    data = {"base": 0, "partner": "Test", "partner_tin": "12345", "shared": 0}
    page = sign_in("nurse").post(f"/practices/{stage.elm.key}/arrangements/new/", data)
    assert "Nine digits." in page.content.decode()
    assert not ArrangementVersion.objects.exists()


def test_the_added_column_left_the_guards_in_place(stage: Stage, sign_in: Callable[..., Client]) -> None:
    entered(sign_in("nurse"), stage)
    table = ArrangementVersion._meta.db_table
    for statement in (f"UPDATE {table} SET partner = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_levels_are_compared_in_points_and_dollars(stage: Stage, sign_in: Callable[..., Client]) -> None:
    page = sign_in("viewer").get(f"/practices/{stage.elm.key}/levels/")
    found = page.context["levels"]
    assert [(level, dollars, best) for level, _, dollars, best in found.columns] == [
        ("individual", -3000.0, False),
        ("tin", 750.75, True),
        ("both", 0.0, False),
    ]
    assert [line.npi for line in found.lines] == [NPIS[1], NPIS[0], NPIS[2]]
    assert [each.final_score for each in found.lines[0].results] == [60.0, 70.5, None]
    text = page.content.decode()
    assert "minimum submission not met" in text
    assert "not confirmed" in text


def test_without_a_choice_the_page_says_why(stage: Stage, sign_in: Callable[..., Client]) -> None:
    text = sign_in("other manager").get(f"/practices/{stage.oak.key}/levels/").content.decode()
    assert "No choice to compare" in text
    RunTables.objects.filter(practice=stage.elm).delete()
    assert "No choice to compare" in sign_in("viewer").get(f"/practices/{stage.elm.key}/levels/").content.decode()


def test_mips_says_who_stays_and_what_comes_back(stage: Stage, sign_in: Callable[..., Client]) -> None:
    text = sign_in("viewer").get(f"/practices/{stage.elm.key}/mips/").content.decode()
    assert "11 clinicians stay" in text  # fourteen in the TIN, three participants
    assert "due by 31 March 2028" in text
    for words in ("Promoting interoperability", "Improvement activities", "only within an MVP"):
        assert words in text
    oak = sign_in("other manager").get(f"/practices/{stage.oak.key}/mips/").content.decode()
    assert "1 clinician stays" in oak
    ParticipantResult.objects.filter(practice=stage.elm, run=stage.run).update(cohort="heart_failure")
    again = sign_in("viewer").get(f"/practices/{stage.elm.key}/mips/")
    assert len(again.context["fallbacks"]) == 1
    assert "005 ACE inhibitor, ARB or ARNI in heart failure" in again.content.decode()
    assert "eCQM, MIPS CQM" in again.content.decode()


@pytest.mark.parametrize(
    ("page", "most"),
    [
        *(("levels", 15), ("mips", 15), ("arrangements", 18), ("arrangements/new", 16), ("incentives", 14)),
        *(("requests", 12), ("submissions", 15), ("attestations/2027/binder", 12)),
    ],
)
def test_pages_in_few_queries(
    stage: Stage, sign_in: Callable[..., Client], page: str, most: int, django_assert_max_num_queries: Any
) -> None:
    client = sign_in("nurse")
    client.get(f"/practices/{stage.elm.key}/{page}/")
    with django_assert_max_num_queries(most):
        client.get(f"/practices/{stage.elm.key}/{page}/")
