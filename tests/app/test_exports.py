"""Exports: formulas stay text in CSV and XLSX; the table's filter holds; the export is an event."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import openpyxl
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from openasm.app.audit.models import AuditEvent
from openasm.app.look.exports import safe_text
from tests.app.conftest import Stage


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "=cmd|' /C calc'!A0"])
def test_what_could_be_a_formula_is_made_text(text: str) -> None:
    assert safe_text(text) == f"'{text}"


@given(st.text())
def test_no_text_starts_a_formula(text: str) -> None:
    assert not safe_text(text).lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_of_the_practice(stage: Stage, sign_in: Callable[..., Client]) -> None:
    response = sign_in("manager").get(f"/practices/{stage.elm.key}/clinicians.csv")
    assert response["Content-Disposition"] == 'attachment; filename="clinicians-elm-heart-and-spine-2027.csv"'
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert {row["name"] for row in rows} == {"'=Test Clinician 2", "Test Clinician 1", "Test Clinician 3"}
    assert [row["payment_change_dollars"] for row in rows if row["name"] == "Test Clinician 1"] == ["-2079.04"]
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, event.details) == ("exported", '{"form":"csv","rows":3,"what":"clinicians"}')


def test_xlsx_of_the_practice_holds_text_and_numbers(stage: Stage, sign_in: Callable[..., Client]) -> None:
    response = sign_in("manager").get(f"/practices/{stage.elm.key}/clinicians.xlsx?cohort=heart_failure")
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == 2
    assert {(row[1].value, row[1].data_type) for row in rows} == {("Test Clinician 1", "s"), ("=Test Clinician 2", "s")}
    assert all(row[4].data_type == "n" for row in rows)


def test_an_unknown_form_is_not_found(stage: Stage, sign_in: Callable[..., Client]) -> None:
    assert sign_in("manager").get(f"/practices/{stage.elm.key}/clinicians.exe").status_code == 404
