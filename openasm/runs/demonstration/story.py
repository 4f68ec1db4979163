"""What a run shows that somebody should act on, in plain words with the place where each is seen. Nothing in it names a patient.

for line in story_of(Path("run"), tins=("000000002",), within_days=31):
    print(line.text, line.where)
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from openasm.archive.projection import has_projection, read_projection
from openasm.archive.run import Run, read_run
from openasm.archive.tables import read_csv
from openasm.base.money import dollars_text

_COHORTS = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One finding. title: in two or three words; text: a sentence or two; where: file of the run; command: what to type to see more."""

    title: str
    text: str
    where: str
    command: str = ""


def story_of(path: Path, *, tins: Sequence[str], within_days: int, shown_as: str = "") -> list[StoryLine]:
    """The findings of a run about some practices, as far as the run holds them. shown_as: how commands name the run."""
    run = read_run(path)
    name = shown_as or path.name
    finders = (
        _just_under(run, tins, name),
        _closing_gaps(run, within_days),
        _expensive(run, tins),
        _not_attested(run, tins, name),
        _data_problem(run, tins),
    )
    return [line for found in finders for line in found]


def _just_under(run: Run, tins: Sequence[str], name: str) -> Iterator[StoryLine]:
    """The clinician nearest below the case minimum of the cost measure."""
    least = int(run.parameter("cost.case_minimum").value)
    people = {(row["tin"], row["npi"], row["cohort"]): row for row in run.table("inputs/participants").rows()}
    near = []
    for row in run.table("measure_scores").rows():
        if row["tin"] in tins and row["finding"] == "too_few_episodes" and row["eligible"]:
            person = people[row["tin"], row["npi"], row["cohort"]]
            near.append((int(row["eligible"]), row["tin"], row["npi"], row["cohort"], person["name"]))
    if near:
        episodes, tin, npi, cohort, who = max(near)
        yield StoryLine(
            "Just under the minimum",
            f"{who} holds {episodes} {_COHORTS[cohort]} episodes; {least} are needed for a cost score, so only quality counts so far. "
            f"{least - episodes} more before the year ends would change that.",
            "scores/measure_scores.csv, scores/cost.csv",
            f"openasm explain {name} --tin {tin} --npi {npi}",
        )


def _closing_gaps(run: Run, within_days: int) -> Iterator[StoryLine]:
    """Open gaps whose last day is near, and the measure where they are worth most."""
    path = run.path / "patients" / "worklist.csv"
    if not path.is_file():
        return
    count: Counter[str] = Counter()
    dollars: dict[str, float] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["window"] == "open" and row["days_left"] and int(row["days_left"]) <= within_days:
                count[row["measure"]] += 1
                if row["dollars"]:
                    dollars[row["measure"]] = max(dollars.get(row["measure"], 0.0), float(row["dollars"]))
    if not count:
        return
    best = max(dollars, key=lambda measure: (dollars[measure], measure), default="")
    worth = f"; worth most is {best}, up to {_dollars(dollars[best])} a patient" if best and dollars[best] >= 1 else ""
    yield StoryLine(
        "Gaps that close soon",
        f"{sum(count.values()):,} open gaps in care can be closed for {within_days} more days at most{worth}.",
        "patients/worklist.csv (confidential), scores/gap_worth.csv",
    )


def _expensive(run: Run, tins: Sequence[str]) -> Iterator[StoryLine]:
    """The service category on which a practice spends most above its peers."""
    path = run.path / "scores" / "cost_categories.csv"
    if not path.is_file():
        return
    above = [
        (float(row["dollars_a_year"]) - float(row["peers_dollars_a_year"]), row)
        for row in read_csv(path).rows()
        if row["tin"] in tins and not row["npi"] and row["peers_dollars_a_year"] and int(row["episodes"]) >= 20
    ]
    if above:
        more, row = max(above, key=lambda each: (each[0], each[1]["tin"], each[1]["category"]))
        if more > 0:
            yield StoryLine(
                "An expensive pathway",
                f"{row['category']} costs {_dollars(float(row['dollars_a_year']))} a year of care in the {row['episodes']} "
                f"{_COHORTS[row['cohort']]} episodes of TIN {row['tin']}; its peers need {_dollars(float(row['peers_dollars_a_year']))}.",
                "scores/cost_categories.csv; patients/costliest.parquet and timeline.parquet (confidential)",
            )


def _not_attested(run: Run, tins: Sequence[str], name: str) -> Iterator[StoryLine]:
    """Improvement activities that a practice did not attest, and what attesting would bring."""
    missing = [
        row
        for row in run.table("practice_items").rows()
        if row["tin"] in tins and row["kind"] == "activity" and row["met"] == "no"
    ]
    if not missing:
        return
    tin = missing[0]["tin"]
    items = ", ".join(row["item"] for row in missing if row["tin"] == tin)
    worth = 0.0
    if has_projection(run.path):
        worth = sum(
            lever.dollars
            for each in read_projection(run.path).participants
            if each.tin == tin
            for lever in each.levers
            if lever.key == "improvement"
        )
    gain = f" Attesting it would bring its participants about {_dollars(worth)} a year." if worth >= 1 else ""
    yield StoryLine(
        "A missing attestation",
        f"TIN {tin} has not attested {items}.{gain}",
        "scores/practice_items.csv",
        f"openasm report {name} --tin {tin}",
    )


def _data_problem(run: Run, tins: Sequence[str]) -> Iterator[StoryLine]:
    """Claims that stop naming clinicians; else the first problem about a file the practice made."""
    path = run.path / "scores" / "data_problems.csv"
    rows = list(read_csv(path).rows()) if path.is_file() else []
    stops = [row for row in rows if row["code"] == "N025" and any(tin in row["found"] for tin in tins)]
    if stops:
        yield StoryLine(
            "A data problem",
            f"{stops[0]['code']}: {stops[0]['title']}: {stops[0]['found']}. The practice keeps its episodes, its clinicians lose theirs.",
            "scores/data_problems.csv, scores/claims_by_practice.csv",
        )


def _dollars(amount: float) -> str:
    return dollars_text(amount, cents=False)
