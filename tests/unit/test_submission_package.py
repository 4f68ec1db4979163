"""Preparing a package: what is refused, what is warned of, what is left out; hashes, receipts, the command line."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import sys
import threading
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from openasm.archive.run import read_run
from openasm.base.errors import InputRefused, NotFound, RuleUnpublished, WrongUsage
from openasm.base.problems import Problems
from openasm.cli.main import main
from openasm.regulation.rulebook import rules_for
from openasm.submission.formats import formats_for
from openasm.submission.gathering import FILE_KINDS, Wanted
from openasm.submission.inputs import read_submission_inputs
from openasm.submission.mips import mips_fallback, partners_of
from openasm.submission.package import Package, check_package, prepare, zip_package
from openasm.submission.receipts import RECEIPTS, Receipt, add_receipt, read_receipts
from tests.builders.submissions import NOW, TIN, Made, practice

FORMATS = formats_for(2027)


def prepared(
    made: Made,
    folder: Path,
    *,
    level: str = "auto",
    npi: str = "",
    write: tuple[str, ...] = FILE_KINDS,
    moment: dt.datetime = NOW,
    tin: str = TIN,
) -> Package:
    run, own = made.write(folder)
    problems = Problems()
    return prepare(
        read_run(run),
        read_submission_inputs(own, formats=FORMATS, problems=problems),
        folder / "package",
        formats=FORMATS,
        rules=rules_for(2027),
        wanted=Wanted(tin, npi, level, write),
        moment=moment,
        problems=problems,
    )


def refused(made: Made, folder: Path, **options: object) -> set[str]:
    with pytest.raises(InputRefused) as found:
        prepared(made, folder, **options)  # type: ignore[arg-type]
    assert not (folder / "package").exists()
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []
    return {each.kind.code for each in found.value.problems}


def codes(package: Package) -> set[str]:
    return {each.kind.code for each in package.warnings}


def without(rows: list[dict[str, object]], **values: object) -> list[dict[str, object]]:
    return [row for row in rows if any(row[name] != value for name, value in values.items())]


def test_a_whole_package(tmp_path: Path) -> None:
    made = practice(cohorts=("heart_failure", "low_back_pain"), clinicians=2, size=6)
    package = prepared(made, tmp_path)
    folder = tmp_path / "package"
    assert codes(package) == set()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert {each["name"] for each in manifest["files"]} == {each.name for each in package.files}
    assert manifest["deadline"] == "2028-03-31"
    assert (manifest["tin"], manifest["levels"]) == (TIN, ["individual"])
    assert {each["status"] for each in manifest["parameters"]} <= {"codified", "cms", "secondary", "analog", "assumed"}
    left_out = {each.what: each for each in package.left_out}
    assert "2 other clinicians of the practice" in left_out
    assert "Measure 492" in left_out
    assert "Measure 220 in QRDA III" in left_out
    for name in ("summary.html", "summary.txt"):
        text = (folder / name).read_text(encoding="utf-8")
        for word in (
            TIN,
            made.npis[0],
            "Measure 492",
            "2028-03-31",
            "Nothing has been sent" if "html" in name else "never sends",
        ):
            assert word in text
        assert "<script" not in text
        assert "http" not in text
    problems = Problems()
    assert check_package(folder, formats=FORMATS, problems=problems)
    assert list(problems) == []


def test_equal_submissions_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        prepared(practice(clinicians=2), tmp_path / name)
        zip_package(tmp_path / name / "package", tmp_path / f"{name}.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda made: made.practice.clear(), "F019"),
        (lambda made: made.practice[0].update(tin="900000001"), "B001"),
        (lambda made: made.practice[0].update(cehrt_id="12345"), "B002"),
        (lambda made: made.practice[0].update(name="Test\x0bPractice"), "B003"),
        (lambda made: made.practice[0].update(cehrt_id=""), "B004"),
        (lambda made: made.identifiers[0].update(item="programme"), "B010"),
        (lambda made: made.identifiers[-1].update(population="MSRPOPL"), "B010"),
        (lambda made: made.identifiers[-1].update(about="999"), "B010"),
        (lambda made: made.identifiers[0].update(group=1), "B010"),
        (lambda made: made.identifiers.clear(), "B011"),
        (lambda made: made.identifiers.pop(0), "B011"),
        (lambda made: made.identifiers[-1].update(value="not-a-uuid"), "B012"),
        (lambda made: made.identifiers[0].update(value="mi\x0bps"), "B003"),
        (lambda made: made.supplemental[0].update(measure="999"), "B020"),
        (lambda made: made.supplemental[0].update(group=2), "B020"),
        (lambda made: made.supplemental[1].update(code="F"), "B021"),
        (lambda made: made.supplemental[0].update(code="F"), "B021"),
        (lambda made: made.supplemental.pop(0), "B022"),
        (lambda made: made.supplemental.clear(), "B022"),
        (lambda made: made.supplemental[1].update(count=5), "B023"),
        (lambda made: made.supplemental.pop(1), "B023"),
        (lambda made: made.rows["quality"][0].update(eligible=45, not_met=8), "B024"),
        (lambda made: [row.update(count=1) for row in made.supplemental if row["population"] == "IPOP"], "B025"),
        (lambda made: made.interoperability[0].update(detail="PI_PHCDRR_9"), "B026"),
        (lambda made: made.interoperability.append({"tin": TIN, "item": "PI_EP_1", "detail": "always"}), "B026"),
        (lambda made: made.interoperability.clear(), "B027"),
    ],
)
def test_bad_files_are_refused_and_nothing_is_written(
    change: Callable[[Made], object], code: str, tmp_path: Path
) -> None:
    made = practice()
    change(made)
    assert code in refused(made, tmp_path)


def test_every_missing_identifier_is_named_at_once(tmp_path: Path) -> None:
    made = practice()
    made.identifiers = []
    with pytest.raises(InputRefused) as found:
        prepared(made, tmp_path)
    told = [each.found for each in found.value.problems]
    assert [each.split(":")[0] for each in told] == [
        *(
            "about heart_failure",
            "about 005",
            "about 008",
            "about 236",
            "about 377",
            "program_name",
            "about IA_1",
            "about IA_2",
        )
    ]
    assert told[1].startswith("about 005: measure_id, population_id of group 1 IPOP, ")
    assert told[1].endswith("population_id of group 1 DENEXCEP, population_id of group 1 NUMER")


def test_without_qrda3_no_identifier_of_a_measure_is_needed(tmp_path: Path) -> None:
    made = practice()
    made.identifiers = made.identifiers[:3]
    made.supplemental = []
    package = prepared(made, tmp_path, write=("qpp", "fhir"))
    assert [each.kind for each in package.files] == ["qpp", "qpp", "fhir", "summary", "summary"]
    assert "QRDA III files" in {each.what for each in package.left_out}


def test_strata_are_needed_even_without_qrda3(tmp_path: Path) -> None:
    made = practice(cohorts=("low_back_pain",))
    made.supplemental = []
    assert refused(made, tmp_path, write=("qpp",)) == {"B022"}


def test_one_level_must_be_chosen_where_there_are_two(tmp_path: Path) -> None:
    made = practice(levels=("individual", "tin"))
    assert refused(made, tmp_path / "auto") == {"B031"}
    individual = prepared(made, tmp_path / "a", level="individual")
    whole = prepared(made, tmp_path / "b", level="tin")
    both = prepared(made, tmp_path / "c", level="both")
    assert sum(each.kind == "qrda3" for each in both.files) == 2
    assert [sum(each.kind == "qrda3" for each in one.files) for one in (individual, whole)] == [1, 1]
    assert any(each.what.startswith("Results of the practice as a whole") for each in individual.left_out)
    assert any(each.what.startswith("Results of single clinicians") for each in whole.left_out)


def test_only_small_practices_report_as_a_whole(tmp_path: Path) -> None:
    assert refused(practice(size=16), tmp_path, level="both") == {"B032"}


def test_nothing_to_hand_in_is_refused(tmp_path: Path) -> None:
    made = practice()
    made.rows["quality"].clear()
    made.rows["attestations"].clear()
    assert refused(made, tmp_path) == {"B030"}
    made = practice()
    made.rows["attestations"].clear()
    made.rows["quality"][0]["collection_type"] = "cqm"
    made.rows["quality"][1:] = []
    made.supplemental.clear()
    assert refused(made, tmp_path / "formats", write=("qrda3",)) == {"B030"}


def test_gaps_are_warned_of_with_what_they_cost(tmp_path: Path) -> None:
    made = practice()
    made.rows["quality"] = made.rows["quality"][:1]
    made.rows["attestations"] = [row for row in made.rows["attestations"] if row["item"] not in ("IA_2", "PI_PEA_1")]
    made.rows["attestations"][0]["end"] = "2027-03-30"
    package = prepared(made, tmp_path)
    assert codes(package) == {"B041", "B043", "B044"}
    costs = {each.what: each.cost for each in package.left_out}
    assert costs["Improvement activity IA_1"] == costs["Improvement activity IA_2"] == "10 points of the final score"
    assert costs["Promoting Interoperability: PI_PEA_1"] == "10 points of the final score"
    group = next(json.loads(each.content) for each in package.files if each.name == "qpp/group.json")
    assert [each["category"] for each in group["measurementSets"]] == ["pi"]


def test_ninety_days_are_enough(tmp_path: Path) -> None:
    made = practice()
    made.rows["attestations"][0]["end"] = "2027-03-31"
    assert codes(prepared(made, tmp_path)) == set()


def test_without_certified_technology_interoperability_is_left_out(tmp_path: Path) -> None:
    made = practice()
    made.rows["attestations"] = without(made.rows["attestations"], item="CEHRT")
    package = prepared(made, tmp_path)
    assert codes(package) == {"B044"}
    assert any("no period of certified technology" in each.why for each in package.left_out)


def test_incomplete_reporting_and_the_minimum_submission(tmp_path: Path) -> None:
    made = practice(cohorts=("low_back_pain",))
    made.rows["quality"] = [row for row in made.rows["quality"] if row["measure"] == "220"]
    row = made.rows["quality"][0]
    row |= {"eligible": 100, "met": 40, "not_met": 34}
    assert codes(prepared(made, tmp_path / "74")) == {"B040", "B041", "B042"}
    row |= {"not_met": 35}
    assert codes(prepared(made, tmp_path / "75")) == {"B041"}
    row |= {"eligible": 0, "met": 0, "not_met": 0}
    assert codes(prepared(made, tmp_path / "0")) == {"B041", "B042"}


@pytest.mark.parametrize(
    ("day", "code"),
    [((2027, 12, 31), {"B046"}), ((2028, 1, 1), set()), ((2028, 3, 31), set()), ((2028, 4, 1), {"B045"})],
)
def test_the_clock(day: tuple[int, int, int], code: set[str], tmp_path: Path) -> None:
    assert codes(prepared(practice(), tmp_path, moment=dt.datetime(*day, 23, tzinfo=dt.UTC))) == code


def test_one_clinician_alone(tmp_path: Path) -> None:
    made = practice(clinicians=3)
    package = prepared(made, tmp_path, npi=made.npis[1])
    assert [each.name for each in package.files if each.kind in ("qrda3", "qpp")] == [
        f"qrda3/ASM_INDIV_{made.npis[1]}_heart_failure.xml",
        f"qpp/individual_{made.npis[1]}.json",
    ]


def test_a_clinician_in_both_cohorts(tmp_path: Path) -> None:
    made = practice(cohorts=("heart_failure", "low_back_pain"))
    first, second = made.npis
    for rows in (*made.rows.values(), made.supplemental):
        for row in rows:
            if row.get("npi") == second:
                row["npi"] = first
    package = prepared(made, tmp_path)
    assert codes(package) == set()
    names = [each.name for each in package.files if each.kind in ("qrda3", "qpp")]
    assert names == [
        f"qrda3/ASM_INDIV_{first}_heart_failure.xml",
        f"qrda3/ASM_INDIV_{first}_low_back_pain.xml",
        f"qpp/individual_{first}.json",
        "qpp/group.json",
    ]
    document = next(json.loads(each.content) for each in package.files if each.name.startswith("qpp/individual"))
    assert [len(each["measurements"]) for each in document["measurementSets"]] == [7, 1]


def test_unknown_practice_and_clinician_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        prepared(practice(), tmp_path / "a", tin="900000001")
    with pytest.raises(NotFound):
        prepared(practice(), tmp_path / "b", npi="2000000010")
    with pytest.raises(NotFound):
        read_submission_inputs(tmp_path / "nowhere", formats=FORMATS, problems=Problems())
    with pytest.raises(RuleUnpublished):
        formats_for(2028)
    with pytest.raises(NotFound):
        FORMATS.measure("492")


def test_other_rules_than_the_runs_are_refused(tmp_path: Path) -> None:
    run, own = practice().write(tmp_path)
    stricter = tmp_path / "rules.yaml"
    stricter.write_text(
        "section: improvement\nparameters:\n  period_days:\n    values:\n"
        "      - {years: [2027], value: 100, citation: a test}\n",
        encoding="utf-8",
    )
    base = ("prepare", run, "--tin", TIN, "--inputs", own, "--out", tmp_path / "package")
    done = openasm(*base, "--rules", stricter)
    assert (done.returncode, "improvement.period_days" in done.stderr) == (2, True)
    assert not (tmp_path / "package").exists()


def test_a_package_is_never_replaced(tmp_path: Path) -> None:
    prepared(practice(), tmp_path)
    (tmp_path / "run").rename(tmp_path / "old")
    with pytest.raises(WrongUsage):
        prepared(practice(), tmp_path)


def test_changes_to_a_package_are_found(tmp_path: Path) -> None:
    prepared(practice(), tmp_path)
    folder = tmp_path / "package"
    zip_package(folder, tmp_path / "package.zip")

    def found(path: Path = folder) -> set[str]:
        problems = Problems()
        check_package(path, formats=FORMATS, problems=problems)
        return {each.kind.code for each in problems}

    assert found() == found(tmp_path / "package.zip") == set()
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    assert found() == {"B304"}
    report = next((folder / "qrda3").iterdir())
    report.write_text(report.read_text(encoding="utf-8").replace("ASM_INDIV", "ASM_GROUP"), encoding="utf-8")
    assert found() == {"B302", "B304"}
    report.write_text("<a/>", encoding="utf-8")
    assert "B101" in found()
    report.unlink()
    assert found() == {"B303", "B304"}
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    assert found() == {"B301"}
    (tmp_path / "package.zip").write_bytes(b"no zip")
    assert found(tmp_path / "package.zip") == {"B301"}
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("manifest.json", '{"format": "openasm-submission", "files": [5]}')
    assert found(tmp_path / "other.zip") == {"B301"}


def receipt(number: str = "C-1", note: str = "") -> Receipt:
    return Receipt(number, NOW, NOW, "Test Person", note)


def test_receipts_are_only_ever_added(tmp_path: Path) -> None:
    prepared(practice(), tmp_path)
    folder = tmp_path / "package"
    assert [add_receipt(folder, receipt(f"C-{number}")) for number in (1, 2, 3)] == [1, 2, 3]
    assert [each["number"] for each in read_receipts(folder)] == ["C-1", "C-2", "C-3"]
    lines = (folder / RECEIPTS).read_bytes().splitlines(keepends=True)
    for changed in (
        lines[1:],
        [lines[1], lines[0], lines[2]],
        [lines[0].replace(b"C-1", b"C-9"), *lines[1:]],
        [b"x\n"],
        [lines[0][:-1]],
    ):
        (folder / RECEIPTS).write_bytes(b"".join(changed))
        with pytest.raises(InputRefused) as found:
            add_receipt(folder, receipt())
        assert {each.kind.code for each in found.value.problems} == {"B305"}
        assert (folder / RECEIPTS).read_bytes() == b"".join(changed)
        problems = Problems()
        check_package(folder, formats=FORMATS, problems=problems)
        assert {each.kind.code for each in problems} == {"B305"}


def test_receipts_recorded_at_once_are_all_kept(tmp_path: Path) -> None:
    prepared(practice(), tmp_path)
    folder = tmp_path / "package"
    people = [threading.Thread(target=add_receipt, args=(folder, receipt(f"C-{number}"))) for number in range(20)]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert len({each["number"] for each in read_receipts(folder)}) == 20
    problems = Problems()
    check_package(folder, formats=FORMATS, problems=problems)
    assert list(problems) == []


def test_receipts_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        add_receipt(tmp_path, receipt())
    for bad in (receipt(""), receipt("a\nb"), receipt("x" * 501), dataclasses.replace(receipt(), by=" ")):
        with pytest.raises(WrongUsage):
            add_receipt(tmp_path, bad)


def test_what_mips_would_ask() -> None:
    heart = mips_fallback("heart_failure", rules_for(2027))
    assert {each.measure: each.open_to for each in heart.measures}["492"] == "not_individual"
    assert (heart.measures_missing, heart.deadline, heart.payment_year) == (2, dt.date(2028, 3, 31), 2029)
    assert sum(each.weight for each in heart.categories) == 100
    assert mips_fallback("low_back_pain", rules_for(2027)).measures_missing == 3
    assert partners_of(1, ["2000000010"]).words.startswith("Every clinician")
    assert partners_of(2, ["2000000010"]).words.startswith("1 clinician stays")
    assert partners_of(9, ["2000000010"]).words.startswith("8 clinicians stay")


@dataclasses.dataclass
class Done:
    """What a command left: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def openasm(*arguments: object) -> Done:
    """`openasm submit ...` within this process."""
    printed, told = io.StringIO(), io.StringIO()
    argv = ["openasm", "submit", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv), redirect_stdout(printed), redirect_stderr(told):
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, printed.getvalue(), told.getvalue())


def test_the_command_line(tmp_path: Path) -> None:
    made = practice(levels=("individual", "tin"))
    run, own = made.write(tmp_path)
    base = ("prepare", run, "--tin", TIN, "--inputs", own)
    out = tmp_path / "package"
    done = openasm(*base, "--out", out)
    assert (done.returncode, "B031" in done.stderr, out.exists()) == (3, True, False)
    done = openasm(*base, "--out", out, "--level", "individual", "--zip")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing was sent" in done.stdout
    assert "Next: read" in done.stdout
    assert openasm("check", out).returncode == 0
    assert openasm("check", tmp_path / "package.zip").returncode == 0
    done = openasm("check", out, "--json")
    assert json.loads(done.stdout) == {"path": str(out), "good": True, "problems": []}
    report = next((out / "qrda3").iterdir())
    assert "nothing is wrong" in openasm("check", report).stdout
    broken = tmp_path / "broken.xml"
    broken.write_text(report.read_text(encoding="utf-8").replace("ASM_INDIV", "ASM_SOLO"), encoding="utf-8")
    done = openasm("check", broken)
    assert (done.returncode, "B105" in done.stderr, "line" in done.stderr) == (3, True, True)
    done = openasm("check", broken, "--json")
    assert (done.returncode, json.loads(done.stdout)["problems"][0]["code"]) == (3, "B105")
    assert openasm("check", next((out / "qpp").iterdir())).returncode == 0
    done = openasm("receipt", out, "--number", "C-1", "--at", "2026-01-05T10:00", "--by", "Test Person")
    assert (done.returncode, "Receipt 1 recorded" in done.stdout) == (0, True)
    for wrong in (("--at", "yesterday"), ("--at", "2999-01-01")):
        assert openasm("receipt", out, "--number", "C-1", *wrong, "--by", "Test Person").returncode == 2
    assert openasm("receipt", tmp_path / "none", "--number", "1", "--at", "2026-01-01", "--by", "x").returncode == 5
    assert openasm("check", tmp_path / "none").returncode == 5
    assert openasm(*base, "--out", tmp_path / "b", "--level", "team").returncode == 2
    assert openasm(*base, "--out", tmp_path / "b", "--write", "fax").returncode == 2
    assert openasm(*base, "--out", out, "--level", "tin", "--zip").returncode == 2


def test_the_mips_page(tmp_path: Path) -> None:
    run, _ = practice(size=4).write(tmp_path)
    done = openasm("mips", run, "--tin", TIN)
    assert done.returncode == 0
    assert "3 clinicians stay in MIPS" in done.stdout
    record = json.loads(openasm("mips", run, "--tin", TIN, "--json").stdout)
    assert record["cohorts"]["heart_failure"]["deadline"] == "2028-03-31"
    assert openasm("mips", run, "--tin", "900000001").returncode == 5
