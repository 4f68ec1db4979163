"""The measure's results as files: `patients/` for eyes that may see patients, `scores/` without any."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from openasm.base.files import written_whole
from openasm.episodes.chain import Chain, timeline
from openasm.episodes.comparison import category_costs, costliest, standing_out
from openasm.episodes.cutting import EPISODE
from openasm.episodes.days import date_of
from openasm.episodes.design import Floats
from openasm.episodes.frames import small_table
from openasm.episodes.outcome import Outcome
from openasm.episodes.specifications.lists import CodesList


def write_outcome(result: Outcome, folder: Path, *, chain: Chain, codes: CodesList) -> None:
    """Write every table of a run: docs/method/episodes.md has their columns.

    Equal results give equal bytes, whatever the engine and the order of the claims.
    """
    patients = folder / "patients"
    _parquet(patients / "episodes.parquet", episodes_table(result))
    _parquet(patients / "attribution.parquet", attribution_table(result))
    _parquet(patients / "episode_costs.parquet", costs_table(result))
    shown = costliest(result)
    _parquet(patients / "costliest.parquet", _costliest_table(result, shown))
    kept = sorted({*(number for _, _, number in shown), *standing_out(result)})
    _parquet(patients / "timeline.parquet", _timeline_table(result, kept, chain, codes))
    write_scores(result, folder / "scores")


def write_scores(result: Outcome, folder: Path) -> None:
    """cost.csv (which `openasm score` reads), categories.csv (against peers), models.csv (what expected costs rest on)."""
    measure = result.construction.measure_id
    _csv(
        folder / "cost.csv",
        ("tin", "npi", "measure", "episodes", "score"),
        ((each.tin, each.npi, measure, each.episodes, repr(each.dollars)) for each in result.scores),
    )
    _csv(
        folder / "categories.csv",
        ("tin", "npi", "category", "episodes", "services", "dollars_a_year", "peers_dollars_a_year"),
        (
            (
                each.tin,
                each.npi,
                each.category,
                each.episodes,
                each.services,
                f"{each.dollars_a_year:.2f}",
                "" if each.peers_dollars_a_year is None else f"{each.peers_dollars_a_year:.2f}",
            )
            for each in category_costs(result)
        ),
    )
    rows: list[Sequence[object]] = []
    for model in result.expected.models:
        head = (model.name, model.basis.value, model.episodes, model.outliers)
        rows += [(*head, name, repr(value)) for name, value in model.coefficients.items()]
        rows += [(*head, name, "") for name in model.dependent]
        if not model.coefficients:
            rows.append((*head, "", ""))
    _csv(
        folder / "models.csv",
        ("model", "basis", "episodes", "outliers", "variable", "dollars_a_year"),
        rows,
    )


def episodes_table(result: Outcome) -> pa.Table:
    """patients/episodes.parquet. Money in whole cents, rounded half up; expected and ratio null where there is none."""
    episodes = result.episodes
    size = episodes.num_rows
    return pa.table(
        {
            "cohort": pa.array([result.construction.cohort] * size, pa.string()),
            "episode_id": episodes["episode_id"],
            "beneficiary": episodes["beneficiary"],
            "tin": episodes["tin"],
            "start_date": episodes["start_date"],
            "end_date": pa.array([date_of(day) for day in episodes["end"].to_pylist()], pa.date32()),
            "days": episodes["days"],
            "observed_cents": pa.array(result.observed, pa.int64()),
            "annualized_cents": pa.array(result.annualized_cents, pa.int64()),
            "expected_cents": _cents(result.expected.expected),
            "ratio": _numbers(result.ratio),
            "excluded_reason": pa.array(list(result.reason), pa.string()),
            "subgroup": pa.array(list(result.subgroup), pa.string()),
            "winsorized_cents": _cents(result.expected.observed),
            "model": pa.array(list(result.model), pa.string()),
        }
    )


def attribution_table(result: Outcome) -> pa.Table:
    """patients/attribution.parquet: clinicians with qualifying lines in an episode; reason when not attributed and when so."""
    rows = result.attribution
    episode = rows[EPISODE]
    lines, total = rows["qualifying_lines"].to_numpy(), rows["all_lines"].to_numpy()
    return pa.table(
        {
            "episode_id": result.episodes["episode_id"].take(episode),
            "tin": result.episodes["tin"].take(episode),
            "npi": rows["npi"],
            "qualifying_lines": rows["qualifying_lines"],
            "share": pa.array(lines / total, pa.float64()),
            "attributed": pa.array([reason == "attributed" for reason in rows["reason"].to_pylist()], pa.bool_()),
            "reason": rows["reason"],
        }
    )


def costs_table(result: Outcome) -> pa.Table:
    """patients/episode_costs.parquet: cents add up to `observed_cents`; a whole claim counts as one line."""
    rows = result.costs
    return pa.table(
        {
            "episode_id": result.episodes["episode_id"].take(rows[EPISODE]),
            "category": rows["category"],
            "setting": rows["setting"],
            "lines": rows["lines"],
            "cents": rows["cents"],
        }
    )


def _costliest_table(result: Outcome, shown: Sequence[tuple[str, int, int]]) -> pa.Table:
    """The shown episodes with their numbers, by TIN and rank."""
    chosen = episodes_table(result).take(pa.array([number for _, _, number in shown], pa.int64()))
    return chosen.add_column(0, "rank", pa.array([rank for _, rank, _ in shown], pa.int64()))


def _timeline_table(result: Outcome, kept: Sequence[int], chain: Chain, codes: CodesList) -> pa.Table:
    """The assigned services of some episodes, by number, day by day."""
    engine = chain.engine
    chosen = small_table(engine, {EPISODE: int}, [(number,) for number in kept])
    rows = engine.to_arrow(timeline(chain, chosen, codes))
    rows = rows.sort_by([(name, "ascending") for name in (EPISODE, "day", "setting", "claim_id", "place")])
    return pa.table(
        {
            "episode_id": result.episodes["episode_id"].take(rows[EPISODE]),
            "date": pa.array([date_of(day) for day in rows["day"].to_pylist()], pa.date32()),
            **{name: rows[name] for name in ("setting", "category", "code", "npi", "cents", "claim_id")},
        }
    )


def _cents(values: Floats) -> pa.Array:
    missing = np.isnan(values)
    return pa.array(np.floor(np.where(missing, 0, values) + 0.5).astype(np.int64), pa.int64(), mask=missing)


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def _parquet(path: Path, table: Any) -> None:
    with written_whole(path, "wb", private=True) as stream:
        pq.write_table(table, stream, compression="zstd")


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with written_whole(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
