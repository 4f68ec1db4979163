"""Every command that a page shows is run: by the test that walks through the page, or here on small made-up data."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from openasm.quality.demonstration import write_demo_patients, write_demo_value_sets
from openasm.runs.scoring.run import score_folder
from tests.builders.pages import DOCS
from tests.builders.score_folders import cohort_rows, write_folder

ROOT = DOCS.parent
SHOWN = re.compile(r"^(?: {4})?(?:\$ )?(openasm [^\n]*?)(?:\s{2,}#[^\n]*)?$", re.MULTILINE)
WALKED = {  # page -> the test that runs its commands as they stand
    "README.md": "tests/docs/test_every_command_runs.py",
    "docs/tutorial.md": "tests/docs/test_tutorial.py",
    "docs/how-to/compare-runs.md": "tests/docs/test_every_command_runs.py",
    "docs/how-to/from-records-to-payment.md": "tests/docs/test_quality_to_payment.py",
    "docs/how-to/nightly-run.md": "tests/docs/test_nightly_run_page.py",
    "docs/how-to/policy-analysis.md": "tests/docs/test_report_pages.py",
    "docs/how-to/reports.md": "tests/docs/test_report_pages.py",
    "docs/how-to/submit.md": "tests/docs/test_submit_page.py",
    "docs/how-to/who-is-in.md": "tests/docs/test_who_is_in_page.py",
    "docs/method/trend-forecast.md": "tests/docs/test_every_command_runs.py",
    "docs/reference/cds-hooks.md": "tests/unit/test_cli_cds_hooks.py",
}
HERE = {  # page -> a line of it -> how it is run here, in the order of the page
    "docs/how-to/share-data.md": {
        "openasm export --new-key practice.key": "openasm export --new-key practice.key",
        "openasm export run --out shared --key-file practice.key": "openasm export run --out shared --key-file practice.key",
        "openasm export run --out research --key-file practice.key --what patients,scores --practices keep": (
            "openasm export run --out research --key-file practice.key --what patients,scores --practices keep"
        ),
    },
    "docs/how-to/work-the-gaps.md": {
        "openasm quality records --value-sets value-sets --year 2027 --tin 001234567 --as-of 2027-05-01 --worth run --out quality": (
            "openasm quality records --value-sets value-sets --year 2027 --tin 900000001 --as-of 2027-05-01 --worth run --out quality"
        ),
    },
    "docs/reference/synthetic-data.md": {
        "openasm synth --out region --seed 7": "openasm synth --out region --seed 7 --beneficiaries 400 --format tables,cclf,eob",
        "openasm episodes region/tables --cohort heart_failure --codes demonstration --year 2027 --out run": (
            "openasm episodes region/tables --cohort heart_failure --codes demonstration --year 2027 --out episodes"
        ),
    },
    "docs/reference/claims.md": {
        "openasm claims load --format cclf   DELIVERY.zip MORE_FOLDER --out CLAIMS": (
            "openasm claims load --format cclf region/cclf --out from-cclf"
        ),
        "openasm claims load --format eob    EXPORT_FOLDER            --out CLAIMS": (
            "openasm claims load --format eob region/eob --out from-eob"
        ),
        "openasm claims load --format tables FOLDER                   --out CLAIMS": (
            "openasm claims load --format tables region/tables --out from-tables"
        ),
        "openasm claims load --format tuva   FOLDER                   --out CLAIMS": (
            "openasm claims load --format tuva tuva --out from-tuva"
        ),
        "openasm claims check CLAIMS [--json]": "openasm claims check from-tables --json",
    },
    "docs/method/projection.md": {
        "openasm project RUN --tin 900000001": "openasm project run --tin 900000001 --draws 20",
        "openasm project RUN --tin 900000001 --npi 2000000010 --draws 10000 --seed 7 --json": (
            "openasm project run --tin 900000001 --npi 2000000010 --draws 50 --seed 7 --json"
        ),
        "openasm project RUN --peers own": "openasm project run --peers own --draws 20",
    },
}
TUVA = {
    "medical_claim.csv": "claim_id,claim_line_number,claim_type,person_id,claim_start_date,claim_end_date,claim_line_start_date,hcpcs_code,"
    "rendering_npi,billing_tin,paid_amount,allowed_amount,diagnosis_code_type,diagnosis_code_1,data_source\n"
    "A,1,professional,11,2026-03-02,2026-03-02,2026-03-02,99214,2999000047,00-0000012,80.00,100.00,icd-10-cm,I50.22,x\n",
    "eligibility.csv": "person_id,birth_date,death_date,gender,enrollment_start_date,enrollment_end_date,zip_code\n"
    "11,1950-05-05,,female,2026-03-01,2026-12-31,12207\n",
    "pharmacy_claim.csv": "claim_id,claim_line_number,person_id,dispensing_date,ndc_code,paid_amount,prescribing_provider_npi\n"
    "D,1,11,2026-05-05,00338004904,7.25,2999000047\n",
}


def shown(page: Path) -> list[str]:
    """The command lines that a page shows in blocks."""
    return SHOWN.findall(page.read_text(encoding="utf-8").replace("\\\n", " "))


def test_every_page_with_commands_is_walked() -> None:
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    with_commands = {page.relative_to(ROOT).as_posix() for page in pages if shown(page)}
    assert with_commands == set(WALKED) | set(HERE)
    for page, test in WALKED.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8"), f"{test} does not speak of {page}"


def test_the_readme_shows_what_a_walked_page_shows() -> None:
    walked = {line.split("#")[0].strip() for page in WALKED for line in shown(ROOT / page) if page != "README.md"}
    assert {line.split("#")[0].strip() for line in shown(ROOT / "README.md")} <= walked


@pytest.mark.parametrize("page", HERE)
def test_the_commands_here_are_those_of_the_page(page: str) -> None:
    assert shown(ROOT / page) == list(HERE[page])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with records, value sets, a run and Tuva tables."""
    folder = tmp_path_factory.mktemp("pages")
    write_demo_value_sets(folder / "value-sets")
    write_demo_patients(folder / "records", 5, 12, 2027)
    write_folder(folder / "inputs", cohort_rows(40, seed=3))
    now = dt.datetime(2028, 4, 1, tzinfo=dt.UTC)
    score_folder(folder / "inputs", folder / "run", year=2027, now=now, report=False)
    (folder / "tuva").mkdir()
    for name, content in TUVA.items():
        (folder / "tuva" / name).write_text(content)
    return folder


def test_the_commands_run(place: Path) -> None:
    for lines in HERE.values():
        for line in lines.values():
            program, *arguments = shlex.split(line)
            assert program == "openasm"
            command = [sys.executable, "-c", "from openasm.cli.main import main; main()", *arguments]
            result = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            assert result.returncode == 0, (line, result.stdout, result.stderr)
            if "--json" in arguments:
                json.loads(result.stdout)
    assert (place / "research" / "manifest.json").is_file()
    assert (place / "quality" / "patients" / "worklist.csv").is_file()


def test_compare_and_trend_run(place: Path) -> None:
    """The commands of compare-runs.md and trend-forecast.md, on two runs of different names."""
    lines = [*shown(DOCS / "how-to" / "compare-runs.md"), *shown(DOCS / "method" / "trend-forecast.md")]
    lines = [
        line for line in lines if line.split()[1] != "publish"
    ]  # tests/app/test_compare_pages.py publishes comparisons
    assert {line.split()[1] for line in lines} == {"compare", "trend"}
    rows = cohort_rows(40, seed=3)
    rows["quality"] = rows["quality"][:-1]
    write_folder(place / "later-inputs", rows)
    score_folder(
        place / "later-inputs", place / "later", year=2027, now=dt.datetime(2028, 5, 1, tzinfo=dt.UTC), report=False
    )
    for line in lines:
        runs = iter(("run", "later"))
        words = [next(runs, "") if word in RUN_NAMES else word for word in shlex.split(line.split(" > ")[0])[1:]]
        words = [word.replace("001234567", "900000001") for word in words if word]
        command = [sys.executable, "-c", "from openasm.cli.main import main; main()", *words]
        result = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        assert result.returncode == 0, (line, result.stdout, result.stderr)


RUN_NAMES = {"march", "june", "september"}


def test_the_readmes_python_is_that_of_the_page() -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    page = (DOCS / "reference" / "python-api.md").read_text(encoding="utf-8")
    assert len(blocks) >= 6
    for block in blocks:
        assert block in page  # which a test runs
