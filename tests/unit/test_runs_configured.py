"""The whole chain from a configuration: what a run holds, what is made again, and what a fault leaves."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.archive.explanation import explain_participant
from openasm.archive.manifest import file_hash
from openasm.archive.run import read_run
from openasm.archive.tables import read_csv
from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.cli.run import app
from openasm.runs.chain import stage_work
from openasm.runs.chain.run import StageStopped, plan_configured, run_configured
from openasm.runs.chain.stage_store import Store
from openasm.runs.demonstration.story import story_of
from openasm.runs.measures.admissions import run_admissions
from tests.builders.configured_runs import (
    configured,
    copied,
    is_whole,
    results_of,
    run_now,
    small_group,
    with_section,
)

NOW = {"now": lambda: dt.datetime.now(dt.UTC)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a group's files and a finished run; tests work on copies."""
    folder = tmp_path_factory.mktemp("group")
    small_group(folder)
    run_now(folder / "practice.toml", folder / "run")
    return folder


@pytest.fixture
def group(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path / "group")


def test_the_run_folder_holds_what_the_reference_says(made: Path) -> None:
    run = made / "run"
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    wanted = {
        *("manifest.json", "config.toml", "execution.json", "report.html"),
        *(
            f"scores/{name}.csv"
            for name in ("scores", "measure_scores", "benchmarks", "categories", "cohorts", "practices")
        ),
        *(f"scores/inputs/{name}.csv" for name in ("participants", "quality", "cost", "attestations")),
        *(f"scores/{name}.csv" for name in ("quality", "quality_by_clinician", "gap_worth", "cost", "cost_categories")),
        *(f"scores/{name}.csv" for name in ("cost_models", "cost_mips", "eligibility", "participation_years")),
        *(f"scores/{name}.csv" for name in ("program_overlaps", "who-is-in", "systems", "sites")),
        *("scores/data_problems.csv", "scores/claims_by_practice.csv", "worksheets/tin_questions.csv"),
        *(f"patients/{name}" for name in ("populations.csv", "populations.parquet", "gaps.csv", "worklist.csv")),
        *(f"patients/{name}.parquet" for name in ("episodes", "attribution", "episode_costs", "costliest", "timeline")),
        *("patients/quality_visits.csv", "patients/asm_beneficiaries.parquet", "patients/primary_care.parquet"),
        *("scores/shared_beneficiaries.csv", "scores/level_choice.csv"),
    }
    assert wanted <= names
    page = (Path(__file__).parents[2] / "docs" / "reference" / "run-folder.md").read_text(encoding="utf-8")
    stems = {Path(name).name.split(".")[0] for name in names}
    assert {stem for stem in stems if stem not in page} == set()
    assert (run / "patients").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (run / "patients").iterdir()} == {0o600}
    assert is_whole(run)


def test_no_patient_is_outside_patients(made: Path) -> None:
    run = made / "run"
    people = set(pq.read_table(run / "patients" / "episodes.parquet")["beneficiary"].to_pylist())
    with (run / "patients" / "populations.csv").open(encoding="utf-8", newline="") as stream:
        people |= {row["patient"] for row in csv.DictReader(stream)}
    assert len(people) > 20
    for path in [*(run / "scores").rglob("*.*"), *run.glob("*.*")]:
        content = path.read_bytes()
        assert [each for each in people if each.encode() in content] == []


def test_both_cohorts_stand_in_one_table_each(made: Path) -> None:
    patients = made / "run" / "patients"
    for name in ("episodes", "attribution", "episode_costs", "costliest", "timeline"):
        cohorts = pq.read_table(patients / f"{name}.parquet")["cohort"].to_pylist()
        assert sorted(set(cohorts)) == ["heart_failure", "low_back_pain"]
        assert cohorts == sorted(cohorts)
    with (made / "run" / "scores" / "cost.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["measure"] for row in csv.DictReader(stream)} == {"COST_HF_1", "COST_LBP_1"}


def test_ones_own_rows_are_computed_and_the_peers_are_as_given(made: Path) -> None:
    def rows(path: Path) -> dict[tuple[str, str, str], dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as stream:
            return {(row["tin"], row["npi"], row["measure"]): row for row in csv.DictReader(stream)}

    scored, computed = rows(made / "run" / "scores" / "inputs" / "cost.csv"), rows(made / "run" / "scores" / "cost.csv")
    given = rows(made / "peers" / "cost.csv")
    own = [key for key in scored if key not in given]
    assert own
    assert all(float(scored[key]["score"]) == float(computed[key]["score"]) for key in own)
    assert all(float(scored[key]["score"]) == float(given[key]["score"]) for key in given)


def test_the_manifest_is_enough_to_repeat_the_run(made: Path) -> None:
    manifest = json.loads((made / "run" / "manifest.json").read_text(encoding="utf-8"))
    stages = {each["name"]: each for each in manifest["stages"]}
    assert manifest["command"] == "run"
    assert list(stages)[:2] == ["claims", "claims_by_practice"]
    for each in stages.values():
        assert len(each["key"]) == 64
        assert each["program"]["version"] == manifest["version"]
        assert {"after", "inputs", "parameters", "settings", "outputs"} <= set(each)
    assert {one["role"] for one in stages["eligibility"]["inputs"]} == {"participant list", "roster"}
    assert stages["scores"]["after"] == ["score_inputs"]
    assert {each["name"] for each in manifest["inputs"]} >= {"records", "roster.csv", "list.csv", "attestations.csv"}
    assert "seconds" not in json.dumps(manifest["stages"])
    assert {each["stage"] for each in manifest["not_computed"]} == {"admissions", "projection", "comparison", "trend"}
    assert str(made) not in json.dumps(manifest)


def test_what_holds_for_many_models_or_measures_is_one_note(made: Path) -> None:
    notes = json.loads((made / "run" / "manifest.json").read_text(encoding="utf-8"))["notes"]
    unread = [note for note in notes if "were not read" in note]
    assert len(unread) == 1
    assert unread[0].count("logic of CMS") > 1
    models = [note for note in notes if "not a regression of these data" in note]
    assert any(" models (" in note for note in models)
    endings = [note.split(":", 1)[1] for note in models]
    assert len(models) <= 4 * len(set(endings)), models  # two cohorts, two years


def test_the_run_reads_like_any_other(made: Path) -> None:
    run = read_run(made / "run")
    row = next(run.table("scores").rows())
    assert explain_participant(run, tin=row["tin"], npi=row["npi"])


def test_the_run_tells_its_story_without_naming_a_patient(made: Path) -> None:
    tins = sorted({row["tin"] for row in read_csv(made / "roster.csv").rows()})
    story = {line.title: line for line in story_of(made / "run", tins=tins, within_days=31)}
    assert list(story) == [
        "Just under the minimum",
        "Gaps that close soon",
        "An expensive pathway",
        "A missing attestation",
        "A data problem",
    ]
    assert "holds 19 heart failure episodes; 20 are needed" in story["Just under the minimum"].text
    assert "IA_2" in story["A missing attestation"].text
    assert "N025" in story["A data problem"].text
    for line in story.values():
        assert "demo-0" not in line.text
        for name in line.where.replace(" (confidential)", "").replace(";", ",").replace(" and ", ", ").split(", "):
            assert (made / "run" / name).is_file() or (made / "run" / "patients" / name).is_file()


def test_a_story_of_other_practices_tells_nothing_of_these(made: Path) -> None:
    titles = [line.title for line in story_of(made / "run", tins=("000999999",), within_days=31)]
    assert titles == ["Gaps that close soon"]


def test_a_second_run_makes_nothing_again(group: Path) -> None:
    before = results_of(group / "run")
    summary = run_now(group / "practice.toml", group / "run")
    assert summary.made == ()
    assert results_of(group / "run") == before


def test_another_place_name_and_number_of_jobs_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    elsewhere = copied(made, tmp_path / "elsewhere")
    run_now(elsewhere / "practice.toml", tmp_path / "another name", jobs=3)
    assert results_of(tmp_path / "another name") == results_of(made / "run")


def made_again(group: Path, path: Path) -> dict[str, str]:
    steps = plan_configured(configured(path), group / "run", **NOW).steps
    again = {step.stage.name: step.why for step in steps if step.entry is None}
    assert set(run_now(path, group / "run").made) == set(again)
    return again


def test_attestations_redo_scores_and_nothing_before(group: Path) -> None:
    file = group / "attestations.csv"
    file.write_text(file.read_text().replace("IA_1,yes", "IA_1,no", 1))
    again = made_again(group, group / "practice.toml")
    assert set(again) == {"score_inputs", "scores", "levels", "worklist", "report"}
    assert again["score_inputs"] == "attestations attestations.csv changed"
    assert again["scores"] == "rests on score_inputs, which is another"


def test_a_rule_value_redoes_the_stages_that_use_it(group: Path) -> None:
    (group / "own.yaml").write_text(
        "section: payment\nparameters:\n  risk_level:\n    values:\n      - {years: [2027], value: 0.05, citation: a what-if}\n"
    )
    changed = group / "changed.toml"
    changed.write_text((group / "practice.toml").read_text() + '[rules]\noverlays = ["own.yaml"]\n')
    again = made_again(group, changed)
    assert set(again) == {"scores", "levels", "worklist", "report"}
    assert again["scores"] == "rule value payment.risk_level changed"


def admission_codes(folder: Path) -> Path:
    """Codes of the made-up claims' admissions: beginnings of diagnoses alone."""
    path = folder / "admission-codes.csv"
    path.write_text("list,code\nheart_failure,I50\ncardiovascular,I\n", encoding="utf-8")
    return path


def test_observed_admissions_are_a_stage_of_their_own(made: Path, tmp_path: Path) -> None:
    group = copied(made, tmp_path / "group")
    codes = admission_codes(group)
    path = with_section(group, "[codes]", f'[admissions]\ncodes = "{codes.name}"\n\n[codes]')
    summary = run_now(path, group / "run")
    assert set(summary.made) == {"admissions", "report"}
    with (group / "run" / "scores" / "admissions.csv").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    run_admissions(group / "claims", tmp_path / "alone", codes_file=codes, year=2027, **NOW)
    with (tmp_path / "alone" / "scores" / "admissions.csv").open(encoding="utf-8", newline="") as stream:
        assert found == list(csv.DictReader(stream))
    assert any(int(row["admissions"]) for row in found)
    # Without `in_scores` nobody is scored by them; with it, the clinicians' rows of measure 492 are theirs.
    before = (group / "run" / "scores" / "inputs" / "quality.csv").read_bytes()
    assert before == (made / "run" / "scores" / "inputs" / "quality.csv").read_bytes()
    assert set(run_now(path, group / "run").made) == set()
    codes.write_text(codes.read_text(encoding="utf-8") + "planned_drg,001\n", encoding="utf-8")
    assert set(run_now(path, group / "run").made) == {"admissions", "report"}
    text = path.read_text(encoding="utf-8").replace("[admissions]\n", "[admissions]\nin_scores = true\n")
    path.write_text(text.replace("[score_inputs]\n", '[score_inputs]\nwhen_both = "computed"\n'), encoding="utf-8")
    summary = run_now(path, group / "run")
    assert {"score_inputs", "scores"} <= set(summary.made)
    assert "admissions" in summary.reused
    with (group / "run" / "scores" / "inputs" / "quality.csv").open(encoding="utf-8", newline="") as stream:
        scored = {(row["tin"], row["npi"]): row for row in csv.DictReader(stream) if row["measure"] == "492"}
    own = {(row["tin"], row["npi"]): row for row in found if row["npi"] and row["rate"]}
    both = own.keys() & scored.keys()
    assert both
    assert all(float(scored[key]["rate"]) == round(float(own[key]["rate"]), 6) for key in both)


def test_how_the_work_is_done_redoes_nothing(group: Path) -> None:
    changed = with_section(group, "year = 2027", 'year = 2027\nmemory = "1GB"\njobs = 1\nkeep_days = 3')
    before = results_of(group / "run")
    assert run_now(changed, group / "run").made == ()
    assert results_of(group / "run") == before
    assert "keep_days" in (group / "run" / "config.toml").read_text()


def test_going_back_finds_the_earlier_stages(group: Path) -> None:
    before = results_of(group / "run")
    changed = with_section(group, 'forms = ["html"]', 'forms = ["html"]\n[projection2]')
    changed.write_text(
        changed.read_text().replace("\n[projection2]", "").replace("as_of = 2027-12-01", "as_of = 2027-11-01")
    )
    assert set(run_now(changed, group / "run").made) >= {"quality", "worklist"}
    assert results_of(group / "run") != before
    assert run_now(group / "practice.toml", group / "run").made == ()
    assert results_of(group / "run") == before


def test_a_stage_whose_files_were_changed_is_made_again(group: Path) -> None:
    before = results_of(group / "run")
    (stage,) = (group / "run.stages").glob("scores-*")
    (stage / "out" / "scores" / "scores.csv").write_text("tin\n")
    again = made_again(group, group / "practice.toml")
    assert again == {"scores": "its files are gone or were changed"}
    assert results_of(group / "run") == before


def test_stages_nobody_used_for_long_go(group: Path) -> None:
    changed = with_section(group, "as_of = 2027-12-01", "as_of = 2027-11-01")
    changed.write_text(changed.read_text().replace("year = 2027", "year = 2027\nkeep_days = 0"))
    run_now(changed, group / "run")
    assert len(list((group / "run.stages").glob("quality-*"))) == 1


def test_what_cannot_be_computed_is_said_and_why(group: Path) -> None:
    path = group / "little.toml"
    path.write_text('[run]\nyear = 2027\n[records]\nsource = "records"\nvalue_sets = "value-sets"\ntin = "000000001"\n')
    plan = plan_configured(configured(path), group / "little", **NOW)
    assert [step.stage.name for step in plan.steps] == ["quality", "worklist"]
    assert plan.not_computed["scores"] == "nobody to score: no [score_inputs] peers or participants"
    assert plan.not_computed["claims"] == "no claims: no [claims] sources"
    assert not (group / "little.stages").exists()
    summary = run_now(path, group / "little")
    assert "report" in summary.not_computed
    assert (group / "little" / "scores" / "quality_by_clinician.csv").is_file()
    assert not (group / "little" / "report.html").exists()


def test_loaded_claims_without_the_data_year_say_so(group: Path) -> None:
    record = json.loads((group / "claims" / "claims.json").read_text())
    record["data_start"], record["data_end"] = "2026-01-01", "2027-12-31"
    (group / "claims" / "claims.json").write_text(json.dumps(record))
    path = with_section(group, '"tables"', '"loaded"')
    why = plan_configured(configured(path), group / "loaded", **NOW).not_computed
    assert why["eligibility"] == "the claims run from 2026-01-01 to 2027-12-31 and hold nothing of 2025"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "N031"),
        (OSError("IO Error: could not write: No space left on device"), "N031"),
        (MemoryError(), "N030"),
        (RuntimeError("java.lang.OutOfMemoryError: Java heap space"), "N030"),
    ],
)
def test_want_of_room_or_memory_is_a_clear_problem_and_an_earlier_run_stays(
    group: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    before = results_of(group / "run")
    changed = with_section(group, "as_of = 2027-12-01", "as_of = 2027-11-01")

    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(stage_work, "run_quality", fails)
        with pytest.raises(StageStopped, match=f"{code} Quality measures"):
            run_now(changed, group / "run")
    assert results_of(group / "run") == before
    assert not list(group.glob(".run*"))
    assert "quality" in run_now(changed, group / "run", resume=True).made


def test_another_failure_is_not_taken_for_one_of_these(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stage_work, "run_quality", fails)
    with pytest.raises(ZeroDivisionError):
        run_now(with_section(group, "as_of = 2027-12-01", "as_of = 2027-11-01"), group / "run")


def test_every_file_that_cannot_be_read_is_named(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Store, path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Store, "hash_of", refused)
    with pytest.raises(InputRefused) as found:
        run_now(group / "practice.toml", group / "run")
    assert {each.kind.code for each in found.value.problems} == {"N010"}
    assert {each.file for each in found.value.problems} >= {"records", "roster.csv", "attestations.csv"}


@pytest.mark.parametrize("how", ["rows", "new", "gone", "fails"])
def test_an_input_that_changes_while_it_is_read_ends_the_run_and_the_stage_is_not_kept(
    group: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    before = results_of(group / "run")
    changed = with_section(group, "as_of = 2027-12-01", "as_of = 2027-11-01")
    genuine = stage_work.run_quality
    record = next(path for path in sorted((group / "records").rglob("*")) if path.is_file())

    def delivered_meanwhile(*arguments: object, **more: object) -> None:
        genuine(*arguments, **more)
        if how == "new":
            (record.parent / f"new-{record.name}").write_bytes(record.read_bytes())
        elif how == "gone":
            record.unlink()
        else:
            with record.open("ab") as stream:
                stream.write(b"\n")
        if how == "fails":
            raise ValueError("half a file")

    with monkeypatch.context() as patched:
        patched.setattr(stage_work, "run_quality", delivered_meanwhile)
        with pytest.raises(InputRefused) as refused:
            run_now(changed, group / "run")
    words = {"rows": "1 file changed", "fails": "1 file changed", "new": "1 file new", "gone": "1 file gone"}
    assert [(each.kind.code, each.file, each.found) for each in refused.value.problems] == [
        ("N012", "records", words[how])
    ]
    assert refused.value.exit_code == 3
    assert results_of(group / "run") == before
    assert len(list((group / "run.stages").glob("quality-*"))) == 1
    assert not list((group / "run.stages" / "work").glob("quality-*"))
    if how == "rows":
        assert "quality" in run_now(changed, group / "run", resume=True).made


def test_rule_values_that_change_while_a_stage_runs_end_the_run(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "section: payment\nparameters:\n  risk_level:\n    values:\n      - {years: [2027], value: 0.05, citation: a what-if}\n"
    (group / "own.yaml").write_text(text)
    changed = group / "changed.toml"
    changed.write_text((group / "practice.toml").read_text() + '[rules]\noverlays = ["own.yaml"]\n')
    genuine = stage_work.score_folder

    def edited_meanwhile(*arguments: object, **more: object) -> None:
        genuine(*arguments, **more)
        (group / "own.yaml").write_text(text.replace("0.05", "0.07"))

    monkeypatch.setattr(stage_work, "score_folder", edited_meanwhile)
    with pytest.raises(InputRefused) as refused:
        run_now(changed, group / "run")
    assert [(each.kind.code, each.file) for each in refused.value.problems] == [("N012", "own.yaml")]


def test_an_earlier_run_that_is_none_is_refused(group: Path) -> None:
    path = group / "changed.toml"
    path.write_text((group / "practice.toml").read_text() + '[previous]\nruns = ["records"]\n')
    with pytest.raises(InputRefused) as refused:
        run_now(path, group / "run")
    assert [each.kind.code for each in refused.value.problems] == ["N011"]


def test_an_earlier_run_is_named_with_its_hash(group: Path) -> None:
    path = group / "changed.toml"
    path.write_text((group / "practice.toml").read_text() + '[previous]\nruns = ["before"]\n')
    copied(group / "run", group / "before")
    run_now(path, group / "run")
    manifest = json.loads((group / "run" / "manifest.json").read_text())
    (named,) = manifest["previous"]
    assert (named["name"], named["year"]) == ("before", 2027)
    assert named["sha256"] == file_hash(group / "before" / "manifest.json")


def test_earlier_runs_are_compared_and_followed(group: Path) -> None:
    path = group / "changed.toml"
    path.write_text((group / "practice.toml").read_text() + '[previous]\nruns = ["before"]\n')
    copied(group / "run", group / "before")
    file = group / "attestations.csv"
    file.write_text(file.read_text().replace("IA_1,yes", "IA_1,no"))
    assert set(run_now(path, group / "run").made) == {
        *("score_inputs", "scores", "levels", "worklist", "comparison", "trend", "report")
    }
    run = group / "run"
    own = {row["tin"] for row in read_csv(group / "roster.csv").rows()}
    comparison = json.loads((run / "scores" / "comparison.json").read_text())
    assert comparison["format"] == "openasm-comparison"
    assert comparison["second"]["ended"] == "2027-12-01"
    assert {each["tin"] for each in comparison["participants"]} <= own
    scores = {
        name: {
            (row["cohort"], row["tin"], row["npi"]): row["final_score"]
            for row in read_run(group / name).table("scores").rows()
        }
        for name in ("before", "run")
    }
    fallen = 0
    for each in comparison["participants"]:
        key = each["cohort"], each["tin"], each["npi"]
        assert each["final_score_before"] == pytest.approx(float(scores["before"][key]))
        assert each["final_score_after"] == pytest.approx(float(scores["run"][key]))
        fallen += each["final_score_after"] < each["final_score_before"]
    assert fallen
    assert len(list(read_csv(run / "scores" / "comparison.csv").rows())) == len(comparison["participants"])
    rows = list(read_csv(run / "scores" / "trend.csv").rows())
    assert {row["tin"] for row in rows} >= {""}
    assert {row["tin"] for row in rows} - {""} <= own
    assert {row["kind"] for row in rows} == {"run", "month", "forecast"}
    cost = [row for row in rows if (row["tin"], row["kind"], row["measure"]) == ("", "run", "COST_HF_1")]
    assert [row["day"] for row in cost] == ["2027-12-01", "2027-12-01"]
    assert cost[0]["value"] == cost[1]["value"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'href="comparison.html"' in page
    assert 'href="trend-1.html"' in page
    assert is_whole(run)
    assert (run / "comparison.html").is_file()
    again = copied(group, group.with_name("again"))
    run_now(again / "changed.toml", again / "elsewhere")
    assert results_of(again / "elsewhere") == results_of(run)
    assert run_now(path, run).made == ()


def test_earlier_runs_without_scores_are_followed_but_not_compared(group: Path) -> None:
    little = group / "little.toml"
    little.write_text(
        '[run]\nyear = 2027\n[records]\nsource = "records"\nvalue_sets = "value-sets"\ntin = "000000001"\n'
    )
    run_now(little, group / "little")
    path = group / "changed.toml"
    path.write_text(little.read_text() + '[previous]\nruns = ["little"]\n')
    plan = plan_configured(configured(path), group / "next", **NOW)
    assert plan.not_computed["comparison"] == "no earlier run holds scores"
    assert [step.stage.name for step in plan.steps] == ["quality", "worklist", "trend"]
    run_now(path, group / "next")
    rows = list(read_csv(group / "next" / "scores" / "trend.csv").rows())
    assert {row["day"] for row in rows} == {"2027-12-31"}  # the whole year counts where no day is given
    assert {row["tin"] for row in rows} == {"", "000000001"}


def test_other_folders_are_left_alone(group: Path) -> None:
    with pytest.raises(WrongUsage, match="holds other files"):
        run_now(group / "practice.toml", group / "records")
    (group / "scored").mkdir()
    (group / "scored" / "manifest.json").write_text('{"format": "openasm-run", "command": "score"}')
    with pytest.raises(WrongUsage, match="holds a run of openasm score"):
        run_now(group / "practice.toml", group / "scored")


def test_resuming_nothing_is_said(group: Path) -> None:
    with pytest.raises(NotFound, match="nothing to resume"):
        run_configured(configured(group / "practice.toml"), group / "new", resume=True, **NOW)


def test_progress_counts_stages_and_guesses_the_time_left(group: Path) -> None:
    told = []
    run_now(with_section(group, "as_of = 2027-12-01", "as_of = 2027-11-01"), group / "run", progress=told.append)
    assert told[0].place == 1
    assert {each.of for each in told} == {14}
    assert any(not each.reused and each.left for each in told)
    assert told[-1].title == "Report"


def test_the_command_plans_runs_and_says_what_next(group: Path) -> None:
    runner = CliRunner()
    arguments = [str(group / "practice.toml"), "--out", str(group / "run")]
    plan = runner.invoke(app, [*arguments, "--dry-run", "--json"])
    assert {each["do"] for each in json.loads(plan.stdout)["stages"]} == {"reuse"}
    words = runner.invoke(app, [*arguments, "--dry-run"]).stdout
    assert "nothing it rests on has changed" in words
    assert "not computed: switched off" in words
    done = runner.invoke(app, [*arguments, "--resume"])
    assert done.exit_code == 0
    assert "0 stages computed" in done.stdout
    assert "openasm explain" in done.stdout
    record = json.loads(runner.invoke(app, [*arguments, "--json"]).stdout)
    assert record["computed"] == []
    assert {"stage", "code"} <= set(record["problems"][0])
    assert isinstance(runner.invoke(app, [*arguments, "--engine", "polars"]).exception, WrongUsage)
    assert isinstance(runner.invoke(app, [*arguments, "--jobs", "-1"]).exception, WrongUsage)
