"""The region's practices: places, TINs, clinicians, sites and who bills for whom.

Everything here is made once from the seed, before any beneficiary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openasm.claims.synthetic import identifiers
from openasm.claims.synthetic.codelists import COHORTS
from openasm.claims.synthetic.settings import Ints, Reals, Region

COHORT_SPECIALTIES = (("06",), ("05", "09", "14", "20", "25", "72"))
"""Medicare specialty codes of the two cohorts (CMS's model page names the specialties)."""

OTHER_SPECIALTIES = (
    "11",
    "08",
    "50",
    "97",
    "65",
)  # internal and family medicine, nurse practitioner, assistant, therapist
SERVICE_SPECIALTIES = ("30", "69", "93", "59", "54")  # radiology, laboratory, emergency, ambulance, supplies

# County (July 2023 codes), one to three ZIP codes in it, share of the region's people. Real places, so that geography works.
PLACES: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("36055", ("14620", "14607", "14450"), 0.17),
    ("36029", ("14214", "14221"), 0.15),
    ("36067", ("13210", "13202"), 0.10),
    ("36001", ("12208", "12205"), 0.09),
    ("34029", ("08701", "08753"), 0.10),
    ("48201", ("77030", "77002"), 0.12),
    ("06037", ("90033", "90048"), 0.11),
    ("12086", ("33136", "33156"), 0.09),
    ("09110", ("06106", "06105"), 0.04),  # a Connecticut planning region, not a county of old
    ("11001", ("20010",), 0.03),
)
ABROAD = ("72127", "00921")
"""San Juan, Puerto Rico: outside the 50 states and DC."""

COSTLY_STYLE = 2.2
"""Appetite of the practice whose pathway is expensive, at least."""

EDGE_COUNTS = (19, 20, 21)
"""Episodes of the six clinicians kept for the case minimum of 20: one below, on it, one above, in each cohort."""


@dataclass(frozen=True, slots=True)
class Practices:
    """Columns by index. A *pair* is a clinician billing under a TIN; pairs of a TIN stand together.

    pair_tin, pair_npi: numbers for `identifiers`; pair_specialty: its usual specialty code; pair_second: the code on a part
    of its lines (the same, unless split); pair_cohort: 0, 1 or -1; tin_start, tin_size: the pairs of a TIN; tin_place;
    tin_sites (n, 3): ZIP numbers; tin_style: appetite for costly services; home_pairs[cohort][place]: pairs that take patients;
    edge_pairs[cohort][k]: the pair kept for `EDGE_COUNTS[k]` episodes; service_pairs: radiology, laboratory and so on;
    costly_tin: a heart failure practice that uses far more than others; faulty_tin: a low back pain practice whose claims
    stop naming clinicians in the middle of the last year.
    """

    pair_tin: Ints
    pair_npi: Ints
    pair_specialty: list[str]
    pair_second: list[str]
    pair_cohort: Ints
    tin_start: Ints
    tin_size: Ints
    tin_place: Ints
    tin_sites: Ints
    tin_style: Reals
    home_pairs: tuple[tuple[Ints, ...], tuple[Ints, ...]]
    edge_pairs: tuple[Ints, Ints]
    primary_pairs: Ints
    service_pairs: Ints
    costly_tin: int
    faulty_tin: int

    @property
    def tins(self) -> int:
        """Number of TINs."""
        return len(self.tin_start)

    def tin_texts(self) -> list[str]:
        """TIN of each TIN number."""
        return [identifiers.tin(number + 1) for number in range(self.tins)]

    def npi_texts(self) -> list[str]:
        """NPI of each clinician number."""
        return [identifiers.npi(number + 1) for number in range(int(self.pair_npi.max()) + 1)]


def zip_codes() -> list[str]:
    """Every ZIP code a service can be done in, by ZIP number."""
    return [code for _, codes, _ in PLACES for code in codes]


class _Builder:
    """Collects pairs and TINs while the practices are laid out."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.rng = region.generator(0)
        self.tin: list[int] = []
        self.npi: list[int] = []
        self.specialty: list[str] = []
        self.second: list[str] = []
        self.cohort: list[int] = []
        self.starts: list[int] = []
        self.places: list[int] = []
        self.npis = 0

    def open_tin(self, place: int) -> None:
        self.starts.append(len(self.tin))
        self.places.append(place)

    def add(self, specialty: str, cohort: int, *, npi: int | None = None, second: str | None = None) -> None:
        if npi is None:
            npi = self.npis
            self.npis += 1
        self.tin.append(len(self.starts) - 1)
        self.npi.append(npi)
        self.specialty.append(specialty)
        self.second.append(second or specialty)
        self.cohort.append(cohort)


def make_practices(region: Region) -> Practices:
    """Lay out the region's practices from its seed."""
    build = _Builder(region)
    rng, knobs = build.rng, region.realism
    weights = np.array([share for _, _, share in PLACES])
    weights /= weights.sum()
    # Participants: 39 in a hundred treat heart failure, as on CMS's preliminary list (2,610 of 6,637).
    wanted = [max(1, round(region.participants * 0.393)), 0]
    wanted[1] = max(1, region.participants - wanted[0])
    visiting: list[tuple[int, str, int, int]] = []
    for cohort, count in enumerate(wanted):
        made = 0
        while made < count:
            place = int(rng.choice(len(PLACES), p=weights))
            build.open_tin(place)
            solo = rng.random() < knobs.solo_practices
            size = 1 if solo else min(2 + int(rng.geometric(0.22)), 60, max(2, count // 2))
            for earlier in _visitors(visiting, cohort, place, rng, knobs.two_practices):
                build.add(earlier[1], cohort, npi=earlier[0])
            for _ in range(min(size, count - made)):
                code = str(rng.choice(COHORT_SPECIALTIES[cohort]))
                split = rng.random() < knobs.split_specialty
                visiting.append((build.npis, code, cohort, place))
                build.add(code, cohort, second="11" if split else None)
                made += 1
            for _ in range(0 if solo else int(rng.integers(0, 1 + size))):
                build.add(str(rng.choice(OTHER_SPECIALTIES)), -1)
    _sure_double_practice(build, visiting)
    primary_from = len(build.tin)
    for _ in range(max(3, region.participants // 2)):
        build.open_tin(int(rng.choice(len(PLACES), p=weights)))
        for _ in range(int(rng.integers(1, 6))):
            build.add(str(rng.choice(OTHER_SPECIALTIES[:4])), -1)
    primary_to = len(build.tin)
    for code in SERVICE_SPECIALTIES:
        build.open_tin(int(rng.choice(len(PLACES), p=weights)))
        for _ in range(3):
            build.add(code, -1)
    service_to = len(build.tin)
    edge = []
    for cohort in range(len(COHORTS)):
        first = len(build.tin)
        for _ in EDGE_COUNTS:
            build.open_tin(0)
            build.add(COHORT_SPECIALTIES[cohort][-1], cohort)
        edge.append(np.arange(first, len(build.tin)))
    return _finish(build, np.arange(primary_from, primary_to), np.arange(primary_to, service_to), (edge[0], edge[1]))


def _visitors(
    visiting: list[tuple[int, str, int, int]], cohort: int, place: int, rng: np.random.Generator, share: float
) -> list[tuple[int, str]]:
    """Clinicians of the cohort in the place who also bill under the TIN being opened."""
    near = [(number, code) for number, code, kind, where in visiting if kind == cohort and where == place]
    count = int(rng.binomial(min(len(near), 25), share))
    chosen = rng.permutation(len(near))[:count]
    return [near[int(index)] for index in chosen]


def _sure_double_practice(build: _Builder, visiting: list[tuple[int, str, int, int]]) -> None:
    """In every region, however small, the first clinician of each cohort also bills under a second TIN."""
    for cohort in range(len(COHORTS)):
        number, code, _, place = next(entry for entry in visiting if entry[2] == cohort)
        build.open_tin(place)
        build.add(code, cohort, npi=number)
        build.add(str(COHORT_SPECIALTIES[cohort][0]), cohort, second="11")


def _finish(build: _Builder, primary: Ints, service: Ints, edge: tuple[Ints, Ints]) -> Practices:
    rng, knobs = build.rng, build.region.realism
    pair_tin = np.array(build.tin, dtype=np.int64)
    cohort = np.array(build.cohort, dtype=np.int64)
    starts = np.array(build.starts, dtype=np.int64)
    places = np.array(build.places, dtype=np.int64)
    first_zip = np.cumsum([0] + [len(codes) for _, codes, _ in PLACES])
    sites = np.empty((len(starts), 3), dtype=np.int64)
    for index, place in enumerate(places):
        sites[index] = first_zip[place] + rng.integers(0, len(PLACES[place][1]), 3)
    kept = np.zeros(len(pair_tin), dtype=bool)
    kept[edge[0]] = kept[edge[1]] = True
    home = []
    for number in range(len(COHORTS)):
        anywhere = np.flatnonzero((cohort == number) & ~kept)
        near = [
            np.flatnonzero((cohort == number) & ~kept & (places[pair_tin] == place)) for place in range(len(PLACES))
        ]
        home.append(tuple(found if len(found) else anywhere for found in near))
    style = np.exp(rng.normal(0.0, knobs.style_spread, len(starts)))
    size = np.diff(np.append(starts, len(pair_tin)))
    hearts, backs = (np.unique(pair_tin[np.unique(np.concatenate(pairs))]) for pairs in home)
    costly, faulty = int(hearts[np.argmax(style[hearts])]), int(backs[np.argmax(size[backs])])
    style[costly] = max(float(style[costly]), COSTLY_STYLE)
    return Practices(
        pair_tin=pair_tin,
        pair_npi=np.array(build.npi, dtype=np.int64),
        pair_specialty=build.specialty,
        pair_second=build.second,
        pair_cohort=cohort,
        tin_start=starts,
        tin_size=size,
        tin_place=places,
        tin_sites=sites,
        tin_style=style,
        home_pairs=(home[0], home[1]),
        edge_pairs=edge,
        primary_pairs=primary,
        service_pairs=service,
        costly_tin=costly,
        faulty_tin=faulty,
    )
