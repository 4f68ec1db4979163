"""One block of beneficiaries, from the plan to the bill and the truth. Blocks know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openasm.claims.synthetic.bill import Bill, Ledger
from openasm.claims.synthetic.courses import Courses, join_courses, make_courses
from openasm.claims.synthetic.edges import Script, place_people, scripted_courses, scripts
from openasm.claims.synthetic.people import CONDITIONS, EXTRA, People, make_people
from openasm.claims.synthetic.practices import Practices, make_practices
from openasm.claims.synthetic.services import bill_background, bill_exclusions, bill_pathways, bill_visits
from openasm.claims.synthetic.settings import Ints, Region
from openasm.claims.synthetic.templates import HEADER, Catalogue, make_catalogue, usable_conditions
from openasm.claims.synthetic.truth import Truth, make_truth


@dataclass(frozen=True, slots=True)
class Ground:
    """What all blocks of a region share."""

    region: Region
    practices: Practices
    catalogue: Catalogue
    planned: tuple[Script, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block made: its people, courses, bill and truth."""

    number: int
    people: People
    courses: Courses
    bill: Bill
    truth: Truth


def make_ground(region: Region) -> Ground:
    """Practices, line templates and planned edges of a region."""
    practices = make_practices(region)
    return Ground(region, practices, make_catalogue(region.lists), tuple(scripts(region, practices)))


def make_block(ground: Ground, number: int) -> Block:
    """Make one block; equal region and number give an equal block, wherever and whenever."""
    region, practices, catalogue = ground.region, ground.practices, ground.catalogue
    people = make_people(region, number)
    planned = list(ground.planned) if number == 0 else []
    place_people(planned, region, people)
    courses = make_courses(region, practices, people, number, len(planned))
    if planned:
        courses = join_courses([scripted_courses(planned, region, practices), courses])
    ledger = Ledger(catalogue, practices, region.generator(4, number))
    bill_visits(ledger, catalogue, courses)
    billed = bill_exclusions(ledger, catalogue, courses)
    bill_pathways(ledger, region, practices, people, courses)
    bill_background(ledger, region, practices, people)
    bill = ledger.close()
    return Block(number, people, courses, bill, make_truth(region, people, courses, bill, catalogue, billed))


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """Header diagnoses of a block's claims: row of the claim's first line in the bill, position, number of the code."""

    row: Ints
    position: Ints
    code: Ints
    codes: tuple[str, ...]


def header_diagnoses(ground: Ground, block: Block) -> Diagnoses:
    """Each claim's header: what its first line's template brings, then some of the person's other conditions."""
    bill, templates = block.bill, ground.catalogue.templates
    codes = sorted({code for template in templates for code in template.header} | {code for code, _, _ in CONDITIONS})
    number = {code: place for place, code in enumerate(codes)}
    brought = np.full((len(templates), HEADER), -1, dtype=np.int64)
    for place, kind in enumerate(templates):
        for position, code in enumerate(kind.header):
            brought[place, position] = number[code]
    length = (brought >= 0).sum(axis=1)
    usable = np.array([*usable_conditions(ground.region.lists), False], dtype=bool)
    condition_code = np.array([*(number[code] for code, _, _ in CONDITIONS), -1], dtype=np.int64)
    first = np.flatnonzero(bill.line == 1)
    template = bill.template[first]
    has = length[template] > 0
    first, template = first[has], template[has]
    rows, positions, found = [], [], []
    for position in range(HEADER):
        chosen = brought[template, position] >= 0
        rows.append(first[chosen])
        positions.append(np.full(int(chosen.sum()), position + 1, dtype=np.int64))
        found.append(brought[template[chosen], position])
    after = length[template] + 1
    for place in range(EXTRA):
        condition = block.people.conditions[bill.beneficiary[first], place]
        chosen = (bill.extra[first] > place) & (condition >= 0) & usable[condition]
        rows.append(first[chosen])
        positions.append(after[chosen])
        found.append(condition_code[condition[chosen]])
        after = after + chosen
    row, place_on_claim, coded = np.concatenate(rows), np.concatenate(positions), np.concatenate(found)
    order = np.argsort(row * 64 + place_on_claim)
    return Diagnoses(row[order], place_on_claim[order], coded[order], tuple(codes))
