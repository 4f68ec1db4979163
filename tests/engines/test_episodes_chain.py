"""What must hold of the chain whatever the claims: order, shifts, resuming, and the command from end to end."""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, NotFound, OpenAsmError, WrongUsage
from openasm.cli.episodes import app
from openasm.episodes.chain import STAGES, Chain, run_steps
from openasm.episodes.days import day_number
from openasm.episodes.frames import claim_frames, day_of, month_of
from openasm.episodes.outcome import outcome
from openasm.episodes.outputs import write_outcome
from openasm.episodes.plain import Diagnosis, Facts, Line, Month, Person
from openasm.episodes.specifications.construction import construction_for, demonstration_workbook
from openasm.regulation.cost import points_of, published_benchmark
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from openasm.runs.cost.episodes import run_episodes
from openasm.runs.cost.synthesis import synthetic_region
from openasm.tables.engine import Engine, open_engine
from tests.builders.engines import SPARK
from tests.builders.episode_claims import demonstration, enrolled, living, opened, visits

YEAR = 2027
HEART = "heart_failure"
CLOCK = dt.datetime(2028, 2, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module", params=["duckdb", SPARK])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        request.getfixturevalue("spark_session")
    with open_engine(request.param, memory_bytes=1024**3, threads=2) as opened:
        yield opened


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("region") / "made"
    synthetic_region(5, folder, participants=6, beneficiaries=500)
    return folder / "tables"


def some_facts(shift: int = 0) -> Facts:
    """Forty people with visits at the edges of windows, stays, drugs and gaps in enrollment."""
    lines: list[Line] = []
    headers: list[Diagnosis] = []
    months: list[Month] = []
    people: list[Person] = []
    for number in range(40):
        who = f"P{number:02}"
        first = day_number(dt.date(2026, 1, 1)) + 3 * number + shift
        days = [first, first + 100 + number, first + 179 + number % 3, first + 363 + number % 4]
        for tin in ("000000001", "000000002")[: 1 + number % 2]:
            more, more_headers = visits(who, days, tin=tin, npi="AB"[number % 2], code="99213")
            lines += more
            headers += more_headers
        lines.append(Line(who, f"{who}-stay", 1, "inpatient", first + 20, 500_000 + number, drg="291"))
        headers.append(Diagnosis(who, f"{who}-stay", 1, "I5022"))
        lines.append(Line(who, f"{who}-pills", 1, "drug", first + 40, 900, ndc="00000000002"))
        months += enrolled(who, dt.date(2024, 1, 1), dt.date(2029, 12, 1))
        people.append(living(who, dt.date(1930 + number, 5, 5)))
    return Facts(lines, headers, months, people, day_number(dt.date(2029, 12, 31)) + shift)


def written(facts: Facts, engine: Engine, folder: Path, year: int = YEAR) -> dict[str, bytes]:
    """The chain's output files by name."""
    codes, construction = demonstration(HEART, minimum_model_episodes=20)
    chain = Chain(engine, folder / "stages")
    run_steps(chain, claim_frames(opened(facts, engine)), codes, construction, year=year)
    write_outcome(outcome(chain, codes, construction), folder / "out", chain=chain, codes=codes)
    return {path.name: path.read_bytes() for path in sorted((folder / "out").rglob("*.*"))}


@pytest.fixture(scope="module")
def made(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """Stages and output of `some_facts`, and the output's bytes; for reading only."""
    folder = tmp_path_factory.mktemp(engine.name)
    return folder, written(some_facts(), engine, folder)


@pytest.fixture
def copy(made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> Path:
    """The same to change."""
    return Path(shutil.copytree(made[0], tmp_path / "copy"))


@pytest.fixture(scope="module")
def duck() -> Iterator[Engine]:
    """For what the engine has no part in: on Spark a chain takes many seconds."""
    with open_engine(memory_bytes=1024**3, threads=2) as opened:
        yield opened


def removed(path: Path) -> None:
    """Take away a stage: a file, or a folder of files where Spark made it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def test_the_order_of_rows_changes_no_byte(engine: Engine, made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    folder, first = made
    facts = some_facts()
    assert pq.ParquetFile(folder / "out" / "patients" / "episodes.parquet").metadata.num_rows > 25
    assert set(first) == {
        *("attribution.parquet", "categories.csv", "cost.csv", "costliest.parquet", "episode_costs.parquet"),
        *("episodes.parquet", "models.csv", "timeline.parquet"),
    }

    def mixed(rows: list) -> list:
        return random.Random(8).sample(rows, len(rows))

    shuffled = Facts(
        mixed(list(facts.lines)),
        mixed(list(facts.diagnoses)),
        mixed(list(facts.enrollment)),
        mixed(list(facts.people)),
        facts.data_end,
    )
    assert written(shuffled, engine, tmp_path / "b") == first


def test_shifting_all_days_shifts_the_episodes(duck: Engine, tmp_path: Path) -> None:
    written(some_facts(), duck, tmp_path / "a")
    written(some_facts(shift=365), duck, tmp_path / "b", year=YEAR + 1)
    names = ["beneficiary", "tin", "days", "observed_cents"]
    a, b = (pq.read_table(tmp_path / each / "out" / "patients" / "episodes.parquet") for each in "ab")
    assert a.select(names).to_pylist() == b.select(names).to_pylist()
    moved = [(y - x).days for x, y in zip(a["start_date"].to_pylist(), b["start_date"].to_pylist(), strict=True)]
    assert set(moved) == {365}


def test_a_chain_broken_off_anywhere_goes_on_to_the_same_bytes(
    engine: Engine, made: tuple[Path, dict[str, bytes]], copy: Path
) -> None:
    facts = some_facts()
    for stage in STAGES if engine.name != "spark" else ("lines", "costs"):  # there a folder and a file
        removed(copy / "stages" / f"{stage}.parquet")
        assert written(facts, engine, copy) == made[1]


def test_one_engine_goes_on_with_the_stages_of_another(
    engine: Engine, duck: Engine, made: tuple[Path, dict[str, bytes]], copy: Path
) -> None:
    for stage in ("claims", "attribution", "services", "costs", "conditions", "enrollment", "categories"):
        removed(copy / "stages" / f"{stage}.parquet")
    assert written(some_facts(), duck, copy) == made[1]


def test_only_missing_stages_are_made(duck: Engine, tmp_path: Path) -> None:
    facts = some_facts()
    written(facts, duck, tmp_path)
    (tmp_path / "stages" / "costs.parquet").unlink()
    stages: list[str] = []
    codes, construction = demonstration(HEART)
    chain = Chain(duck, tmp_path / "stages", stages.append)
    run_steps(chain, claim_frames(opened(facts, duck)), codes, construction, year=YEAR)
    assert stages == ["costs"]


def test_no_claims_at_all_give_empty_results(engine: Engine, tmp_path: Path) -> None:
    facts = replace(some_facts(), lines=[Line("P00", "c", 1, "professional", 20_000)], diagnoses=[])
    files = written(facts, engine, tmp_path)
    assert files["cost.csv"] == b"tin,npi,measure,episodes,score\n"
    assert pq.ParquetFile(tmp_path / "out" / "patients" / "timeline.parquet").metadata.num_rows == 0


def test_timeline_and_categories_make_the_observed_cost(made: tuple[Path, dict[str, bytes]]) -> None:
    out = made[0] / "out"
    shown = pq.read_table(out / "patients" / "costliest.parquet").to_pylist()
    assert {row["rank"] for row in shown} == set(range(1, 11))
    timeline = pq.read_table(out / "patients" / "timeline.parquet").to_pylist()
    for row in shown:
        own = [each for each in timeline if each["episode_id"] == row["episode_id"]]
        assert sum(each["cents"] for each in own) == row["observed_cents"]
        assert all(row["start_date"] <= each["date"] <= row["end_date"] for each in own)
        assert {each["code"] for each in own} <= {"99213", "291", "00000000002"}
    with (out / "scores" / "categories.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if not row["npi"]]
    assert {row["category"] for row in rows} == {"Invented category A", "Invented category C", "Invented drug category"}
    one = {row["category"]: float(row["dollars_a_year"]) for row in rows if row["tin"] == "000000001"}
    two = {row["category"]: float(row["peers_dollars_a_year"]) for row in rows if row["tin"] == "000000002"}
    assert one == two  # of two practices each is the other's peers


def test_day_and_month_numbers(engine: Engine) -> None:
    days = [dt.date(1970, 1, 1) + dt.timedelta(days=step) for step in range(-40_000, 60_000, 97)]
    days += [
        dt.date(2000, 2, 29),
        dt.date(2100, 2, 28),
        dt.date(2100, 3, 1),
        dt.date(1900, 12, 31),
        dt.date(2024, 12, 31),
    ]
    frame = engine.from_arrow(pa.table({"place": list(range(len(days))), "date": pa.array(days, pa.date32())}))
    rows = engine.to_arrow(frame.with_columns(day=day_of("date"), month=month_of("date"))).to_pylist()
    for row in rows:
        date = days[row["place"]]
        assert row["day"] == day_number(date)
        assert row["month"] == date.year * 12 + date.month - 1


def run(region: Path, out: Path, **more: object) -> object:
    return run_episodes(
        region, out, cohort=HEART, codes_file=demonstration_workbook(HEART), year=YEAR, now=lambda: CLOCK, **more
    )


def test_the_command_writes_the_documented_tables(region: Path, tmp_path: Path) -> None:
    words = [
        "--cohort",
        HEART,
        "--codes",
        str(demonstration_workbook(HEART)),
        "--year",
        str(YEAR),
        "--memory-limit",
        "1GB",
    ]
    result = CliRunner().invoke(app, [str(region), *words, "--out", str(tmp_path / "run"), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["demonstration_codes_list"] is True
    assert document["episodes_by_reason"]["counted"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]  # no stages stay behind
    episodes = pq.read_table(tmp_path / "run" / "patients" / "episodes.parquet")
    assert episodes.column_names[:13] == [
        *("cohort", "episode_id", "beneficiary", "tin", "start_date", "end_date", "days", "observed_cents"),
        *("annualized_cents", "expected_cents", "ratio", "excluded_reason", "subgroup"),
    ]
    attribution = pq.read_table(tmp_path / "run" / "patients" / "attribution.parquet")
    assert attribution.column_names == [
        *("episode_id", "tin", "npi", "qualifying_lines", "share", "attributed", "reason")
    ]
    costs = pq.read_table(tmp_path / "run" / "patients" / "episode_costs.parquet")
    assert costs.column_names == ["episode_id", "category", "setting", "lines", "cents"]
    with (tmp_path / "run" / "scores" / "cost.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["tin", "npi", "measure", "episodes", "score"]
    assert {row["measure"] for row in rows} == {"COST_HF_1"}
    counted = sum(reason is None for reason in episodes["excluded_reason"].to_pylist())
    assert sum(int(row["episodes"]) for row in rows if not row["npi"]) == counted
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    statuses = {each["name"]: each["status"] for each in manifest["parameters"]}
    assert statuses["heart_failure.window_days"] == "assumed"
    assert not any(name.startswith("low_back_pain") for name in statuses)
    persons = set(pq.read_table(region / "beneficiaries.parquet")["beneficiary"].to_pylist())
    for path in [*(tmp_path / "run" / "scores").iterdir(), tmp_path / "run" / "manifest.json"]:
        text = path.read_text(encoding="utf-8")
        assert not any(person in text for person in persons)


def test_the_score_is_the_mean_ratio_by_days_times_the_mean(region: Path, tmp_path: Path) -> None:
    summary = run(region, tmp_path / "run")
    rows = pq.read_table(tmp_path / "run" / "patients" / "episodes.parquet").to_pylist()
    counted = [row for row in rows if row["excluded_reason"] is None]
    assert summary.national_mean == pytest.approx(
        sum(row["winsorized_cents"] for row in counted) / len(counted) / 100, abs=0.01
    )
    with (tmp_path / "run" / "scores" / "cost.csv").open(encoding="utf-8") as stream:
        scores = {row["tin"]: float(row["score"]) for row in csv.DictReader(stream) if not row["npi"]}
    for tin, score in scores.items():
        own = [row for row in counted if row["tin"] == tin]
        by_hand = sum(row["days"] * row["ratio"] for row in own) / sum(row["days"] for row in own)
        assert score == pytest.approx(by_hand * summary.national_mean, rel=1e-9)


def test_published_points_of_mips_stand_beside_the_scores_under_their_own_name(region: Path, tmp_path: Path) -> None:
    """From 20 episodes on; cut points as in the published file, of which the worked points are in test_regulation_cost."""
    run(region, tmp_path / "run")
    with (tmp_path / "run" / "scores" / "cost.csv").open(encoding="utf-8") as stream:
        scores = {(row["tin"], row["npi"]): row for row in csv.DictReader(stream)}
    with (tmp_path / "run" / "scores" / "mips.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        *("tin", "npi", "measure", "episodes", "score"),
        *("mips_2024_points", "mips_2025_points"),
    ]
    enough = {key for key, row in scores.items() if row["score"] and int(row["episodes"]) >= 20}
    assert {(row["tin"], row["npi"]) for row in rows} == enough
    assert len(enough) < len(scores)  # the case minimum left some out
    rules = rules_for(YEAR)
    for row in rows:
        assert {name: scores[row["tin"], row["npi"]][name] for name in ("episodes", "score")} == {
            name: row[name] for name in ("episodes", "score")
        }
        for year in ("2024", "2025"):
            benchmark = published_benchmark("COST_HF_1", f"mips-{year}", rules)
            (points,) = points_of(Ratios.of_fractions([Fraction(row["score"])]), benchmark, rules).tolist()
            assert float(row[f"mips_{year}_points"]) == points
    notes = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["notes"]
    assert any("MIPS" in note and "ASM's benchmark is another" in note for note in notes)


def test_an_interrupted_run_goes_on_and_gives_the_same(region: Path, tmp_path: Path) -> None:
    run(region, tmp_path / "whole")

    def stop(stage: str) -> None:
        if stage == "conditions":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(region, tmp_path / "again", progress=stop)
    assert not (tmp_path / "again").exists()
    made: list[str] = []
    run(region, tmp_path / "again", progress=made.append)
    assert made == ["conditions", "enrollment", "categories", "scores"]
    for path in (tmp_path / "whole").rglob("*.*"):
        if path.name != "manifest.json":
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(tmp_path / "whole")).read_bytes()


def test_a_supplied_national_mean_scales_the_scores(region: Path, tmp_path: Path) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text(
        "section: heart_failure\nparameters:\n  national_mean:\n    values:\n      - years: [2027]\n"
        "        value: 15000\n        citation: made up for a test\n",
        encoding="utf-8",
    )
    summary = run(region, tmp_path / "run", overlays=[spec])
    assert (summary.national_mean, summary.mean_is_supplied) == (15_000.0, True)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    used = {each["name"]: each for each in manifest["parameters"]}
    assert used["heart_failure.national_mean"]["status"] == "user"
    assert "E027" not in {problem["code"] for problem in manifest["problems"]}


def test_years_outside_the_model_borrow_and_say_so() -> None:
    constants = construction_for(HEART, 2025)
    assert {parameter.assumed_from_year for parameter in constants.parameters} == {2027}
    assert not any(parameter.confirmed for parameter in constants.parameters)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"cohort": "knees"}, WrongUsage),
        ({"claims_folder": Path("nowhere")}, NotFound),
        ({"codes_file": Path("nowhere.xlsx")}, InputRefused),
        ({"engine_name": "abacus"}, WrongUsage),
    ],
)
def test_bad_calls_write_nothing(
    region: Path, tmp_path: Path, change: dict[str, object], error: type[OpenAsmError]
) -> None:
    given: dict[str, object] = {
        "claims_folder": region,
        "cohort": HEART,
        "codes_file": demonstration_workbook(HEART),
        "year": YEAR,
        "now": lambda: CLOCK,
        **change,
    }
    with pytest.raises(error):
        run_episodes(given.pop("claims_folder"), tmp_path / "run", **given)
    assert list(tmp_path.iterdir()) == []


def test_claims_of_part_of_the_care_are_warned_of(region: Path, tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    partial.mkdir()
    for path in region.iterdir():
        if path.name != "claim_lines.parquet":
            (partial / path.name).write_bytes(path.read_bytes())
    lines = pq.read_table(region / "claim_lines.parquet")
    tin = next(each for each in lines["tin"].to_pylist() if each)
    keep = [
        row == "professional" and own == tin
        for row, own in zip(lines["setting"].to_pylist(), lines["tin"].to_pylist(), strict=True)
    ]
    pq.write_table(lines.filter(pa.array(keep)), partial / "claim_lines.parquet")
    summary = run(partial, tmp_path / "run")
    codes = {(problem.kind.code, problem.column) for problem in summary.problems}
    assert {("E020", "inpatient"), ("E020", "outpatient"), ("E020", "drug"), ("E021", "")} <= codes


def test_lines_that_break_the_contract_are_counted_not_fatal(region: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in region.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    lines = pq.read_table(region / "claim_lines.parquet")
    place = lines.column_names.index("cost_cents")
    costs = [None if number % 5 == 0 else cents for number, cents in enumerate(lines["cost_cents"].to_pylist())]
    lines = lines.set_column(place, "cost_cents", pa.array(costs, pa.int64()))
    days = [None if number % 50 == 1 else day for number, day in enumerate(lines["from_date"].to_pylist())]
    place = lines.column_names.index("from_date")
    pq.write_table(lines.set_column(place, "from_date", pa.array(days, pa.date32())), broken / "claim_lines.parquet")
    summary = run(broken, tmp_path / "run")
    [found] = [problem for problem in summary.problems if problem.kind.code == "E028"]
    assert found.count == sum(cost is None or day is None for cost, day in zip(costs, days, strict=True))


def test_what_stands_out_keeps_its_timeline_too(made: tuple[Path, dict[str, bytes]]) -> None:
    out = made[0] / "out"
    kept = {row["episode_id"] for row in pq.read_table(out / "patients" / "timeline.parquet").to_pylist()}
    episodes = pq.read_table(out / "patients" / "episodes.parquet").to_pylist()
    far = [row for row in episodes if row["excluded_reason"] is None and (row["ratio"] or 0) >= 2]
    outliers = [row for row in episodes if row["excluded_reason"] == "outlier"]
    costliest = {row["episode_id"] for row in pq.read_table(out / "patients" / "costliest.parquet").to_pylist()}
    expected = {row["episode_id"] for row in (*far, *outliers) if row["observed_cents"]}
    assert len(far) + len(outliers) < 50, "below the limit"
    assert expected - costliest, "one that is not among the costliest"
    assert expected <= kept
