"""A made-up practice among made-up peers, as inputs of `openasm score`. Nobody in it exists.

Sizes and states follow the totals reported for CMS's preliminary list of February 2026; rates and costs are drawn from CMS's
published MIPS benchmarks. NPIs begin with 2999 and TINs with 000. Equal seeds give equal files.

The practice's story: a clinician one episode short of the case minimum, an expensive one, an improvement activity attested
for too short a time, a measure reported too incompletely.
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
from openasm.regulation.quality import collection_types_of, is_inverse, measures_of
from openasm.runs.score_inputs import ATTESTATION_COLUMNS, COST_COLUMNS, PARTICIPANT_COLUMNS, QUALITY_COLUMNS

PRACTICE_TIN = "000000077"
PRACTICE_NAME = "Demonstration Heart and Spine Group"
PRACTICE_CLINICIANS = 14
STATES = {"TX": 1121, "CA": 644, "FL": 643, "GA": 349, "NJ": 298, "MI": 281, "VA": 270, "NY": 251, "PA": 240, "OH": 191}
TIN_SIZES = {1: 0.10, 3: 0.12, 8: 0.14, 25: 0.24, 70: 0.22, 180: 0.18}  # clinicians in the TIN: share of participants
VINTAGE = "newest"
FULL_YEAR = ("01-01", "12-31")

_GRID = np.linspace(0.0025, 0.9975, 400)  # where published quantiles are looked up

Cells = Sequence[object]


@dataclass(frozen=True, slots=True)
class DemoSize:
    """How many made-up participants each cohort has, the practice's own included."""

    heart_failure: int
    low_back_pain: int


SIZES: Mapping[str, DemoSize] = {"small": DemoSize(160, 220), "practice": DemoSize(2610, 4027)}


@dataclass(frozen=True, slots=True)
class PracticeClinician:
    """One clinician of the practice: cost against the cohort's median, and episodes."""

    number: int
    cohort: str
    cost_ratio: float
    episodes: int
    part_b_paid: str
    hcc_mean: str
    dual_share: str


PRACTICE = (
    PracticeClinician(1, "heart_failure", 0.93, 64, "412300.00", "1.62", "0.19"),
    PracticeClinician(2, "heart_failure", 1.04, 51, "365120.50", "1.55", "0.24"),
    PracticeClinician(3, "heart_failure", 1.36, 38, "398450.00", "1.71", "0.31"),
    PracticeClinician(4, "heart_failure", 0.99, 19, "187640.25", "1.48", "0.15"),
    PracticeClinician(5, "heart_failure", 0.88, 27, "254900.00", "1.39", "0.12"),
    PracticeClinician(6, "low_back_pain", 0.91, 73, "301875.00", "1.08", "0.17"),
    PracticeClinician(7, "low_back_pain", 1.12, 45, "276340.75", "1.15", "0.22"),
    PracticeClinician(8, "low_back_pain", 1.02, 33, "198720.00", "0.97", "0.09"),
)


def made_up_npi(number: int) -> str:
    """An NPI that belongs to nobody: 2999, five digits, check digit.

    >>> made_up_npi(1)
    '2999000013'
    """
    body = f"2999{number:05d}"
    return body + str(npi_check_digit(body))


def write_demo_inputs(
    folder: Path, *, seed: int, size: DemoSize, rules: Rules, practice_quality: Sequence[Mapping[str, str]] = ()
) -> None:
    """Write participants, quality, cost and attestations (.csv) for a practice and its peers.

    practice_quality: the practice's own rows of quality.csv, as `openasm quality` computed them from its records.
    """
    maker = _Maker(np.random.default_rng(seed), rules)
    for cohort, count in (("heart_failure", size.heart_failure), ("low_back_pain", size.low_back_pain)):
        own = [each for each in PRACTICE if each.cohort == cohort]
        maker.add_practice(cohort, own)
        maker.add_peers(cohort, count - len(own))
    maker.quality += [[row.get(column.name, "") for column in QUALITY_COLUMNS] for row in practice_quality]
    maker.add_attestations()
    tables: Mapping[str, tuple[Sequence[str], list[Cells]]] = {
        "participants": ([column.name for column in PARTICIPANT_COLUMNS], maker.participants),
        "quality": ([column.name for column in QUALITY_COLUMNS], maker.quality),
        "cost": ([column.name for column in COST_COLUMNS], maker.cost),
        "attestations": ([column.name for column in ATTESTATION_COLUMNS], maker.attestations),
    }
    for name, (header, rows) in tables.items():
        with written_whole(folder / f"{name}.csv") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)


class _Maker:
    """Collects rows; draws everything from one generator, in one order."""

    def __init__(self, random: np.random.Generator, rules: Rules) -> None:
        self.random = random
        self.rules = rules
        self.participants: list[Cells] = []
        self.quality: list[Cells] = []
        self.cost: list[Cells] = []
        self.attestations: list[Cells] = []
        self._tins: dict[str, int] = {}
        self._rates: dict[tuple[str, str], NDArray[np.float64]] = {}
        self._next_npi = 100
        self._next_tin = 1000

    def add_practice(self, cohort: str, clinicians: Sequence[PracticeClinician]) -> None:
        """The practice's clinicians: cost rows, and the measures that do not come from its EHR."""
        spread, _ = cost_spread(cohort, rules=self.rules, vintage=VINTAGE)
        for each in clinicians:
            npi = made_up_npi(each.number)
            self.participants.append(
                (
                    PRACTICE_TIN,
                    npi,
                    cohort,
                    f"Test Clinician {each.number}",
                    PRACTICE_NAME,
                    "TX",
                    PRACTICE_CLINICIANS,
                    each.part_b_paid,
                    each.hcc_mean,
                    each.dual_share,
                )
            )
            self._cost_row(PRACTICE_TIN, npi, cohort, each.episodes, spread.median * each.cost_ratio)
            if cohort == "heart_failure":
                self._claims_row(PRACTICE_TIN, npi, 0.35 + 0.1 * each.number)
            else:
                self._counted_row(PRACTICE_TIN, npi, "220", "cqm", rate=0.74, eligible=48, share=0.69)

    def add_peers(self, cohort: str, count: int) -> None:
        """Everybody else of the cohort."""
        spread, _ = cost_spread(cohort, rules=self.rules, vintage=VINTAGE)
        tins = self._peer_tins(count)
        states = self.random.choice(list(STATES), size=count, p=np.array(list(STATES.values())) / sum(STATES.values()))
        paid = self.random.lognormal(12.2, 0.6, count)
        hcc = self.random.normal(1.5 if cohort == "heart_failure" else 1.1, 0.25, count).clip(0.4)
        dual = self.random.beta(2, 8, count)
        standing = self.random.uniform(size=count)  # a clinician's general level, shared by the measures
        cost_noise = self.random.normal(size=count)
        for place in range(count):
            tin = tins[place]
            npi = made_up_npi(self._next_npi)
            self.participants.append(
                (
                    tin,
                    npi,
                    cohort,
                    f"Test Clinician {self._next_npi}",
                    f"Demonstration Practice {int(tin)}",
                    states[place],
                    self._tins[tin],
                    f"{paid[place]:.2f}",
                    f"{hcc[place]:.3f}",
                    f"{dual[place]:.3f}",
                )
            )
            self._next_npi += 1
            episodes = int(self.random.geometric(1 / 45)) + 8
            self._cost_row(tin, npi, cohort, episodes, spread.median + spread.standard_deviation * cost_noise[place])
            self._peer_measures(tin, npi, cohort, float(standing[place]))

    def _peer_tins(self, count: int) -> list[str]:
        """A TIN for each peer: sizes as in TIN_SIZES, about a third of a TIN's clinicians taking part."""
        tins: list[str] = []
        sizes = list(TIN_SIZES)
        chances = np.array(list(TIN_SIZES.values())) / sizes  # TINs are drawn, shares of participants are meant
        chances /= chances.sum()
        while len(tins) < count:
            clinicians = int(self.random.choice(sizes, p=chances))
            taking_part = max(1, round(clinicians / 3))
            tin = f"000{self._next_tin:06d}"
            self._next_tin += 1
            self._tins[tin] = clinicians
            tins += [tin] * min(taking_part, count - len(tins))
        return tins

    def _peer_measures(self, tin: str, npi: str, cohort: str, standing: float) -> None:
        for measure in measures_of(cohort, self.rules):
            types = collection_types_of(measure, self.rules)
            at = float(np.clip(0.6 * standing + 0.4 * self.random.uniform(), 0.005, 0.995))
            if types == ("claims",):
                self._claims_row(tin, npi, at)
                continue
            if self.random.uniform() < 0.05:
                continue  # not submitted
            collection = types[0] if len(types) == 1 or self.random.uniform() < 0.7 else types[1]
            rate = self._published_rate(measure, collection, at)
            share = (
                0.6 + 0.14 * self.random.uniform()
                if self.random.uniform() < 0.07
                else 0.78 + 0.22 * self.random.uniform()
            )
            self._counted_row(
                tin, npi, measure, collection, rate=rate, eligible=int(self.random.lognormal(4.6, 0.7)) + 5, share=share
            )

    def _published_rate(self, measure: str, collection: str, at: float) -> float:
        if (measure, collection) not in self._rates:
            rates, _ = rate_quantiles(measure, collection, _GRID, rules=self.rules, vintage=VINTAGE)
            self._rates[measure, collection] = rates
        return float(np.interp(at, _GRID, self._rates[measure, collection]))

    def _counted_row(
        self, tin: str, npi: str, measure: str, collection: str, *, rate: float, eligible: int, share: float
    ) -> None:
        reported = max(1, round(eligible * share))
        excluded = int(self.random.binomial(reported, 0.04))
        counted = reported - excluded
        met = int(self.random.binomial(counted, min(1.0, max(0.0, rate))))
        self.quality.append((tin, npi, measure, collection, eligible, met, counted - met, excluded, 0, ""))

    def _claims_row(self, tin: str, npi: str, at: float) -> None:
        measure = next(each for each in measures_of("heart_failure", self.rules) if is_inverse(each, self.rules))
        rate = self._published_rate(measure, "claims", at)
        self.quality.append(
            (tin, npi, measure, "claims", int(self.random.integers(24, 240)), "", "", "", "", f"{rate:.2f}")
        )

    def _cost_row(self, tin: str, npi: str, cohort: str, episodes: int, score: float) -> None:
        self.cost.append((tin, npi, cost_measure_of(cohort, self.rules), episodes, f"{max(100.0, score):.2f}"))

    def add_attestations(self) -> None:
        """Each TIN's activities and interoperability; the practice's second activity falls short of 90 days."""
        self._attest(PRACTICE_TIN, activities={"IA_1": FULL_YEAR, "IA_2": ("10-15", "12-31")}, electronic="good")
        for tin in sorted(self._tins):
            drawn = self.random.uniform(size=3)
            activities = {
                name: FULL_YEAR
                for name, chance, low in zip(("IA_1", "IA_2"), drawn[:2], (0.1, 0.25), strict=True)
                if chance > low
            }
            self._attest(
                tin,
                activities=activities,
                electronic="good" if drawn[2] < 0.8 else "partial" if drawn[2] < 0.92 else "none",
            )

    def _attest(self, tin: str, *, activities: Mapping[str, tuple[str, str]], electronic: str) -> None:
        year = self.rules.year
        for name, (start, end) in activities.items():
            self.attestations.append((tin, name, "yes", "", "", f"{year}-{start}", f"{year}-{end}"))
        if electronic == "none":
            return
        share = 0.96 if electronic == "good" else 0.55
        self.attestations.append((tin, "CEHRT", "yes", "", "", f"{year}-01-01", f"{year}-12-31"))
        for item in ("PI_EP_1", "PI_PEA_1"):
            denominator = int(self.random.integers(120, 900))
            self.attestations.append((tin, item, "yes", int(denominator * share), denominator, "", ""))
        answers = {"PI_EP_2": "yes", "PI_HIE_5": "yes", "PI_PHCDRR_1": "yes", "PI_PHCDRR_3": "excluded"}
        answers |= dict.fromkeys(("PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1"), "yes")
        for item, answer in answers.items():
            self.attestations.append((tin, item, answer, "", "", "", ""))
