"""Made-up participants, their quality and attestations, as inputs of scoring. Nobody in them exists.

Sizes and states follow the totals reported for CMS's preliminary list of February 2026; rates and costs are drawn from CMS's
published MIPS benchmarks. NPIs begin with 2999 and TINs with 000. Equal seeds give equal files.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openasm.base.files import written_whole
from openasm.base.identity import npi_check_digit
from openasm.base.parameters import Rules
from openasm.projection.published import cost_spread, rate_quantiles
from openasm.regulation.cost import cost_measure_of
from openasm.regulation.quality import collection_types_of, measures_of
from openasm.runs.scoring.inputs import ATTESTATION_COLUMNS, COST_COLUMNS, PARTICIPANT_COLUMNS, QUALITY_COLUMNS

STATES = {"TX": 1121, "CA": 644, "FL": 643, "GA": 349, "NJ": 298, "MI": 281, "VA": 270, "NY": 251, "PA": 240, "OH": 191}
TIN_SIZES = {1: 0.10, 3: 0.12, 8: 0.14, 25: 0.24, 70: 0.22, 180: 0.18}  # clinicians in the TIN: share of participants
VINTAGE = "newest"
FULL_YEAR = ("01-01", "12-31")
FIRST_PEER, FIRST_PEER_TIN = 30_000, 500_000  # beyond the numbers that made-up claims use

_GRID = np.linspace(0.0025, 0.9975, 400)  # where published quantiles are looked up

Cells = Sequence[object]
COLUMNS = {
    "participants": PARTICIPANT_COLUMNS,
    "quality": QUALITY_COLUMNS,
    "cost": COST_COLUMNS,
    "attestations": ATTESTATION_COLUMNS,
}


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up participant: who, where, and how many clinicians the practice has."""

    tin: str
    npi: str
    cohort: str
    name: str
    organization: str
    state: str
    clinicians_in_tin: int


def made_up_npi(number: int) -> str:
    """An NPI that belongs to nobody: 2999, five digits, check digit.

    >>> made_up_npi(1)
    '2999000013'
    """
    body = f"2999{number:05d}"
    return body + str(npi_check_digit(body))


class CohortMaker:
    """Collects rows of the four tables; draws everything from one generator, in one order."""

    def __init__(self, seed: int, rules: Rules) -> None:
        self.random = np.random.default_rng(seed)
        self.rules = rules
        self.rows: dict[str, list[Cells]] = {table: [] for table in COLUMNS}
        self._rates: dict[tuple[str, str], NDArray[np.float64]] = {}
        self._next_peer, self._next_tin = FIRST_PEER, FIRST_PEER_TIN

    def peers(self, cohort: str, count: int) -> list[Person]:
        """So many made-up people of a cohort: TIN sizes as in TIN_SIZES, about a third of a TIN's clinicians taking part."""
        states = self.random.choice(list(STATES), size=count, p=np.array(list(STATES.values())) / sum(STATES.values()))
        sizes = list(TIN_SIZES)
        chances = np.array(list(TIN_SIZES.values())) / sizes  # TINs are drawn, shares of participants are meant
        chances /= chances.sum()
        people: list[Person] = []
        while len(people) < count:
            clinicians = int(self.random.choice(sizes, p=chances))
            tin, name = f"000{self._next_tin:06d}", f"Demonstration Practice {self._next_tin}"
            self._next_tin += 1
            for _ in range(min(max(1, round(clinicians / 3)), count - len(people))):
                number = self._next_peer
                self._next_peer += 1
                state = str(states[len(people)])
                person = (tin, made_up_npi(number), cohort, f"Test Clinician {number}", name, state, clinicians)
                people.append(Person(*person))
        return people

    def add_participants(self, people: Sequence[Person]) -> None:
        """Their rows of participants: Part B payments, risk scores and dual-eligible shares."""
        size = len(people)
        paid = self.random.lognormal(12.2, 0.6, size)
        risk = self.random.normal(0, 0.25, size)
        dual = self.random.beta(2, 8, size)
        for place, each in enumerate(people):
            hcc = max(0.4, (1.5 if each.cohort == "heart_failure" else 1.1) + float(risk[place]))
            who = (each.tin, each.npi, each.cohort, each.name, each.organization, each.state, each.clinicians_in_tin)
            self.rows["participants"].append((*who, f"{paid[place]:.2f}", f"{hcc:.3f}", f"{dual[place]:.3f}"))

    def add_cost(self, people: Sequence[Person]) -> None:
        """Rows of cost, around the published median of the cohort."""
        for each in people:
            spread, _ = cost_spread(each.cohort, rules=self.rules, vintage=VINTAGE)
            episodes = int(self.random.geometric(1 / 45)) + 8
            score = max(100.0, spread.median + spread.standard_deviation * float(self.random.normal()))
            measure = cost_measure_of(each.cohort, self.rules)
            self.rows["cost"].append((each.tin, each.npi, measure, episodes, f"{score:.2f}"))

    def add_quality(self, people: Sequence[Person], *, without: frozenset[str] = frozenset()) -> None:
        """Rows of quality for the measures of each one's cohort. without: measures that come from elsewhere."""
        for each in people:
            standing = float(self.random.uniform())  # a clinician's general level, shared by the measures
            for measure in measures_of(each.cohort, self.rules):
                if measure not in without:
                    self._measure(each, measure, standing)

    def _measure(self, each: Person, measure: str, standing: float) -> None:
        types = collection_types_of(measure, self.rules)
        at = float(np.clip(0.6 * standing + 0.4 * self.random.uniform(), 0.005, 0.995))
        if types == ("claims",):
            rate = self._published_rate(measure, "claims", at)
            eligible = int(self.random.integers(24, 240))
            self.rows["quality"].append(
                (each.tin, each.npi, measure, "claims", eligible, "", "", "", "", f"{rate:.2f}")
            )
            return
        if self.random.uniform() < 0.05:
            return  # not submitted
        collection = types[0] if len(types) == 1 or self.random.uniform() < 0.7 else types[1]
        rate = self._published_rate(measure, collection, at)
        complete = self.random.uniform() >= 0.07
        share = 0.78 + 0.22 * self.random.uniform() if complete else 0.6 + 0.14 * self.random.uniform()
        eligible = int(self.random.lognormal(4.6, 0.7)) + 5
        reported = max(1, round(eligible * share))
        excluded = int(self.random.binomial(reported, 0.04))
        met = int(self.random.binomial(reported - excluded, min(1.0, max(0.0, rate))))
        counts = (eligible, met, reported - excluded - met, excluded, 0)
        self.rows["quality"].append((each.tin, each.npi, measure, collection, *counts, ""))

    def _published_rate(self, measure: str, collection: str, at: float) -> float:
        if (measure, collection) not in self._rates:
            rates, _ = rate_quantiles(measure, collection, _GRID, rules=self.rules, vintage=VINTAGE)
            self._rates[measure, collection] = rates
        return float(np.interp(at, _GRID, self._rates[measure, collection]))

    def add_attestations(self, tins: Sequence[str]) -> None:
        """Each TIN's activities and interoperability, most of them whole."""
        for tin in tins:
            drawn = self.random.uniform(size=3)
            activities = {
                name: FULL_YEAR
                for name, chance, low in zip(("IA_1", "IA_2"), drawn[:2], (0.1, 0.25), strict=True)
                if chance > low
            }
            electronic = "good" if drawn[2] < 0.8 else "partial" if drawn[2] < 0.92 else "none"
            self.attest(tin, activities=activities, electronic=electronic)

    def attest(self, tin: str, *, activities: Mapping[str, tuple[str, str]], electronic: str) -> None:
        """One TIN's attestations. activities: first and last day of each, as month and day; electronic: `good`, `partial`, `none`."""
        year, rows = self.rules.year, self.rows["attestations"]
        for name, (start, end) in activities.items():
            rows.append((tin, name, "yes", "", "", f"{year}-{start}", f"{year}-{end}"))
        if electronic == "none":
            return
        share = 0.96 if electronic == "good" else 0.55
        rows.append((tin, "CEHRT", "yes", "", "", f"{year}-01-01", f"{year}-12-31"))
        for item in ("PI_EP_1", "PI_PEA_1"):
            denominator = int(self.random.integers(120, 900))
            rows.append((tin, item, "yes", int(denominator * share), denominator, "", ""))
        answers = {"PI_EP_2": "yes", "PI_HIE_5": "yes", "PI_PHCDRR_1": "yes", "PI_PHCDRR_3": "excluded"}
        answers |= dict.fromkeys(("PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1"), "yes")
        rows += [(tin, item, answer, "", "", "", "") for item, answer in answers.items()]

    def write(self, folder: Path, tables: Mapping[str, str]) -> None:
        """Write tables under file names (`{"participants": "own.csv"}`) and forget their rows."""
        for table, name in tables.items():
            with written_whole(folder / name) as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow([column.name for column in COLUMNS[table]])
                writer.writerows(self.rows[table])
            self.rows[table] = []
