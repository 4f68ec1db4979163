"""The trail of the cost category (42 CFR 512.730)."""

from __future__ import annotations

from collections.abc import Mapping

from openasm.archive.run import Run
from openasm.archive.trail import Calculation, Step, digits, signed

_BANDS = 10


def cost_step(run: Run, participant: Mapping[str, str]) -> Step:
    """The cost measure against its benchmark."""
    cohort = participant["cohort"]
    measure = str(run.parameter("cost.measures").value[cohort])
    row = run.table("measure_scores").where(
        tin=participant["tin"], npi=participant["npi"], cohort=cohort, measure=measure
    )[0]
    names = ["cost.measures", "cost.case_minimum"]
    episodes = f"{row['eligible']} episodes" if row["eligible"] else "no episodes"
    if row["status"] != "scored":
        names += ["cost.smallest_pool", "cost.no_spread"] if row["finding"] in ("pool_too_small", "no_spread") else []
        return Step(
            "cost",
            f"{measure}: not scored",
            (f"With {episodes}: {row['reason']}.",),
            (),
            tuple(run.parameter(name) for name in names),
        )
    benchmark = run.table("benchmarks").where(cohort=cohort, measure=measure)[0]
    calculations = _points(run, row, benchmark)
    if benchmark["source"] == "pool":
        names += ["cost.benchmark_pool", "cost.benchmark_center", "cost.benchmark_spread"]
        names += ["cost.standard_deviation_divisor", "cost.smallest_pool", "cost.grid_multiples"]
        against = f"the {benchmark['pool_size']} scores of the cohort"
    else:
        against = f"CMS's published cut points ({benchmark['source']}), a what-if"
    names += ["cost.partial_points_cap", "cost.partial_points_rounding", "cost.maximum_points"]
    score = float(participant["cost_score"])
    return Step(
        "cost",
        f"{measure}: {row['points']} points, category {digits(score)} of 1",
        (f"{episodes.capitalize()} at {digits(float(row['rate']))} dollars, against {against}.",),
        (
            *calculations,
            Calculation(
                "cost score",
                "points / points available",
                f"{row['points']} / {digits(float(run.parameter('cost.maximum_points').value))}",
                score,
            ),
        ),
        tuple(run.parameter(name) for name in names),
        score,
    )


def _points(run: Run, row: Mapping[str, str], benchmark: Mapping[str, str]) -> list[Calculation]:
    """The band the score lies in, its edges, and the points."""
    score, points = float(row["rate"]), float(row["points"])
    edges = [float(benchmark[f"e{number}"]) for number in range(1, _BANDS + 1)]
    passed = sum(edge <= score for edge in edges)
    if passed == 0:
        return [
            *_edge(run, benchmark, 0, edges),
            Calculation("points", "the score is below the first edge", "", points),
        ]
    if passed == _BANDS:
        formula = "the score is not below the last edge"
        return [*_edge(run, benchmark, _BANDS - 1, edges), Calculation("points", formula, "", points)]
    low, high = edges[passed - 1], edges[passed]
    whole = _BANDS - passed
    within = (high - score) / (high - low)
    filled = f"({digits(high)} - {digits(score)}) / ({digits(high)} - {digits(low)})"
    cap = digits(float(run.parameter("cost.partial_points_cap").value))
    partial = round(points - whole, 10)
    return [
        *_edge(run, benchmark, passed - 1, edges),
        *_edge(run, benchmark, passed, edges),
        Calculation(f"part of band {whole}", "(upper edge - score) / (upper edge - lower edge)", filled, within),
        Calculation(
            "points",
            f"band + that part, rounded half up to one decimal and at most {cap}",
            f"{whole} + {digits(partial)}",
            points,
        ),
    ]


def _edge(run: Run, benchmark: Mapping[str, str], place: int, edges: list[float]) -> list[Calculation]:
    name = f"edge {place + 1}"
    if benchmark["source"] != "pool":
        return [Calculation(name, f"published cut point {place + 1}", "", edges[place])]
    multiple = float(run.parameter("cost.grid_multiples").value[place])
    median, deviation = float(benchmark["median"]), float(benchmark["standard_deviation"])
    filled = f"{digits(median)} {signed(multiple)} x {digits(deviation)}"
    return [Calculation(name, "median + multiple x standard deviation", filled, edges[place])]
