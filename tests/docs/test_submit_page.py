"""docs/how-to/submit.md, command by command."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from unittest import mock

import pytest

from openasm.archive.run import read_run
from openasm.base.parameters import Evidence
from openasm.cli.main import main
from openasm.submission.formats import formats_for
from openasm.submission.receipts import read_receipts
from tests.builders.qrda3_rules import THERE, WHY_NOT, failed_assertions

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|csv|yaml)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code_of(line: str) -> object:
    """Run a command line within this process; its exit code."""
    with mock.patch.object(sys, "argv", shlex.split(line)):
        try:
            main()
        except SystemExit as ended:
            return ended.code
    return 0


def test_the_page_works_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = {}
    for kind, name, content in BLOCK.findall((DOCS / "how-to" / "submit.md").read_text(encoding="utf-8")):
        if kind == "csv":
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(content, encoding="utf-8")
            continue
        for line in content.splitlines():
            assert not code_of(line), line
            printed[line] = capsys.readouterr().out
    assert len(printed) == 7
    prepared = next(out for line, out in printed.items() if " prepare " in line)
    for word in ("B041", "B043", "IA_2, attested for fewer than 90 days", "Measure 492"):
        assert word in prepared
    assert "IA_1, " not in prepared
    report = next((tmp_path / "package" / "qrda3").iterdir()).read_bytes()
    assert b'"0.074468"' in report
    assert len(read_receipts(tmp_path / "package")) == 1
    assert read_run(tmp_path / "run").year == 2027
    for name in ("practice.csv", "identifiers.csv", "interoperability.csv"):
        assert (tmp_path / "blank" / name).is_file()
    if THERE:
        assert failed_assertions(report) == {}


@pytest.mark.shared
@pytest.mark.skipif(not THERE, reason=WHY_NOT)
def test_the_rules_are_there() -> None:
    assert failed_assertions(b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>")


def test_the_overlay_on_the_reference_page_is_taken(tmp_path: Path) -> None:
    page = (DOCS / "reference" / "submission.md").read_text(encoding="utf-8")
    overlay = next(content for kind, _, content in BLOCK.findall(page) if kind == "yaml")
    path = tmp_path / "formats.yaml"
    path.write_text(overlay.replace("5.8", "5.7").replace("IND", "TRC"), encoding="utf-8")
    formats = formats_for(2027, overlays=[path])
    assert formats.cohort["type_code"] == "TRC"
    assert formats.rules["submission.qrda3_cohort"].status is Evidence.USER
