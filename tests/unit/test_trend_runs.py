"""Trend and forecast: does an 80% interval hold about eighty of a hundred years, and are points what the runs say."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lxml import html as page_reader
from openpyxl import load_workbook

from openasm.archive.manifest import Provenance, write_manifest
from openasm.base.errors import NotFound, WrongUsage
from openasm.cli.trend import lines_of
from openasm.projection.year_end import Assumed, Standing, cost_at_year_end, rate_at_year_end
from openasm.report.from_trend import write_trend
from openasm.runs.comparison.trend import trend_of

TIN = "900000001"


@pytest.mark.parametrize("patients", [60, 400])
@pytest.mark.parametrize(("yearly_rate", "elapsed", "lost"), [(0.7, 0.3, 0.0), (2.0, 0.5, 0.15), (0.7, 0.8, 0.15)])
def test_intervals_of_rates_cover_as_often_as_they_say(
    patients: int, yearly_rate: float, elapsed: float, lost: float
) -> None:
    """Made-up years without more variation than by chance: patients come evenly, some can never be met, the others are at a constant rate."""
    random = np.random.default_rng(7)
    years, inside80, inside95, off = 250, 0, 0, 0.0
    for year in range(years):
        count = random.poisson(patients)
        comes, never = random.uniform(0, 1, count), random.random(count) < lost
        met_at = comes + random.exponential(1 / yearly_rate, count)
        seen = comes <= elapsed
        so_far = Standing(
            met=int((seen & ~never & (met_at <= elapsed)).sum()),
            open=int((seen & ~never & (met_at > elapsed)).sum()),
            lost=int((seen & never).sum()),
        )
        truth = (~never & (met_at <= 1)).sum() / count
        interval = rate_at_year_end(so_far, elapsed, Assumed(overdispersion=0.0, draws=500, seed=year))
        assert interval is not None
        inside80 += interval.low80 <= truth <= interval.high80
        inside95 += interval.low95 <= truth <= interval.high95
        off += interval.middle - truth
    assert 0.73 <= inside80 / years <= 0.88
    assert inside95 / years >= 0.88
    assert abs(off / years) < 0.03


@pytest.mark.parametrize(("episodes", "elapsed"), [(30, 0.4), (120, 0.7)])
def test_intervals_of_costs_cover_as_often_as_they_say(episodes: int, elapsed: float) -> None:
    random = np.random.default_rng(11)
    years, inside80, inside95 = 200, 0, 0
    for year in range(years):
        count = max(15, random.poisson(episodes))
        cost, ends = random.lognormal(9, 0.6, count), random.uniform(0, 1, count)
        days = random.integers(60, 366, count).astype(float)
        so_far = ends <= elapsed
        interval = cost_at_year_end(
            cost[so_far].tolist(), days[so_far].tolist(), elapsed, Assumed(draws=400, seed=year)
        )
        if interval is None:
            years -= 1
            continue
        truth = cost @ days / days.sum()
        inside80 += interval.low80 <= truth <= interval.high80
        inside95 += interval.low95 <= truth <= interval.high95
    assert years > 100
    assert 0.70 <= inside80 / years <= 0.92
    assert inside95 / years >= 0.87


def test_edges_of_the_forecast() -> None:
    assumed = Assumed()
    assert rate_at_year_end(Standing(0, 0, 0), 0.5, assumed) is None
    over = rate_at_year_end(Standing(3, 1, 0), 1.0, assumed)
    assert over is not None
    assert over.low95 == over.high95 == 0.75
    nobody_open = rate_at_year_end(Standing(30, 0, 10), 0.5, Assumed(newcomers=False))
    assert nobody_open is not None
    assert nobody_open.low95 == nobody_open.high95 == 0.75
    early, late = (rate_at_year_end(Standing(50, 50, 0), share, assumed) for share in (0.3, 0.9))
    assert early is not None
    assert late is not None
    assert early.high95 - early.low95 > late.high95 - late.low95
    assert rate_at_year_end(Standing(50, 50, 0), 0.3, assumed) == early
    assert cost_at_year_end([1.0] * 9, [1.0] * 9, 0.5, assumed) is None
    shuffled = cost_at_year_end([*range(1, 21)][::-1], [1.0] * 20, 0.5, assumed)
    assert shuffled == cost_at_year_end([*range(1, 21)], [1.0] * 20, 0.5, assumed)


def a_run(folder: Path, day: str, *, met: int, worklist: str = "", episodes: int = 0) -> Path:
    """A run of records, with episodes if asked, written by hand."""
    scores, patients = folder / "scores", folder / "patients"
    scores.mkdir(parents=True)
    patients.mkdir()
    row = {"measure": "CMS165", "group": 1, "eligible": 100, "met": met, "not_met": 100 - met, "exclusions": 0}
    row |= {"exceptions": 0, "rate": met / 100}
    for name, more in (
        ("quality", {"quality_id": "236", "lower_is_better": "no"}),
        ("quality_by_clinician", {"tin": TIN, "npi": ""}),
    ):
        with (scores / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [*row, *more])
            writer.writeheader()
            writer.writerow(row | more)
    (patients / "worklist.csv").write_text("window,measure,group,patient,counts_for\n" + worklist)
    if episodes:
        ends = [dt.date(2027, 1 + number % 3, 15) for number in range(episodes)]
        ratios = [0.5 + (number % 5) / 4 for number in range(episodes)]
        columns = {
            "cohort": ["heart_failure"] * episodes,
            "episode_id": [f"e{number}" for number in range(episodes)],
            "tin": [TIN] * episodes,
            "end_date": ends,
            "days": [100] * episodes,
            "ratio": ratios,
            "excluded_reason": pa.array([None] * episodes, pa.string()),
        }
        pq.write_table(pa.table(columns), patients / "episodes.parquet")
        mean = sum(ratios) / episodes
        (scores / "cost.csv").write_text(
            f"tin,npi,measure,episodes,score\n{TIN},,COST_HF_1,{episodes},{15000 * mean}\n"
        )
    moment = dt.datetime(2028, 1, 1, tzinfo=dt.UTC)
    provenance = Provenance("0", "quality", folder.name, 2027, (), (), {"as_of": day}, moment, moment)
    write_manifest(folder, provenance=provenance, parameters=(), counts={}, problems=(), notes=())
    return folder


def test_points_come_in_time_order_with_months_and_a_forecast(tmp_path: Path) -> None:
    gone = "".join(f"closed,CMS165,1,p{number},{TIN}/\n" for number in range(20)) + f"open,CMS165,1,p0,{TIN}/\n"
    june = a_run(tmp_path / "june", "2027-06-30", met=60, worklist=gone, episodes=30)
    march = a_run(tmp_path / "march", "2027-03-31", met=40)
    trend = trend_of([june, march], tin=TIN)
    rates = [(point.run, point.day, point.value) for point in trend.points if point.measure == "CMS165"]
    assert rates == [("march", "2027-03-31", 0.4), ("june", "2027-06-30", 0.6)]
    months = [(point.day, point.count) for point in trend.points if point.month]
    assert months == [("2027-01", 10), ("2027-02", 10), ("2027-03", 10)]
    by_month = [point.value for point in trend.points if point.month and point.value]
    whole = next(point for point in trend.points if point.measure == "COST_HF_1" and not point.month)
    assert sum(by_month) / 3 == pytest.approx(whole.value)
    rate, cost = trend.forecasts
    assert (rate.met, rate.open, rate.lost) == (60, 21, 19)
    assert rate.interval is not None
    assert 0.55 < rate.interval.low95 < rate.interval.middle < rate.interval.high95 < 0.9
    assert cost.interval is not None
    assert cost.interval.low95 < 15_000 < cost.interval.high95
    assert trend_of([march, june], tin=TIN) == trend
    assert "end of 2027" in "\n".join(lines_of(trend))
    json.dumps(trend.as_record(), allow_nan=False)


def test_of_a_month_in_several_runs_the_newest_counts(tmp_path: Path) -> None:
    june = a_run(tmp_path / "june", "2027-06-30", met=60, episodes=30)
    may = a_run(tmp_path / "may", "2027-05-31", met=50, episodes=24)
    months = [(point.run, point.day, point.count) for point in trend_of([june, may], tin=TIN).points if point.month]
    assert months == [("june", f"2027-0{month}", 10) for month in (1, 2, 3)]


def test_page_workbook_and_table(tmp_path: Path) -> None:
    runs = [
        a_run(tmp_path / "march", "2027-03-31", met=40),
        a_run(tmp_path / "june", "2027-06-30", met=60, episodes=30),
    ]
    trend = trend_of(runs, tin=TIN)
    for name in ("page.html", "book.xlsx", "table.csv"):
        write_trend(trend, tmp_path / name)
    page = page_reader.fromstring((tmp_path / "page.html").read_text(encoding="utf-8"))
    shown = page.text_content()
    assert "40.0%" in shown
    assert "60.0%" in shown
    assert len(page.xpath("//svg")) == 3
    assert TIN not in shown  # masked
    sheet = load_workbook(tmp_path / "book.xlsx")["Points"]
    assert len(list(sheet.iter_rows(min_row=3, values_only=True))) == len(trend.points)
    with (tmp_path / "table.csv").open(newline="") as stream:
        assert [float(row["value"]) for row in csv.DictReader(stream)] == [point.value for point in trend.points]
    with pytest.raises(WrongUsage):
        write_trend(trend, tmp_path / "table.txt")


def test_no_forecast_says_why(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", "2026-12-01", met=50, episodes=5)
    trend = trend_of([run])
    assert all(line.interval is None and "2026-12-01" in line.why_not for line in trend.forecasts)
    rate, cost = trend_of([run], as_of=dt.date(2027, 12, 31)).forecasts
    assert rate.interval is not None
    assert rate.interval.low95 == rate.interval.high95 == 0.5
    assert cost.interval is not None
    _, few = trend_of([run], as_of=dt.date(2027, 7, 1)).forecasts
    assert "fewer than 10" in few.why_not
    with pytest.raises(NotFound):
        trend_of([run], measure="CMS2")
    with pytest.raises(WrongUsage):
        trend_of([run], npi="2000000010")
