"""Runs of `openasm score` for pages that need what a whole run brings: rule values, inputs, cohort, explanations."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

from openasm.app.access.permissions import Role
from openasm.app.people.models import Membership, Practice, User
from openasm.app.published.publish import publish_run
from openasm.runs.scoring.run import score_folder
from tests.app.conftest import make_person
from tests.builders.score_folders import Rows, cohort_rows, tin, write_folder

MARCH = dt.datetime(2028, 3, 1, tzinfo=dt.UTC)
JUNE = dt.datetime(2028, 6, 1, tzinfo=dt.UTC)


def score_two(folder: Path) -> tuple[Path, Path]:
    """Two runs of the same forty people: other rates, costs and payments, and one of them gone."""
    for name, now in (("march", MARCH), ("june", JUNE)):
        rows = cohort_rows(40, seed=1)
        if name == "june":
            _moved(rows)
        score_folder(write_folder(folder / f"{name}-inputs", rows), folder / name, year=2027, now=now, report=False)
    return folder / "march", folder / "june"


def _moved(rows: Rows) -> None:
    """Another state of the same people; the last one whose practice has others is gone."""
    draw = random.Random(7)
    shared = [
        row for row in rows["participants"] if [each["tin"] for each in rows["participants"]].count(row["tin"]) > 1
    ]
    gone = shared[-1]
    for name in ("participants", "quality", "cost"):
        rows[name] = [row for row in rows[name] if (row["tin"], row.get("npi")) != (gone["tin"], gone["npi"])]
    for row in rows["participants"]:
        row["part_b_paid"] = round(float(str(row["part_b_paid"])) * draw.choice((1.0, 1.0, 0.93, 1.1)), 2)
    for row in rows["cost"]:
        if row["score"] not in ("", None):
            row["score"] = round(float(str(row["score"])) * draw.uniform(0.9, 1.1), 2)
    for row in rows["quality"]:
        if row["collection_type"] == "claims":
            continue
        met, not_met = int(str(row["met"])), int(str(row["not_met"]))
        row["met"] = draw.randint(met // 2, met + not_met)
        row["not_met"] = met + not_met - int(str(row["met"]))


def publish_all(*runs: Path) -> Practice:
    """Publish runs in order; returns the practice of the first TIN."""
    for run in runs:
        publish_run(run, by=None)
    return Practice.objects.get(tin=tin(1))


def reader_of(practice: Practice, name: str = "reader", role: Role = Role.VIEWER, npi: str = "") -> User:
    """Somebody with a part in a practice."""
    user = make_person(name)
    Membership.objects.create(user=user, practice=practice, role=role.value, npi=npi)
    return user
