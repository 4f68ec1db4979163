"""The area of a clinician's attributed episodes, where ZIP codes may span areas or be unknown.

Each episode lies in one area: that of the ZIP code of its Part B services. A ZIP code that spans areas gives candidates, and one
that no file holds may be anywhere; so several areas may be the most common one. The answer is yes or no only when all of them
agree. An area here is a unit of the model; everything outside every unit counts as one place of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openasm.base.parameters import Rules
from openasm.participants.counting import Places
from openasm.participants.geography import Geography, Placed
from openasm.regulation.participation import area_of, episode_area

OUTSIDE = "~"
"""Outside every unit; sorts after every code, so that in a tie a code is taken."""

Area = str | None
"""A unit's code, OUTSIDE, or None where it cannot be known."""


@dataclass(frozen=True, slots=True)
class AreaCount:
    """One area and the episodes in it: surely, and at most (with those whose ZIP code leaves a choice)."""

    code: str
    title: str
    placed: Placed
    surely: int
    at_most: int


@dataclass(frozen=True, slots=True)
class LocationTest:
    """The most common area of the attributed episodes.

    area: its code, taking each ZIP code's largest share; empty when outside every unit or unknown; sure: whether no other area could be the most common one; episodes: in it, of `of_episodes`; lead: episodes ahead of
    the next; zip_ties: episodes whose ZIP code was decided by a tie; areas: every area that may be the most common, best first.
    """

    answer: Placed
    area: str
    title: str
    sure: bool
    episodes: int
    of_episodes: int
    lead: int
    tie: bool
    zip_ties: int
    unknown: int
    areas: tuple[AreaCount, ...]
    near: bool
    words: str


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Where a ZIP code may lie: each area with its share."""

    shares: Mapping[Area, float]

    @property
    def best(self) -> Area:
        return min(self.shares, key=lambda area: (-self.shares[area], area is None, area or ""))


def location_test(
    places: Places, geography: Geography | None, *, gaps: tuple[str, ...], near: int, rules: Rules
) -> LocationTest:
    """The location test of one clinician. gaps: why the claims may lack episodes; near: a lead that is called near."""
    episodes = sum(places.by_zip.values()) + places.without_zip
    if not episodes:
        return _unknown(episodes, places, "no attributed episode to place")
    if geography is None:
        return _unknown(episodes, places, "no county delineation is loaded")
    titles: dict[str, tuple[str, Placed]] = {OUTSIDE: ("outside every area of the model", Placed.NO)}
    by_zip = {code: _candidates(code, geography, titles, rules) for code in places.by_zip}
    surely: dict[str, int] = {}
    at_most: dict[str, int] = {}
    taken: dict[str, int] = {}
    unknown = places.without_zip
    for code, number in places.by_zip.items():
        shares = by_zip[code].shares
        if len(shares) == 1 and by_zip[code].best is not None:
            surely[_known(by_zip[code].best)] = surely.get(_known(by_zip[code].best), 0) + number
        if None in shares:
            unknown += number
        for area in shares:
            if area is not None and None not in shares:
                at_most[area] = at_most.get(area, 0) + number
        if by_zip[code].best is not None:
            taken[_known(by_zip[code].best)] = taken.get(_known(by_zip[code].best), 0) + number
    areas = _possible(surely, at_most, unknown, titles)
    if not taken:
        return _unknown(episodes, places, "no ZIP code of the episodes can be placed")
    first = area_of(taken, rules)
    next_best = max((number for code, number in taken.items() if code != first.code), default=0)
    words = [f"{first.count} of {episodes} episodes in {_named(first.code, titles)}"]
    answer, why = _answer(areas, surely, unknown)
    sure = len(areas) == 1 and not (unknown and unknown >= first.count)
    if answer is Placed.NO and gaps:
        answer, why = Placed.CANNOT_TELL, "; ".join(gaps)
    words += [why] if why else []
    if first.tie:
        words.append("a tie with another area: the lowest code is taken")
    if places.tied:
        words.append(f"the ZIP code is a tie in {places.tied} of them: the lowest is taken")
    if unknown:
        words.append(f"{unknown} of them cannot be placed")
    return LocationTest(
        answer=answer,
        area="" if first.code == OUTSIDE else first.code,
        title=titles[first.code][0],
        sure=sure,
        episodes=first.count,
        of_episodes=episodes,
        lead=first.count - next_best,
        tie=first.tie,
        zip_ties=places.tied,
        unknown=unknown,
        areas=areas,
        near=first.tie or (len(taken) > 1 and first.count - next_best <= near),
        words="; ".join(words),
    )


def _unknown(episodes: int, places: Places, words: str) -> LocationTest:
    return LocationTest(
        Placed.CANNOT_TELL, "", "", False, 0, episodes, 0, False, places.tied, episodes, (), False, words
    )


def _candidates(code: str, geography: Geography, titles: dict[str, tuple[str, Placed]], rules: Rules) -> _Candidates:
    """Every area a ZIP code touches with its share; None for parts that no file can place."""
    shares: dict[Area, float] = {}
    for each in geography.zip(code).candidates:
        county = geography.counties.get(each.fips)
        if county is None:
            area: Area = OUTSIDE if each.placed is Placed.NO else None
        else:
            area = episode_area(county.cbsa, county.division, rules)
            if area == county.unit:
                titles.setdefault(area, (county.unit_title, each.placed))
            else:  # a rule value of the user's may take CBSAs without their divisions
                titles.setdefault(area, (county.cbsa_title, _listed(area, geography)))
        shares[area] = shares.get(area, 0.0) + each.share
    return _Candidates(shares or {None: 1.0})


def _listed(code: str, geography: Geography) -> Placed:
    if code in geography.areas:
        return Placed.YES
    return Placed.NO if geography.areas_complete else Placed.CANNOT_TELL


def _possible(
    surely: Mapping[str, int], at_most: Mapping[str, int], unknown: int, titles: Mapping[str, tuple[str, Placed]]
) -> tuple[AreaCount, ...]:
    """Areas that may be the most common one: with everything doubtful theirs, nothing certain is ahead of them.

    In a tie the lowest code is taken, so an area that can only draw level with a lower code is none of them.
    """
    codes = at_most.keys() | surely.keys()
    found = []
    for code in codes:
        most = at_most.get(code, 0) + unknown
        beaten = any(
            number > most or (number == most and other < code) for other, number in surely.items() if other != code
        )
        if not beaten:
            title, placed = titles[code]
            found.append(AreaCount(code, title, placed, surely.get(code, 0), most))
    return tuple(sorted(found, key=lambda each: (-each.surely, -each.at_most, each.code)))


def _answer(areas: tuple[AreaCount, ...], surely: Mapping[str, int], unknown: int) -> tuple[Placed, str]:
    """Yes or no when every area that may be the most common one says so."""
    answers = {each.placed for each in areas}
    anywhere = unknown and unknown >= max(surely.values(), default=0)
    if anywhere:
        return Placed.CANNOT_TELL, "the episodes that cannot be placed could be the most in any area"
    if Placed.CANNOT_TELL in answers:
        return Placed.CANNOT_TELL, "the list of mandatory areas that is loaded is not whole"
    if len(answers) == 1:
        return answers.pop(), ""
    return Placed.DEPENDS, "ZIP codes that span mandatory and other areas decide it"


def _named(code: str, titles: Mapping[str, tuple[str, Placed]]) -> str:
    title, placed = titles[code]
    if code == OUTSIDE:
        return title
    said = {Placed.YES: "a mandatory area", Placed.NO: "not a mandatory area"}
    return f"{title} ({code}), {said.get(placed, 'of which the loaded list cannot tell')}"


def _known(area: Area) -> str:
    if area is None:
        raise ValueError("an area that is not known has no code")
    return area
