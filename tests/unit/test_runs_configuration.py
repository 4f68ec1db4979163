"""Configurations: what is read, and what each bad one is refused with, all at once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from openasm.base.errors import InputRefused, NotFound
from openasm.runs.chain.configuration import read_configuration
from openasm.runs.chain.configuration_keys import SECTIONS
from openasm.runs.cost.codes_list import DEMONSTRATION

BAD = Path(__file__).parents[1] / "fixtures" / "bad" / "runs"
TODAY = dt.date(2027, 6, 30)

REFUSED = {
    "not_toml.toml": {("N001", "")},
    "not_utf8.toml": {("N001", "")},
    "unknown_section.toml": {("N002", "clams")},
    "unknown_keys.toml": {("N003", "run.years"), ("N003", "records.folder")},
    "wrong_kinds.toml": {
        ("N004", "run.year"),
        ("N004", "run.jobs"),
        ("N004", "run.memory"),
        ("N004", "claims.sources"),
        ("N008", "claims.sources"),  # and without a format
        ("N004", "projection.off"),
        ("N004", "report.forms"),
    },
    "not_allowed.toml": {
        ("N005", "run.year"),
        ("N005", "run.engine"),
        ("N005", "run.memory"),
        ("N005", "claims.format"),
        ("N005", "claims.data_end"),
        ("N005", "records.measures"),
        ("N005", "records.tin"),
        ("N005", "records.as_of"),
        ("N005", "projection.draws"),
        ("N005", "report.forms"),
    },
    "no_year.toml": {("N006", "run.year")},
    "paths_missing.toml": {
        ("N007", "claims.sources"),
        ("N007", "codes.heart_failure"),
        ("N007", "previous.runs"),
    },
    "not_together.toml": {
        ("N008", "claims.sources"),
        ("N008", "claims.data_end"),
        ("N008", "records.source"),
        ("N008", "records.tin"),
        ("N008", "participants.answers"),
        ("N008", "participants.vintage"),
        ("N008", "attestations.file"),
    },
    "admissions_without_codes.toml": {("N008", "admissions.codes")},
    "admissions_without_claims.toml": {("N008", "admissions.codes")},
    "format_alone.toml": {("N008", "claims.format")},
    "nothing.toml": {("N009", "")},
    "section_is_a_value.toml": {("N004", "run")},
}


def test_every_bad_configuration_is_pinned() -> None:
    assert {path.name for path in BAD.iterdir()} == set(REFUSED)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_everything_wrong_is_said_at_once(name: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read_configuration(BAD / name, today=TODAY)
    assert {(each.kind.code, each.column) for each in refused.value.problems} == REFUSED[name]
    for each in refused.value.problems:
        assert name in each.as_text()
        assert "12-3456789" not in each.as_text()


def test_text_that_is_no_toml_names_its_line() -> None:
    with pytest.raises(InputRefused) as refused:
        read_configuration(BAD / "not_toml.toml", today=TODAY)
    assert refused.value.problems[0].row == 1


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no configuration practice"):
        read_configuration(tmp_path / "practice.toml", today=TODAY)


def test_values_are_read_as_meant(tmp_path: Path) -> None:
    (tmp_path / "peers").mkdir()
    (tmp_path / "ehr").mkdir()
    file = tmp_path / "june.toml"
    file.write_text(
        """
        [run]
        year = 2028
        memory = "1.5 GB"
        store = "elsewhere"
        [claims]
        format = "loaded"
        sources = ["peers"]
        [records]
        source = "ehr"
        value_sets = "ehr"
        measures = ["236", "5"]
        as_of = "today"
        [score_inputs]
        peers = "peers"
        [codes]
        heart_failure = "demonstration"
        """,
        encoding="utf-8",
    )
    found = read_configuration(file, today=TODAY)
    assert found.name == "june"
    assert (found.run.cost_year, found.run.records_year, found.run.keep_days) == (2028, 2028, 7)
    assert found.run.memory == 3 * 512 * 1024**2
    assert found.run.store == tmp_path / "elsewhere"
    assert found.records.measures == ("CMS165", "CMS135")
    assert found.records.as_of == TODAY
    assert found.score_inputs.peers == tmp_path / "peers"
    assert found.codes.heart_failure == Path(DEMONSTRATION)
    assert found.codes.low_back_pain is None


def test_every_key_is_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "run-config.md").read_text(encoding="utf-8")
    parts = page.split("\n## ")
    missing = []
    for section, keys in SECTIONS.items():
        here = next(part for part in parts if part.startswith("[") and f"[{section}]" in part.split("\n")[0])
        missing += [f"{section}.{key}" for key in keys if f"`{key}`" not in here and f"`{section}.{key}`" not in here]
    assert missing == []
