"""What tests of attesting share: complete answers of 2027, as objects and as a form sends them, and days to attest on."""

from __future__ import annotations

import datetime as dt

import pytest

from openasm.app.attestations import reading
from openasm.app.attestations.actions import Signature, take_step
from openasm.app.attestations.answers import Answer, by_item
from openasm.app.attestations.models import Version
from openasm.app.attestations.steps import Step
from tests.app.conftest import Stage

YEAR = 2027
AFTER = dt.date(2028, 2, 1)


def complete(**changes: Answer) -> dict[str, Answer]:
    """Answers with which nothing is lost."""

    def period(item: str, start: tuple[int, int]) -> Answer:
        return Answer(
            item, "yes", start=dt.date(YEAR, *start), end=dt.date(YEAR, 12, 31), evidence="kept in the binder"
        )

    answers = [period("IA_1", (9, 1)), period("IA_2", (10, 3)), period("CEHRT", (7, 5))]
    answers += [Answer(item, "yes", 450, 450, evidence="EHR report") for item in ("PI_EP_1", "PI_PEA_1")]
    others = (
        "PI_EP_2",
        "PI_HIE_5",
        "PI_PHCDRR_1",
        "PI_PHCDRR_3",
        "PI_PPHI_1",
        "PI_PPHI_2",
        "PI_INFBLO_1",
        "PI_ONCDIR_1",
    )
    answers += [Answer(item, "yes", evidence="EHR report") for item in others]
    return by_item(answers) | changes


def sent(answers: dict[str, Answer], base: int) -> dict[str, str]:
    """The answers as the page's form sends them."""
    fields = {"base": str(base)}
    for item, answer in answers.items():
        for name in ("answer", "numerator", "denominator", "start", "end", "evidence"):
            value = getattr(answer, name)
            if value not in (None, ""):
                fields[f"{item}-{name}"] = value.isoformat() if isinstance(value, dt.date) else str(value)
    return fields


def on(monkeypatch: pytest.MonkeyPatch, day: dt.date = AFTER) -> None:
    """Let the pages be of that day."""
    monkeypatch.setattr(reading, "today", lambda: day)


def signed(stage: Stage, answers: dict[str, Answer] | None = None) -> Version:
    """A draft, its review and its signature."""
    nurse, attester = stage.people["nurse"], stage.people["attester"]
    common = {"practice": stage.elm, "year": YEAR}
    take_step(Step.DRAFT, base=0, by=nurse, answers=answers or complete(), **common)
    take_step(Step.REVIEW, base=1, by=nurse, **common)
    signature = Signature("the text", "Managing partner", {"covered": []})
    return take_step(Step.SIGNED, base=2, by=attester, signature=signature, **common)
