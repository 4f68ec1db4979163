"""`openasm project`: what it writes, what it says, and how it refuses."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from typer.testing import CliRunner

from openasm.archive.projection import PROJECTION_FILE, PROJECTION_TABLE, has_projection, read_projection
from openasm.archive.run import read_run
from openasm.archive.tables import read_csv
from openasm.base.errors import InputRefused, NotFound, OpenAsmError, RuleUnpublished, WrongUsage
from openasm.cli.project import app
from openasm.projection.project import Request, project
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, npi, write_folder

RUNNER = CliRunner()
ASSUMED = (
    "section: projection\nparameters:\n  participants_in_cohort:\n    values:\n"
    "      - {years: [2027], value: {heart_failure: 400, low_back_pain: 400}, citation: a small cohort for tests}\n"
)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("projection")
    write_folder(folder / "inputs", cohort_rows(60))
    score_folder(folder / "inputs", folder / "run", year=2027, now=dt.datetime(2028, 1, 5, tzinfo=dt.UTC))
    (folder / "small.yaml").write_text(ASSUMED)
    return folder


def run_project(scored, *arguments: str):
    return RUNNER.invoke(
        app, [str(scored / "run"), "--assumptions", str(scored / "small.yaml"), "--draws", "20", *arguments]
    )


def test_it_writes_what_it_prints_as_json(scored):
    result = run_project(scored, "--json", "--npi", npi(11))
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    projection = read_projection(scored / "run")
    assert json.loads(json.dumps(projection.as_record())) == record
    assert [each.cohort for each in projection.participants] == ["heart_failure", "low_back_pain"]  # in both cohorts
    assert projection.practices[0].participants == 2
    assert projection.peers == "published"
    first = projection.participants[0]
    assert first.final_score.p5 <= first.final_score.median <= first.final_score.p95
    assert sum(first.dollars_histogram.counts) == 20
    assert first.levers[-1].key == "all"
    assert {each.key for each in first.alternatives} == {each.key for each in projection.alternatives}
    assert any(each.name == "payment.transform_midpoint_choice" for each in projection.unconfirmed_rules)
    assert not any(each.name.startswith("incentives.") for each in projection.unconfirmed_rules)
    table = read_csv(scored / "run" / PROJECTION_TABLE)
    assert table.texts("npi") == (npi(11), npi(11))
    assert table.numbers("dollars_median")[0] == first.dollars.median
    with pytest.raises(NotFound):
        projection.participant("000000000", npi(11))


def test_it_reads_as_plain_words_and_names_what_it_rests_on(scored):
    result = run_project(scored, "--npi", npi(11))
    assert result.exit_code == 0, result.output
    for words in (
        "20 simulated cohorts",
        "chance",
        "one more point of final score is worth",
        "break-even",
        "transform_midpoint_choice",
        "nothing_submitted_share",
        "national and not ASM's",
        "openasm report",
    ):
        assert words in result.output, words


def test_the_whole_run_can_be_projected_against_itself(scored):
    result = run_project(scored, "--peers", "own", "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    scores = read_run(scored / "run").table("scores")
    assert len(record["participants"]) == len(scores)
    assert all(each["peers_drawn"] == 0 for each in record["cohorts"])


def test_equal_seeds_give_equal_files(scored):
    run_project(scored, "--npi", npi(3), "--seed", "5")
    first = (scored / "run" / PROJECTION_FILE).read_bytes()
    run_project(scored, "--npi", npi(3), "--seed", "5")
    assert (scored / "run" / PROJECTION_FILE).read_bytes() == first
    run_project(scored, "--npi", npi(3), "--seed", "6")
    assert (scored / "run" / PROJECTION_FILE).read_bytes() != first


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["--tin", "12345678"], WrongUsage),
        (["--npi", "1234567890"], WrongUsage),
        (["--peers", "everyone"], WrongUsage),
        (["--draws", "0"], WrongUsage),
        (["--tin", "123456789"], NotFound),
        (["--year", "2029"], RuleUnpublished),
    ],
)
def test_wrong_requests_end_with_their_exit_code(scored, arguments, kind):
    before = (scored / "run" / PROJECTION_FILE).read_bytes() if has_projection(scored / "run") else None
    result = run_project(scored, *arguments)
    assert isinstance(result.exception, kind)
    after = (scored / "run" / PROJECTION_FILE).read_bytes() if has_projection(scored / "run") else None
    assert after == before


def test_another_year_may_be_assumed_and_says_so(scored):
    projection = project(read_run(scored / "run"), Request(draws=20, npi=npi(3), year=2031, assume_year=2027))
    assert (projection.performance_year, projection.payment_year, projection.assumed_from_year) == (2031, 2033, 2027)
    assert projection.participants[0].factor.p5 >= -0.12


def test_the_users_own_rule_values_are_kept(scored, tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(
        "section: payment\nparameters:\n  transform_midpoint_choice:\n    values:\n"
        "      - {years: [2027], value: cohort_median, citation: my reading}\n"
    )
    target = tmp_path / "run"
    score_folder(scored / "inputs", target, year=2027, now=dt.datetime(2028, 1, 5, tzinfo=dt.UTC), overlays=[overlay])
    projection = project(read_run(target), Request(draws=10, npi=npi(3), assumptions=(scored / "small.yaml",)))
    names = [each.name for each in projection.unconfirmed_rules]
    assert "payment.transform_midpoint_choice" not in names
    assert "payment.transform_midpoint_choice" not in {each.parameter for each in projection.alternatives}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": "something else"}',
        '{"format": "openasm-projection", "format_version": 99}',
        '{"format": "openasm-projection", "format_version": 1, "draws": "many"}',
    ],
)
def test_a_damaged_projection_is_refused(tmp_path, text):
    (tmp_path / "scores").mkdir()
    with pytest.raises(NotFound):
        read_projection(tmp_path)
    (tmp_path / PROJECTION_FILE).write_text(text)
    with pytest.raises(InputRefused) as refused:
        read_projection(tmp_path)
    assert [each.kind.code for each in refused.value.problems] == ["J001"]


def test_inputs_that_do_not_fit_the_scores_are_refused(scored, tmp_path):
    import shutil

    broken = tmp_path / "run"
    shutil.copytree(scored / "run", broken)
    scores = (broken / "scores" / "scores.csv").read_text().splitlines()
    (broken / "scores" / "scores.csv").write_text("\n".join(scores[:-1]) + "\n")
    with pytest.raises(OpenAsmError) as refused:
        project(read_run(broken), Request(draws=5))
    assert refused.value.exit_code == 3
    assert "J002" in str(refused.value)
