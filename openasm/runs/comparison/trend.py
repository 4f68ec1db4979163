"""`openasm trend`: rates and cost from run to run and month to month, and where they may stand at the end of the year.

A run is a point in time: the day its gaps were seen from (`as_of`), else the last day of its claims, else the day it was made.
Counts of a run are from 1 January to that day. Months inside a run are those in which episodes end; populations of quality measures
hold no dates, so rates have points, not months.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.archive.run import Run, read_run
from openasm.archive.trend import ForecastLine, Interval, Point, Trend
from openasm.base.errors import NotFound, WrongUsage
from openasm.base.years import days_inclusive, first_day, last_day
from openasm.projection.year_end import FEWEST_EPISODES, Assumed, Standing, cost_at_year_end, rate_at_year_end


def trend_of(
    paths: Sequence[Path],
    *,
    tin: str | None = None,
    npi: str | None = None,
    measure: str | None = None,
    as_of: dt.date | None = None,
    assumed: Assumed | None = None,
) -> Trend:
    """The trend over some runs, in any order.

    tin, npi: of this practice or clinician only; measure: of this one only; as_of: the last run's day, where it does not say
    itself. Raises WrongUsage for an NPI without its TIN, NotFound where no run has anything of what was asked.
    """
    if npi is not None and tin is None:
        raise WrongUsage("--npi needs --tin: a clinician may bill under several TINs.")
    assumed = assumed or Assumed()
    runs = sorted((read_run(path) for path in paths), key=lambda run: (day_of(run), run.path.name))
    whom = (tin or "", npi or "")
    points: list[Point] = []
    months: dict[tuple[str, str], Point] = {}  # of each month the newest run's: later claims make it more complete
    last: dict[str, tuple[Run, Point]] = {}
    for run in runs:
        for point in _points(run, whom, as_of if run is runs[-1] and as_of else day_of(run)):
            if measure not in (None, point.measure):
                continue
            if point.month:
                months[point.measure, point.day] = point
            else:
                points.append(point)
                last[point.measure] = (run, point)
    points += [months[key] for key in sorted(months)]
    if not points:
        raise NotFound("The runs hold no rate and no cost of what was asked for.")
    forecasts = [
        _forecast(run, point, whom, as_of=dt.date.fromisoformat(point.day), assumed=assumed)
        for run, point in (last[name] for name in sorted(last))
    ]
    return Trend(whom[0], whom[1], tuple(points), tuple(forecasts), tuple(_said(assumed)))


def day_of(run: Run) -> dt.date:
    """The last day a run counts: of its records or its claims as they say, else the day it was made.

    A configured run that says neither counts its whole year: the day it was made would make equal runs differ.
    """
    settings = run.manifest.get("settings", {})
    configuration = settings.get("configuration", {})
    records = [settings.get("records"), configuration.get("records")]
    days = [
        settings.get("as_of"),
        *(each.get("as_of") for each in records if isinstance(each, Mapping)),
        settings.get("claims_to"),
        max((str(stage["counts"].get("data_end", "")) for stage in run.manifest.get("stages", ())), default=""),
        None if configuration else str(run.manifest.get("ended", ""))[:10],
    ]
    for day in days:
        try:
            return dt.date.fromisoformat(str(day))
        except ValueError:
            continue
    return last_day(run.year)


def _points(run: Run, whom: tuple[str, str], last_counted: dt.date) -> Iterator[Point]:
    name, day = str(run.manifest.get("name", run.path.name)), last_counted.isoformat()
    for measure, (met, not_met) in _rates(run, whom).items():
        cases = met + not_met
        yield Point(name, day, measure, "rate", cases, met / cases if cases else None)
    for measure, (episodes, score) in _costs(run, whom).items():
        yield Point(name, day, measure, "dollars", episodes, score)
    for cohort, rows in _episodes(run, whom).items():
        months: dict[str, list[_Episode]] = {}
        for row in rows:
            months.setdefault(row.month, []).append(row)
        for month, members in sorted(months.items()):
            yield Point(name, month, _COST_OF[cohort], "dollars", len(members), _mean(members), month=True)


_COST_OF = {"heart_failure": "COST_HF_1", "low_back_pain": "COST_LBP_1"}


@dataclass(frozen=True, slots=True)
class _Episode:
    month: str
    days: float
    dollars: float


def _mean(episodes: Sequence[_Episode]) -> float:
    return sum(each.dollars * each.days for each in episodes) / sum(each.days for each in episodes)


def _rates(run: Run, whom: tuple[str, str]) -> dict[str, tuple[int, int]]:
    """Measure to met and not met: computed from records where the run has them, else as they were scored."""
    tin, npi = whom
    for table in ("quality_by_clinician",) if tin else ("quality",):
        if _has(run, table):
            rows = (
                run.table(table).where(tin=tin, npi=npi)
                if tin
                else [
                    row for row in run.table(table).rows() if not row.get("tin") and not row.get("npi")
                ]  # of all records
            )
            return {_measure(row): (int(row["met"]), int(row["not_met"])) for row in rows}
    found: dict[str, tuple[int, int]] = {}
    if _has(run, "inputs/quality"):
        for row in run.table("inputs/quality").rows():
            if (
                row["collection_type"] == "claims"
                or (tin and row["tin"] != tin)
                or (npi and row["npi"] not in ("", npi))
            ):
                continue
            met, not_met = found.get(row["measure"], (0, 0))
            found[row["measure"]] = (met + int(row["met"] or 0), not_met + int(row["not_met"] or 0))
    return found


def _measure(row: Mapping[str, str]) -> str:
    return row["measure"] if row["group"] == "1" else f"{row['measure']} rate {row['group']}"


def _costs(run: Run, whom: tuple[str, str]) -> dict[str, tuple[int, float | None]]:
    """Cost measure to episodes and score; of several TINs or clinicians the mean weighted by episodes."""
    tin, npi = whom
    computed = _has(run, "cost")
    if not computed and not _has(run, "inputs/cost"):
        return {}
    found: dict[str, list[tuple[int, float]]] = {}
    for row in run.table("cost" if computed else "inputs/cost").rows():
        # cost.csv has a row of each TIN besides its clinicians'; inputs have clinicians only.
        level = row["npi"] == npi if computed else npi in ("", row["npi"])
        if level and (not tin or row["tin"] == tin) and row["score"]:
            found.setdefault(row["measure"], []).append((int(row["episodes"]), float(row["score"])))
    return {
        measure: (
            sum(count for count, _ in rows),
            sum(count * score for count, score in rows) / total if (total := sum(count for count, _ in rows)) else None,
        )
        for measure, rows in found.items()
    }


def _has(run: Run, table: str) -> bool:
    return (run.path / "scores" / f"{table}.csv").is_file()


def _episodes(run: Run, whom: tuple[str, str]) -> dict[str, list[_Episode]]:
    """Counted episodes by cohort, in dollars a year: ratio to expected times what the run's scores are scaled by."""
    patients = run.path / "patients"
    if not (patients / "episodes.parquet").is_file() or not _has(run, "cost"):
        return {}
    import pyarrow.parquet as pq  # heavy: loaded where a run has episodes

    tin, npi = whom
    columns = ["cohort", "episode_id", "tin", "end_date", "days", "ratio", "excluded_reason"]
    rows = [
        row
        for row in pq.read_table(patients / "episodes.parquet", columns=columns).to_pylist()
        if row["excluded_reason"] is None and row["ratio"] is not None
    ]
    scales = {cohort: _scale(run, cohort, rows) for cohort in {row["cohort"] for row in rows}}
    if npi:
        shares = pq.read_table(patients / "attribution.parquet", columns=["episode_id", "npi", "attributed"])
        own = {row["episode_id"] for row in shares.to_pylist() if row["attributed"] and row["npi"] == npi}
        rows = [row for row in rows if row["episode_id"] in own]
    found: dict[str, list[_Episode]] = {}
    for row in rows:
        if not tin or row["tin"] == tin:
            episode = _Episode(
                row["end_date"].isoformat()[:7], float(row["days"]), row["ratio"] * scales[row["cohort"]]
            )
            found.setdefault(row["cohort"], []).append(episode)
    return found


def _scale(run: Run, cohort: str, rows: Sequence[Mapping[str, Any]]) -> float:
    """Dollars of a ratio of 1: the score of the TIN with most episodes over its mean ratio weighted by days."""
    scores = [
        row
        for row in run.table("cost").rows()
        if row["measure"] == _COST_OF[cohort] and not row["npi"] and row["score"]
    ]
    if not scores:
        return 1.0
    largest = max(scores, key=lambda row: (int(row["episodes"]), row["tin"]))
    own = [row for row in rows if row["cohort"] == cohort and row["tin"] == largest["tin"]]
    ratio = sum(row["ratio"] * row["days"] for row in own)
    return float(largest["score"]) * sum(row["days"] for row in own) / ratio if ratio else 1.0


def _forecast(run: Run, point: Point, whom: tuple[str, str], *, as_of: dt.date, assumed: Assumed) -> ForecastLine:
    first, last = first_day(run.year), last_day(run.year)
    met = still = lost = None
    interval, why = None, ""
    elapsed = min(1.0, days_inclusive(first, as_of) / days_inclusive(first, last))
    if elapsed <= 0:
        why = f"{as_of.isoformat()} lies before the year {run.year}; give the day the data reach to with --as-of"
    elif point.unit == "dollars" and elapsed == 1 and point.value is not None:
        interval = Interval(*[point.value] * 5)  # the year is over
    elif point.unit == "rate":
        met = round((point.value or 0) * point.count)
        lost = min(point.count - met, _lost(run, point.measure, whom))
        still = point.count - met - lost
        interval = rate_at_year_end(Standing(met, still, lost), elapsed, assumed)
        why = "" if interval else "nobody is in the denominator"
    else:
        cohort = next((cohort for cohort, measure in _COST_OF.items() if measure == point.measure), "")
        episodes = _episodes(run, whom).get(cohort, [])
        interval = cost_at_year_end(
            [each.dollars for each in episodes], [each.days for each in episodes], elapsed, assumed
        )
        why = "" if interval else f"fewer than {FEWEST_EPISODES} counted episodes in this run's patients folder"
    return ForecastLine(
        point.measure, point.unit, run.year, as_of.isoformat(), point.value, met, still, lost, interval, why
    )


def _lost(run: Run, measure: str, whom: tuple[str, str]) -> int:
    """Patients not met whom nothing closes any more: those all of whose gaps have passed or are lost, by the worklist."""
    path = run.path / "patients" / "worklist.csv"
    if not path.is_file() or not _has(run, "quality"):
        return 0
    names = {_measure(row): row for row in run.table("quality").rows()}
    wanted = names.get(measure)
    if wanted is None or wanted["lower_is_better"] == "yes":
        return 0  # the numerator is the unwanted event there: everybody outside it may still meet it
    tin, npi = whom
    windows: dict[str, set[str]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["measure"] == wanted["measure"] and row["group"] == wanted["group"]:
                counts_for = row["counts_for"].split()
                if not tin or f"{tin}/{npi}" in counts_for:
                    windows.setdefault(row["patient"], set()).add(row["window"])
    return sum(seen <= {"closed", "lost"} for seen in windows.values())


def _said(assumed: Assumed) -> Iterator[str]:
    yield "Met patients stay met; open ones close at one constant rate, that of the year so far; lost ones stay lost."
    yield (
        "Patients come evenly through the year, and as many still to come as the number so far suggests."
        if assumed.newcomers
        else "All patients are in the denominator from 1 January."
    )
    yield f"Numbers met vary more than by chance alone: intraclass correlation {assumed.overdispersion:g} (assumed)."
    yield "Episodes to come are drawn from those so far; late claims of the last months are not made up for."
    yield f"{assumed.draws:,} draws, seed {assumed.seed}."
