"""Made-up input folders of `openasm score`, meant to find the places where two implementations may part.

Hypothesis draws the shape of a folder (a `Plan`, small enough to be printed and shrunk); `folder_of` fills it in from a seed.
Rates stand exactly on decile edges and on the .05 boundaries of partial points, costs exactly on M + kS with a rational S,
completeness exactly on 0.75, counts on 19 and 20, periods on 89, 90, 91 and 179, 180, 181 days.
"""

from __future__ import annotations

import csv
import random
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path

from hypothesis import strategies as st

from openasm.base.identity import npi_check_digit
from tests.oracle.cohort_attestations import attestations, attestations_to_zero
from tests.oracle.cohort_pools import Counts, cost_pool, quality_pool, spread_pool

Row = dict[str, str]

MEASURES = {"heart_failure": ("492", "008", "005", "236", "377"), "low_back_pain": ("238", "134", "128", "220")}
COLUMNS = {
    "participants": "tin npi cohort name organization state clinicians_in_tin part_b_paid hcc_mean dual_share",
    "quality": "tin npi measure collection_type eligible met not_met exclusions exceptions rate",
    "cost": "tin npi measure episodes score",
    "attestations": "tin item answer numerator denominator start end",
}
POOL_SIZES = (0, 1, 2, 7, 19, 20, 21, 21, 22, 25, 31, 41)
RATE_SHAPES = ("equal", "ties", "edges", "tenths", "halves", "near", "any")
COST_SHAPES = ("absent", "equal", "equal_odd", "edges", "ties", "any")
SPREAD_SHAPES = ("empty", "equal", "equal_odd", "ties", "any", "some_empty", "at_median")
PAID_SHAPES = ("zero", "cents", "some_zero", "one_large")
ATTESTING_SHAPES = ("none", "complete", "periods", "proportions", "any", "to_zero")
SUBMITTING_SHAPES = ("full", "gaps", "one_measure", "claims_only", "incomplete", "nothing", "both_types")


@dataclass(frozen=True)
class Plan:
    """The shape of one folder."""

    heart_failure: int
    low_back_pain: int
    practices: str  # how participants are spread over TINs
    rates: str
    costs: str
    spread: str
    paid: str
    attesting: str
    submitting: str
    shared_clinicians: bool
    seed: int


@dataclass
class Folder:
    """The rows of an input folder, as text."""

    participants: list[Row] = field(default_factory=list)
    quality: list[Row] = field(default_factory=list)
    cost: list[Row] = field(default_factory=list)
    attestations: list[Row] = field(default_factory=list)

    def rows(self) -> dict[str, list[Row]]:
        return {name: getattr(self, name) for name in COLUMNS}

    def write(self, target: Path) -> None:
        """As CSV files, columns in the documented order."""
        target.mkdir(parents=True, exist_ok=True)
        for name, rows in self.rows().items():
            with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS[name].split())
                writer.writeheader()
                writer.writerows(rows)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    heart_failure = draw(st.sampled_from(POOL_SIZES))
    # a list without anyone is refused, so one cohort at least has members
    low_back_pain = draw(st.sampled_from(POOL_SIZES if heart_failure else POOL_SIZES[1:]))
    return Plan(
        heart_failure=heart_failure,
        low_back_pain=low_back_pain,
        practices=draw(st.sampled_from(["solo", "small", "one", "mixed"])),
        rates=draw(st.sampled_from(RATE_SHAPES)),
        costs=draw(st.sampled_from(COST_SHAPES)),
        spread=draw(st.sampled_from(SPREAD_SHAPES)),
        paid=draw(st.sampled_from(PAID_SHAPES)),
        attesting=draw(st.sampled_from(ATTESTING_SHAPES)),
        submitting=draw(st.sampled_from(SUBMITTING_SHAPES)),
        shared_clinicians=draw(st.booleans()),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def folder_of(plan: Plan) -> Folder:
    """The rows of a plan; the same plan gives the same rows."""
    chance = random.Random(repr(asdict(plan)))
    folder = Folder()
    _participants(plan, chance, folder)
    for cohort, measures in MEASURES.items():
        members = [row for row in folder.participants if row["cohort"] == cohort]
        for measure in measures:
            _quality(plan, chance, folder, members, measure)
        _cost(plan, chance, folder, members, "COST_HF_1" if cohort == "heart_failure" else "COST_LBP_1")
    if plan.attesting == "to_zero":
        folder.attestations = attestations_to_zero(folder.rows())
    else:
        for tin in sorted({row["tin"] for row in folder.participants}):
            folder.attestations.extend(attestations(plan.attesting, chance, tin))
    for rows in folder.rows().values():
        chance.shuffle(rows)
    return folder


def npi_of(number: int) -> str:
    first_nine = f"{100_000_000 + number:09d}"
    return first_nine + str(npi_check_digit(first_nine))


# --- participants ------------------------------------------------------------------------------------------------------


def _participants(plan: Plan, chance: random.Random, folder: Folder) -> None:
    clinicians: dict[str, int] = {}
    keys: set[tuple[str, str, str]] = set()
    number = 0
    for cohort, size in (("heart_failure", plan.heart_failure), ("low_back_pain", plan.low_back_pain)):
        hcc = spread_pool(plan.spread, size, chance, largest=Fraction(4))
        dual = spread_pool(plan.spread, size, chance, largest=Fraction(1))
        for place in range(size):
            number += 1
            while True:
                tin = _tin(plan, chance, number)
                shared = plan.shared_clinicians and chance.random() < 0.3
                npi = npi_of(chance.randrange(6) if shared else 1000 + number)
                if (tin, npi, cohort) not in keys:
                    break
                number += 1
            keys.add((tin, npi, cohort))
            clinicians.setdefault(tin, _clinicians(plan, chance))
            folder.participants.append(
                {
                    "tin": tin,
                    "npi": npi,
                    "cohort": cohort,
                    "name": f"Test Clinician {number}",
                    "organization": "Test Practice",
                    "state": "ZZ",
                    "clinicians_in_tin": str(clinicians[tin]),
                    "part_b_paid": _paid(plan, chance, place),
                    "hcc_mean": hcc[place],
                    "dual_share": dual[place],
                }
            )


def _tin(plan: Plan, chance: random.Random, number: int) -> str:
    if plan.practices == "solo":
        return f"{number:09d}"
    if plan.practices == "one":
        return "990000001"
    if plan.practices == "small":
        return f"{chance.randrange(12):09d}"
    return f"{chance.choice([0, 0, 1, 2, chance.randrange(40)]):09d}"


def _clinicians(plan: Plan, chance: random.Random) -> int:
    if plan.practices == "solo":
        return chance.choice([1, 1, 2])
    if plan.practices == "small":
        return chance.choice([1, 2, 14, 15])
    return chance.choice([1, 2, 15, 16, 16, 400])


def _paid(plan: Plan, chance: random.Random, place: int) -> str:
    cents = chance.choice([chance.randrange(1, 100_000_000), 10_000_000])
    if plan.paid == "zero" or (plan.paid == "some_zero" and chance.random() < 0.7):
        return chance.choice(["0", "0.00"])
    if plan.paid == "one_large":
        return "250000000000.00" if place == 0 else "0.01"
    return f"{cents // 100}.{cents % 100:02d}"


# --- quality -----------------------------------------------------------------------------------------------------------


def _quality(plan: Plan, chance: random.Random, folder: Folder, members: list[Row], measure: str) -> None:
    if not members or not _submits(plan, chance, measure):
        return
    types = {"492": ["claims"], "377": ["ecqm"], "220": ["cqm"]}.get(measure, ["ecqm", "cqm"])
    if plan.submitting != "both_types" and chance.random() < 0.7:
        types = types[:1]
    for collection_type in types:
        shape = plan.rates if chance.random() < 0.8 else chance.choice(RATE_SHAPES)
        pool = quality_pool(shape, len(members), chance)
        for participant, counts in zip(members, pool, strict=True):
            if plan.submitting == "gaps" and chance.random() < 0.25:
                continue
            folder.quality.append(_quality_row(plan, chance, participant, measure, collection_type, counts))
        small = sorted({row["tin"] for row in members if int(row["clinicians_in_tin"]) <= 15})
        for tin in small:
            if chance.random() < 0.3:
                practice = {"tin": tin, "npi": ""}
                counts = chance.choice(quality_pool(shape, max(1, len(members)), chance))
                folder.quality.append(_quality_row(plan, chance, practice, measure, collection_type, counts))


def _submits(plan: Plan, chance: random.Random, measure: str) -> bool:
    if plan.submitting == "nothing":
        return False
    if plan.submitting == "one_measure":
        return measure in ("236", "134")
    if plan.submitting == "claims_only":
        return measure == "492"
    return True


def _quality_row(
    plan: Plan, chance: random.Random, who: Row, measure: str, collection_type: str, counts: Counts
) -> Row:
    row = {"tin": who["tin"], "npi": who["npi"], "measure": measure, "collection_type": collection_type}
    if collection_type == "claims":
        eligible = chance.choice([0, 19, 20, 20, 21, 300, 300])
        scale = Fraction(counts.met * 100, counts.met + counts.not_met)
        rate = f"{float(scale):.{chance.choice([0, 1, 4])}f}"
        row |= {"eligible": str(eligible), "rate": rate if eligible or chance.random() < 0.5 else ""}
        nothing = chance.choice(["", "0"])
        # counts beside a claims rate are allowed and mean nothing: neither completeness nor a minimum submission
        met, not_met = (str(eligible), "0") if chance.random() < 0.3 else (nothing, nothing)
        return row | {"met": met, "not_met": not_met, "exclusions": nothing, "exceptions": nothing}
    met, not_met, exclusions, exceptions = counts.met, counts.not_met, 0, 0
    kind = chance.random()
    if kind < 0.06:  # one case short of the minimum, or just there
        met = chance.randrange(0, 20)
        not_met = chance.choice([19, 20]) - met
    if kind > 0.97:
        met = not_met = 0
    if chance.random() < 0.3:
        exclusions, exceptions = chance.randrange(0, 30), chance.randrange(0, 5)
    reported = met + not_met + exclusions + exceptions
    eligible = reported
    how = chance.random() * (0.6 if plan.submitting == "incomplete" else 1.0)
    if how < 0.3:  # completeness of exactly 0.75
        exclusions += -reported % 3
        reported += -reported % 3
        eligible = reported * 4 // 3
    elif how < 0.4:  # the next below
        eligible = reported * 4 // 3 + 1
    elif how < 0.5:
        eligible = reported + chance.randrange(0, reported + 1)
    if reported == 0 and chance.random() < 0.3:
        eligible = chance.choice([0, 40])
    return row | {
        "eligible": str(eligible),
        "met": str(met),
        "not_met": str(not_met),
        "exclusions": str(exclusions),
        "exceptions": str(exceptions),
        "rate": "",
    }


# --- cost --------------------------------------------------------------------------------------------------------------


def _cost(plan: Plan, chance: random.Random, folder: Folder, members: list[Row], measure: str) -> None:
    if plan.costs == "absent" or not members:
        return
    few = chance.random() < 0.5  # otherwise all of the designed pool counts, so that its M and S hold
    for participant, dollars in zip(members, cost_pool(plan.costs, len(members), chance), strict=True):
        episodes = chance.choice([0, 19, 20, 21, 250, 250]) if few else chance.choice([20, 21, 250])
        if few and chance.random() < 0.1:
            continue
        row = {"tin": participant["tin"], "npi": participant["npi"], "measure": measure, "episodes": str(episodes)}
        folder.cost.append(row | {"score": dollars if episodes or chance.random() < 0.5 else ""})
