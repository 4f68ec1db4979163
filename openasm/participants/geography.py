"""Is a place in a mandatory area? County first; a ZIP code gives candidates with shares; never a "no" where the data cannot tell.

The unit of the model is the metropolitan division where a core-based statistical area (CBSA) has divisions, else the CBSA, as
delineated in July 2023 (OMB Bulletin 23-01). What counts is where services are given, not the billing address. Connecticut's
planning regions replaced its counties in that delineation; crosswalks that still hold the old counties cannot place its ZIPs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

CONNECTICUT = "09"
COMPLETE_AREA_COUNT = 235  # areas on CMS's list as reported; fewer means a part of the list


class Placed(StrEnum):
    """The answer for a place."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends on the site"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class County:
    """One county of the delineation. fips: five digits; unit: division where there is one, else CBSA."""

    fips: str
    name: str
    state: str
    cbsa: str
    cbsa_title: str
    division: str
    division_title: str
    metropolitan: bool

    @property
    def unit(self) -> str:
        """The model's unit of geography."""
        return self.division or self.cbsa

    @property
    def unit_title(self) -> str:
        """Its title."""
        return self.division_title or self.cbsa_title


@dataclass(frozen=True, slots=True)
class Candidate:
    """A county, or a part of one, that a place may lie in. share: of the ZIP (0-1) in the crosswalk's own measure."""

    fips: str
    county: str
    unit: str
    unit_title: str
    share: float
    placed: Placed
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a place: the answer, why, what to do about it, and every candidate (largest share first)."""

    place: str
    placed: Placed
    reason: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ZipPart:
    """A part of a ZIP code in one county, with its share of the ZIP."""

    zip: str
    fips: str
    share: float


class Geography:
    """Delineation, crosswalk and list of mandatory areas together.

    share_means: what a share is a share of (`land area`, `addresses`). areas: unit codes on the list; areas_complete: whether
    the list is whole (a part of it can say yes, never no).
    """

    def __init__(
        self,
        *,
        counties: Iterable[County],
        zips: Iterable[ZipPart] = (),
        areas: Iterable[str] = (),
        areas_complete: bool,
        share_means: str = "land area",
    ) -> None:
        self.counties: Mapping[str, County] = {county.fips: county for county in counties}
        self.areas = frozenset(areas)
        self.areas_complete = areas_complete
        self.share_means = share_means
        parts: dict[str, list[ZipPart]] = defaultdict(list)
        for part in zips:
            parts[part.zip].append(part)
        self._parts: Mapping[str, list[ZipPart]] = parts
        self._known_counties = set(self.counties) | {part.fips for rows in parts.values() for part in rows}
        self._units: dict[str, list[County]] = defaultdict(list)
        for county in self.counties.values():
            self._units[county.unit].append(county)

    def unit_of_zip(self, zip_code: str) -> str | None:
        """The one unit a ZIP lies in wholly, `""` for wholly outside any, None where it spans several or is unknown."""
        parts = self._parts.get(zip_code[:5])
        if not parts or any(self._legacy_connecticut(part.fips) for part in parts):
            return None
        units = {self.counties[part.fips].unit if part.fips in self.counties else "" for part in parts}
        return units.pop() if len(units) == 1 else None

    def county(self, fips: str) -> Answer:
        """The answer for a county (five digits)."""
        candidate = self._candidate(fips, 1.0)
        return Answer(f"county {fips}", candidate.placed, candidate.reason, (candidate,))

    def unit(self, code: str) -> Answer:
        """The answer for a CBSA or division code. A divided CBSA is answered by its divisions."""
        divisions = {county.division for county in self.counties.values() if county.cbsa == code and county.division}
        if divisions:
            return self._together(
                f"CBSA {code}",
                [self._candidate(county.fips, 1.0) for county in self.counties.values() if county.cbsa == code],
                "has metropolitan divisions, and the model selects divisions",
            )
        counties = self._units.get(code)
        if not counties:
            return Answer(f"area {code}", Placed.CANNOT_TELL, "No area of the July 2023 delineation has this code.", ())
        candidates = tuple(self._candidate(county.fips, 1.0) for county in counties)
        return Answer(f"area {code}", candidates[0].placed, candidates[0].reason, candidates)

    def zip(self, zip_code: str) -> Answer:
        """The answer for a ZIP code: all its parts agree, or it depends on the site, or the data cannot tell."""
        five = zip_code.strip()[:5]
        parts = self._parts.get(five)
        if not parts:
            return Answer(
                f"ZIP {five}",
                Placed.CANNOT_TELL,
                "The crosswalk does not hold this ZIP code (ZIPs of post-office boxes and single buildings often have no area "
                "of their own). Ask by the county of the site.",
                (),
            )
        return self._together(f"ZIP {five}", [self._candidate(part.fips, part.share) for part in parts], "spans them")

    def _together(self, place: str, candidates: list[Candidate], why: str) -> Answer:
        ordered = tuple(sorted(candidates, key=lambda each: (-each.share, each.fips)))
        answers = {each.placed for each in ordered}
        if len(answers) == 1:
            placed = answers.pop()
            units = {each.unit_title or "outside any area" for each in ordered}
            reason = (
                ordered[0].reason
                if len(units) == 1 or placed is Placed.CANNOT_TELL
                else f"The same for all {len(units)} areas it touches."
            )
            return Answer(place, placed, reason, ordered)
        if Placed.CANNOT_TELL in answers:
            return Answer(
                place,
                Placed.CANNOT_TELL,
                "For a part of it the data cannot tell; ask by the county of the site.",
                ordered,
            )
        return Answer(
            place,
            Placed.DEPENDS,
            f"It touches mandatory and other areas ({why}). What counts is the county in which services are given.",
            ordered,
        )

    def _candidate(self, fips: str, share: float) -> Candidate:
        county = self.counties.get(fips)
        if county is not None:
            placed, reason = self._area(county.unit, county.unit_title)
            return Candidate(
                fips, f"{county.name}, {county.state}", county.unit, county.unit_title, share, placed, reason
            )
        if self._legacy_connecticut(fips):
            reason = (
                "Connecticut's planning regions replaced its counties in the 2023 delineation; an old county cannot be placed. "
                "Ask by planning region (09110 to 09190)."
            )
            return Candidate(fips, "Connecticut (old county)", "", "", share, Placed.CANNOT_TELL, reason)
        if fips in self._known_counties:
            reason = "The county is in no core-based statistical area, so in no area of the model."
            return Candidate(fips, f"county {fips}", "", "", share, Placed.NO, reason)
        return Candidate(
            fips, f"county {fips}", "", "", share, Placed.CANNOT_TELL, "No county of this code is in the files loaded."
        )

    def _area(self, unit: str, title: str) -> tuple[Placed, str]:
        if unit in self.areas:
            return Placed.YES, f"{title} ({unit}) is on the list of mandatory areas."
        if self.areas_complete:
            return Placed.NO, f"{title} ({unit}) is not on the list of mandatory areas."
        return (
            Placed.CANNOT_TELL,
            f"{title} ({unit}) is not on the part of the list that is loaded; load CMS's workbook of mandatory areas.",
        )

    def _legacy_connecticut(self, fips: str) -> bool:
        return fips.startswith(CONNECTICUT) and fips not in self.counties
