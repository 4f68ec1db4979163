"""Counting what decides eligibility, on the engine: lines by specialty, attributed episodes, the ZIP codes of their services.

Claims are read three times: for the specialty codes of every TIN and NPI, for the bills of rural health clinics and federally
qualified health centers (few of them), and for the lines of the clinicians who hold an episode. What leaves the engine is as small as those clinicians, never as large as their claims.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import narwhals as nw

from openasm.claims.folder import Claims
from openasm.regulation.participation import ClinicCodes
from openasm.tables.engine import Engine, Frame

Pair = tuple[str, str]
"""A TIN and an NPI."""

PAIR = ["tin", "npi"]
EPISODE = ["cohort", "episode_id", *PAIR]

NOT_EXCLUSIONS = ("outlier", "no_expected_cost")
"""Reasons that come from the expected costs of the claims at hand, not from the measure's exclusions: with CMS's claims other
episodes would be outliers, so these count."""


NO_CLINICS = ClinicCodes((), (), ())
"""Tell no clinic's claims apart."""


@dataclass(frozen=True, slots=True)
class EpisodeFrames:
    """A cohort's episodes of the data year: the tables of `openasm episodes` (see `episode_files`)."""

    cohort: str
    episodes: Frame
    attribution: Frame


@dataclass(frozen=True, slots=True)
class Places:
    """Where a clinician's attributed episodes were: episodes by ZIP, how many of them by a tie, how many without a ZIP."""

    by_zip: Mapping[str, int] = field(default_factory=dict)
    tied: int = 0
    without_zip: int = 0


@dataclass(frozen=True, slots=True)
class EpisodeCount:
    """Attributed episodes of a TIN and NPI: all, and those left after the measure's exclusions (outliers among them)."""

    attributed: int = 0
    counted: int = 0


@dataclass(frozen=True)
class Counted:
    """What the claims of a data year say of the TINs and NPIs that matter.

    lines: professional lines by specialty code (empty code: the line has none). episodes, places: by cohort, then by TIN and
    NPI. professional_lines, without_tin_or_npi: over all lines of the year. pairs: TINs and NPIs with a line, in all.
    at_clinics: professional lines given at a rural health clinic or federally qualified health center; clinic_days: by NPI, days and
    patients for which such a clinic's own bill names the clinician. Both hold only who has any.
    """

    year: int
    lines: Mapping[Pair, Mapping[str, int]]
    episodes: Mapping[str, Mapping[Pair, EpisodeCount]]
    places: Mapping[str, Mapping[Pair, Places]]
    professional_lines: int
    without_tin_or_npi: int
    pairs: int
    at_clinics: Mapping[Pair, int] = field(default_factory=dict)
    clinic_days: Mapping[str, int] = field(default_factory=dict)


def count(
    claims: Claims,
    cohorts: Collection[EpisodeFrames],
    engine: Engine,
    *,
    year: int,
    specialties: Collection[str],
    npis: Collection[str] = (),
    with_excluded: bool = False,
    clinics: ClinicCodes = NO_CLINICS,
) -> Counted:
    """Count a data year's claims for everyone with a line of these specialties, an attributed episode, or among `npis`.

    with_excluded: place episodes that the measure excludes too (where they count toward the threshold). clinics: what tells the
    claims of rural health clinics and federally qualified health centers apart; without it they are not.
    """
    professional = professional_lines(claims.claim_lines)
    by_specialty = engine.held(specialty_lines(professional, year=year, clinics=clinics))
    held = engine.held(nw.concat([attributed_episodes(each) for each in cohorts]))
    named = engine.from_rows({"npi": sorted(set(npis))}, {"npi": nw.String()})
    wanted = nw.concat(
        [
            by_specialty.filter(nw.col("specialty").is_in(sorted(specialties))).select("npi"),
            named,
            held.select("npi"),
        ]
    ).unique()
    lines: dict[Pair, dict[str, int]] = defaultdict(dict)
    at_clinics: dict[Pair, int] = defaultdict(int)
    for row in engine.to_arrow(by_specialty.join(wanted, on="npi", how="semi")).to_pylist():
        if row["tin"] and row["npi"]:
            lines[row["tin"], row["npi"]][row["specialty"]] = row["lines"]
            if row["at_clinics"]:
                at_clinics[row["tin"], row["npi"]] += row["at_clinics"]
    visits = clinic_days(claims.claim_lines, year=year, clinics=clinics).join(wanted, on="npi", how="semi")
    names = tuple(each.cohort for each in cohorts)
    whole = engine.to_arrow(line_totals(by_specialty)).to_pylist()[0]
    return Counted(
        year=year,
        lines=dict(lines),
        episodes=_episode_counts(held, names, engine),
        places=_places(
            held if with_excluded else held.filter(nw.col("counted") == 1), names, professional, engine, year=year
        ),
        professional_lines=int(whole["all"] or 0),
        without_tin_or_npi=int(whole["nobody"] or 0),
        pairs=int(whole["pairs"] or 0),
        at_clinics=dict(at_clinics),
        clinic_days={row["npi"]: row["days"] for row in engine.to_arrow(visits).to_pylist()}
        if clinics.visits_known
        else {},
    )


def professional_lines(claim_lines: Frame) -> Frame:
    """Lines billed under the physician fee schedule's claim form (setting `professional`), with the columns needed."""
    return claim_lines.filter(nw.col("setting") == "professional").select(
        "beneficiary", "from_date", "tin", "npi", "specialty", "place_of_service", "service_zip"
    )


def specialty_lines(professional: Frame, *, year: int, clinics: ClinicCodes = NO_CLINICS) -> Frame:
    """Lines of a calendar year: tin, npi, specialty, lines, at_clinics; an empty text stands for what a line does not say."""
    there = nw.col("place_of_service").fill_null("").is_in(clinics.places_of_service)
    return (
        professional.filter(_in_year(year))
        .select(
            *(nw.col(name).fill_null("") for name in ("tin", "npi", "specialty")), there.cast(nw.Int64).alias("there")
        )
        .group_by("tin", "npi", "specialty")
        .agg(nw.len().cast(nw.Int64).alias("lines"), nw.col("there").sum().cast(nw.Int64).alias("at_clinics"))
    )


def clinic_days(claim_lines: Frame, *, year: int, clinics: ClinicCodes) -> Frame:
    """Days and patients a year for which a clinic's own bill names a clinician: npi (of whoever attended), days.

    A bill that is one line without a revenue center, and a mental health visit, cannot be told from other outpatient bills.
    """
    visit = nw.col("revenue_center").fill_null("").is_in(clinics.revenue_centers) | nw.col("hcpcs").fill_null("").is_in(
        clinics.visit_codes
    )
    return (
        claim_lines.filter((nw.col("setting") == "outpatient") & visit & ~nw.col("npi").is_null() & _in_year(year))
        .select("npi", "beneficiary", "from_date")
        .unique()
        .group_by("npi")
        .agg(nw.len().cast(nw.Int64).alias("days"))
    )


def _in_year(year: int) -> nw.Expr:
    first, last = nw.lit(dt.date(year, 1, 1)), nw.lit(dt.date(year, 12, 31))
    return (nw.col("from_date") >= first) & (nw.col("from_date") <= last)


def line_totals(by_specialty: Frame) -> Frame:
    """One row: all lines, lines without TIN or NPI (`nobody`), and the number of TIN and NPI pairs."""
    known = (nw.col("tin") != "") & (nw.col("npi") != "")
    nobody = nw.when(~known).then(nw.col("lines")).otherwise(nw.lit(0))
    pairs = by_specialty.filter(known).select(*PAIR).unique().select(nw.len().cast(nw.Int64).alias("pairs"))
    totals = by_specialty.select(
        nw.col("lines").sum().cast(nw.Int64).alias("all"), nobody.sum().cast(nw.Int64).alias("nobody")
    )
    return totals.join(pairs, how="cross")


def attributed_episodes(frames: EpisodeFrames) -> Frame:
    """One row an episode and clinician who holds it: cohort, episode_id, beneficiary, tin, npi, start_date, end_date, counted (0, 1)."""
    holders = frames.attribution.filter(nw.col("attributed")).select("episode_id", "npi").unique()
    return frames.episodes.join(holders, on="episode_id", how="inner").select(
        nw.lit(frames.cohort).alias("cohort"),
        "episode_id",
        "beneficiary",
        "tin",
        "npi",
        "start_date",
        "end_date",
        nw.col("excluded_reason").fill_null(NOT_EXCLUSIONS[0]).is_in(NOT_EXCLUSIONS).cast(nw.Int64).alias("counted"),
    )


def episode_zip_lines(attributed: Frame, professional: Frame) -> Frame:
    """The clinicians' own lines for the patients within their episodes: cohort, episode_id, tin, npi, service_zip, lines.

    Lines without a ZIP are passed over. Small beside the claims: a few rows an episode.
    """
    lines = professional.filter(~nw.col("service_zip").is_null()).select(
        "beneficiary", *PAIR, "from_date", "service_zip"
    )
    inside = lines.join(attributed, on=["beneficiary", *PAIR], how="inner").filter(
        (nw.col("from_date") >= nw.col("start_date")) & (nw.col("from_date") <= nw.col("end_date"))
    )
    return inside.group_by(*EPISODE, "service_zip").agg(nw.len().cast(nw.Int64).alias("lines"))


def episode_zips(zip_lines: Frame) -> Frame:
    """The ZIP code of each attributed episode: the most common one of its `episode_zip_lines`, which are read twice here.

    Gives cohort, episode_id, tin, npi, service_zip (lowest of equals), tie (0, 1); an episode whose lines have no ZIP has no row.
    """
    most = zip_lines.group_by(*EPISODE).agg(nw.col("lines").max().alias("most"))
    leaders = zip_lines.join(most, on=EPISODE, how="inner").filter(nw.col("lines") == nw.col("most"))
    return (
        leaders.group_by(*EPISODE)
        .agg(nw.col("service_zip").min(), nw.len().cast(nw.Int64).alias("leaders"))
        .select(*EPISODE, "service_zip", (nw.col("leaders") > 1).cast(nw.Int64).alias("tie"))
    )


def _episode_counts(attributed: Frame, cohorts: Collection[str], engine: Engine) -> dict[str, dict[Pair, EpisodeCount]]:
    rows = attributed.group_by("cohort", *PAIR).agg(
        nw.len().cast(nw.Int64).alias("attributed"), nw.col("counted").sum().cast(nw.Int64)
    )
    found: dict[str, dict[Pair, EpisodeCount]] = {cohort: {} for cohort in cohorts}
    for row in engine.to_arrow(rows).to_pylist():
        found[row["cohort"]][row["tin"], row["npi"]] = EpisodeCount(row["attributed"], row["counted"])
    return found


def _places(
    attributed: Frame, cohorts: Collection[str], professional: Frame, engine: Engine, *, year: int
) -> dict[str, dict[Pair, Places]]:
    by_pair: dict[tuple[str, Pair], dict[str, int]] = defaultdict(dict)
    tied: dict[tuple[str, Pair], int] = defaultdict(int)
    first = engine.to_arrow(attributed.select(nw.col("start_date").min())).to_pylist()[0]["start_date"]
    if first is not None:
        # No day before the first episode, or after the data year in which all of them end, can lie in one.
        near = professional.filter(
            (nw.col("from_date") >= nw.lit(first)) & (nw.col("from_date") <= nw.lit(dt.date(year, 12, 31)))
        )
        zips = (
            episode_zips(engine.held(episode_zip_lines(attributed, near)))
            .group_by("cohort", *PAIR, "service_zip")
            .agg(nw.len().cast(nw.Int64).alias("episodes"), nw.col("tie").sum().cast(nw.Int64))
        )
        for row in engine.to_arrow(zips).to_pylist():
            key = (row["cohort"], (row["tin"], row["npi"]))
            by_pair[key][row["service_zip"]] = row["episodes"]
            tied[key] += row["tie"]
    held = attributed.group_by("cohort", *PAIR).agg(nw.len().cast(nw.Int64).alias("episodes"))
    found: dict[str, dict[Pair, Places]] = {cohort: {} for cohort in cohorts}
    for row in engine.to_arrow(held).to_pylist():
        key = (row["cohort"], (row["tin"], row["npi"]))
        by_zip = dict(sorted(by_pair[key].items()))
        found[key[0]][key[1]] = Places(by_zip, tied[key], row["episodes"] - sum(by_zip.values()))
    return found
