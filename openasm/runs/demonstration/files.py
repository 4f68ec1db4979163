"""The demonstration's files: a made-up group's claims, records, roster, list and attestations, its peers, and the configuration.

    DIR/practice.toml     the configuration that `openasm run` reads
    DIR/claims/           CLAIMS tables of the region the group works in
    DIR/records/          the group's EHR records; DIR/value-sets/: made-up value sets
    DIR/list.csv          a made-up participant list in CMS's columns
    DIR/roster.csv, own-participants.csv, attestations.csv
    DIR/peers/            the rest of both cohorts

The group's story is planned by the generator of claims (who has 19 episodes, who uses more, whose claims stop naming clinicians) and
here (an improvement activity that one practice did not attest). What is told of it at the end is read from the run.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.base.files import written_whole
from openasm.base.parameters import Rules
from openasm.episodes.specifications.construction import COHORTS, story_workbook
from openasm.quality.demonstration import write_demo_patients, write_demo_value_sets
from openasm.quality.specification import measure_ids, specification_for
from openasm.runs.cost.synthesis import synthetic_region
from openasm.runs.demonstration.cohort import FULL_YEAR, CohortMaker, Person

GROUP_NAME = "Demonstration Heart and Spine Group"
YEAR = 2027
AS_OF = "2027-12-01"


@dataclass(frozen=True, slots=True)
class DemoSize:
    """How large a demonstration is. region: participants whose claims are made up; group: clinicians of the group; patients: its EHR
    records; heart_failure, low_back_pain: participants of the cohorts in all, 0 for those of the region alone.
    """

    region: int
    group: int
    patients: int
    heart_failure: int
    low_back_pain: int
    draws: int


SIZES: Mapping[str, DemoSize] = {
    "small": DemoSize(24, 12, 240, 160, 220, 100),
    "practice": DemoSize(80, 40, 1500, 2610, 4027, 1000),
    "model": DemoSize(6637, 40, 1500, 0, 0, 1000),
}


@dataclass(frozen=True, slots=True)
class Group:
    """The group. tins: its practices; people: its participants; roster: everybody in it, as (TIN, NPI)."""

    tins: tuple[str, ...]
    people: tuple[Person, ...]
    clinicians: int


def write_demo_files(folder: Path, *, size: DemoSize, seed: int, rules: Rules, jobs: int = 0) -> Group:
    """Write everything but the run. folder: empty; jobs: processes for the claims, 0 for one a processor."""
    region = folder / "region"
    (folder / "codes").mkdir()
    workbooks = {cohort: folder / "codes" / f"{cohort}.xlsx" for cohort in COHORTS}
    for cohort, workbook in workbooks.items():
        shutil.copyfile(story_workbook(cohort), workbook)
    manifest, _ = synthetic_region(
        seed,
        region,
        participants=size.region,
        workbooks=workbooks,
        processes=jobs or len(os.sched_getaffinity(0)),
    )
    clinicians = _rows(region / "clinicians.csv")
    listed = {row["NPI"]: row for row in _rows(region / "participants.csv")}
    tins = _group_tins(clinicians, manifest["stories"], size.group)
    everybody = [_person(row, listed) for row in clinicians if row["cohort"]]
    own = [each for each in everybody if each.tin in tins]
    _write_roster(folder / "roster.csv", [row for row in clinicians if row["tin"] in tins], listed)
    maker = CohortMaker(seed, rules)
    maker.add_participants(own)
    _attest(maker, tins, manifest["stories"]["costly_practice"])
    maker.write(folder, {"participants": "own-participants.csv", "attestations": "attestations.csv"})
    maker.add_quality(own, without=frozenset(specification_for(each, YEAR).quality_id for each in measure_ids()))
    others = _others(maker, size, everybody, own)
    maker.add_participants(others)
    maker.add_quality(others)
    if size.heart_failure:
        maker.add_cost(others)  # otherwise the claims hold everybody's
    maker.add_attestations(sorted({each.tin for each in others}))
    maker.write(folder / "peers", {name: f"{name}.csv" for name in ("participants", "quality", "cost", "attestations")})
    write_demo_value_sets(folder / "value-sets")
    performers = list(dict.fromkeys(each.npi for each in own))
    write_demo_patients(folder / "records", seed, size.patients, YEAR, performers=performers)
    shutil.move(region / "tables", folder / "claims")
    shutil.move(region / "participants.csv", folder / "list.csv")
    shutil.rmtree(region)
    with written_whole(folder / "practice.toml") as stream:
        stream.write(_configuration(size))
    return Group(tuple(sorted(tins)), tuple(own), sum(row["tin"] in tins for row in clinicians))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _group_tins(clinicians: Sequence[Mapping[str, str]], stories: Mapping[str, Any], most: int) -> set[str]:
    """The practices of the stories, and the largest others with which the group still has at most so many clinicians."""
    sizes: dict[str, int] = defaultdict(int)
    for row in clinicians:
        sizes[row["tin"]] += 1
    nineteen = [
        each["tin"]
        for each in stories["case_minimum"]
        if each["cohort"] == "heart_failure"
        and each["episodes"] == min(one["episodes"] for one in stories["case_minimum"])
    ]
    wanted = [*nineteen, stories["costly_practice"], stories["practice_that_stops_naming_clinicians"]]
    chosen = set(wanted)
    for tin in sorted(sizes, key=lambda tin: (-sizes[tin], tin)):
        if tin not in chosen and sum(sizes[each] for each in chosen) + sizes[tin] <= most:
            chosen.add(tin)
    return chosen


def _person(row: Mapping[str, str], listed: Mapping[str, Mapping[str, str]]) -> Person:
    return Person(
        row["tin"],
        row["npi"],
        row["cohort"],
        row["name"],
        _organization(row["tin"]),
        listed[row["npi"]]["STATE"] if row["npi"] in listed else "",
        int(row["clinicians_in_tin"]),
    )


def _organization(tin: str) -> str:
    return f"TEST PRACTICE {int(tin)}"


def _others(maker: CohortMaker, size: DemoSize, everybody: Sequence[Person], own: Sequence[Person]) -> list[Person]:
    """The rest of both cohorts: made up, or those of the region."""
    if not size.heart_failure:
        known = set(own)
        return [each for each in everybody if each not in known]
    wanted = {"heart_failure": size.heart_failure, "low_back_pain": size.low_back_pain}
    return [
        each
        for cohort in COHORTS
        for each in maker.peers(cohort, wanted[cohort] - sum(one.cohort == cohort for one in own))
    ]


def _attest(maker: CohortMaker, tins: set[str], costly: str) -> None:
    """The group's attestations: whole, but one practice's second improvement activity is missing."""
    for tin in sorted(tins):
        activities = {"IA_1": FULL_YEAR} if tin == costly else {"IA_1": FULL_YEAR, "IA_2": FULL_YEAR}
        maker.attest(tin, activities=activities, electronic="good")


def _write_roster(path: Path, rows: Sequence[Mapping[str, str]], listed: Mapping[str, Mapping[str, str]]) -> None:
    with written_whole(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("tin", "npi", "name", "organization", "system", "sites", "cohort", "clinicians_in_tin"))
        for row in rows:
            who = (row["tin"], row["npi"], row["name"], _organization(row["tin"]), GROUP_NAME, row["zip"])
            writer.writerow((*who, row["cohort"] if row["npi"] in listed else "", row["clinicians_in_tin"]))


def _configuration(size: DemoSize) -> str:
    computed_for = "" if size.heart_failure else 'computed_for = "everybody"\n'
    claims = "tables" if size.heart_failure else "loaded"
    return f"""# The demonstration's configuration: made-up data, as everything it names. docs/reference/run-config.md explains the keys.
[run]
year = {YEAR}
name = "{GROUP_NAME}"

[claims]
format = "{claims}"
sources = ["claims"]
hold = "all"

[records]
source = "records"
value_sets = "value-sets"
as_of = {AS_OF}

[participants]
list = "list.csv"
roster = "roster.csv"

[attestations]
file = "attestations.csv"

[score_inputs]
peers = "peers"
participants = "own-participants.csv"
{computed_for}
[codes]
heart_failure = "codes/heart_failure.xlsx"
low_back_pain = "codes/low_back_pain.xlsx"

[projection]
draws = {size.draws}
"""
