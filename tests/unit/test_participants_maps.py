"""The tile map: every state once, the numbers those of the table, a name for screen readers, one file."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree
from typer.testing import CliRunner

from openasm.cli import lookup
from openasm.participants.maps import TILES, not_on_the_map, state_map, state_map_page, tile_rows
from openasm.participants.participant_list import StateCount, by_state
from tests.builders.participant_lists import large_list, npi

SVG = "{http://www.w3.org/2000/svg}"


def test_every_state_has_a_tile_of_its_own() -> None:
    assert len(TILES) == 52
    assert len(set(TILES.values())) == 52
    assert {"DC", "PR", "AK", "HI", "TX"} <= set(TILES)


def test_rows_hold_the_counts_and_nothing_is_lost() -> None:
    counts = (StateCount("TX", 3, 4, 2), StateCount("GU", 1, 0, 0), StateCount("(none)", 0, 2, 0))
    rows = {row["state"]: row for row in tile_rows(counts)}
    assert (rows["TX"]["heart_failure"], rows["TX"]["low_back_pain"], rows["TX"]["all"]) == (3, 4, 7)
    assert rows["VT"]["all"] == 0
    assert [each.state for each in not_on_the_map(counts)] == ["GU", "(none)"]
    page = state_map_page(counts, title="By state", source="list <made up>")
    assert "3 rows have no tile" in page
    assert "list &lt;made up&gt;" in page
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="', page)


def test_the_drawing_has_a_name_and_every_number() -> None:
    drawn = state_map(by_state(large_list(400)), title="Listed & counted")
    tree = etree.fromstring(drawn)
    assert tree.get("role") == "img"
    assert tree.find(f"{SVG}title").text == "Listed & counted"
    texts = [each.text for each in tree.iter(f"{SVG}text")]
    for each in by_state(large_list(400)):
        assert each.state in texts
        assert f"{each.all:,}" in texts


def test_the_command_writes_one_page(tmp_path: Path) -> None:
    header = "NPI,FIRST_NAME,LAST_NAME,STATE,ASM_COHORT,ORGANIZATION_LEGAL_NAME,ASM_CY27_PARTICIPANT,ASM_CY27_SMALLPRACTICE\n"
    rows = "".join(f"{npi(place)},ADA,TEST,TX,Heart Failure,TEST PRACTICE,Yes,No\n" for place in range(3))
    (tmp_path / "list.csv").write_text(header + rows)
    page = tmp_path / "map.html"
    result = CliRunner().invoke(lookup.app, ["--list", str(tmp_path / "list.csv"), "--state-map", str(page)])
    assert result.exit_code == 0, result.output
    assert "3 rows" in page.read_text(encoding="utf-8")
    both = CliRunner().invoke(lookup.app, ["--state", "TX", "--state-map", str(page)])
    assert type(both.exception).__name__ == "WrongUsage"
