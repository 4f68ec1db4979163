"""The maps: every state and county once, the numbers those of the table, a name for screen readers, one file, enough contrast."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from openasm.base.errors import NotFound
from openasm.base.problems import Problems
from openasm.cli import lookup
from openasm.participants.county_maps import CountyAnswer, area_rows, county_map, county_map_page, county_places
from openasm.participants.county_shapes import STATE_CODES, county_shapes, state_borders
from openasm.participants.geography import County, Geography, ZipPart
from openasm.participants.geography_files import read_counties, read_crosswalk
from openasm.participants.map_drawing import DARK, LIGHT, STYLE
from openasm.participants.maps import TILES, not_on_the_map, state_map, state_map_page, step_edges, tile_rows
from openasm.participants.participant_list import StateCount, by_state
from tests.builders.participant_lists import large_list, npi

SVG = "{http://www.w3.org/2000/svg}"
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "geography"


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


def test_steps_of_few_rows_are_fewer() -> None:
    assert step_edges(3) == (0, 0, 1, 2)
    for most in (0, 1, 2, 3, 1_121):
        drawn = etree.fromstring(state_map((StateCount("TX", most, 0, 0),), title="few"))
        legend = [each.text for each in drawn.findall(f"{SVG}text")][1:]
        said = [int(number.replace(",", "")) for text in legend for number in text.split(" to ")]
        assert said == sorted(said)
        assert said[-1] == most


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's ratio of contrast."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_writing_and_areas_stand_out_in_light_and_dark(colours: dict[str, str]) -> None:
    for step in range(5):
        assert contrast(colours[f"ink-{step}"], colours[f"step-{step}"]) >= 4.5, step
    assert contrast(colours["ink"], colours["ground"]) >= 7
    for other in ("no", "outside", "unknown", "ground"):
        assert contrast(colours["yes"], colours[other]) >= 3, other
    assert contrast(colours["hatch"], colours["unknown"]) >= 3
    assert all(f"--map-{name}:{colour};" in STYLE for name, colour in colours.items())


def test_the_outlines_are_whole() -> None:
    shapes = county_shapes()
    assert len(shapes) == 3_144
    assert {shape.state for shape in shapes.values()} == set(TILES) - {"PR"}
    assert sorted(fips for fips in shapes if fips.startswith("09")) == [f"09{number}0" for number in range(11, 20)]
    for shape in shapes.values():
        assert shape.rings
        assert re.fullmatch(r"(M-?\d+ -?\d+l(-?\d+ -?\d+ ?)+z)+", shape.path()), shape.fips
        assert all(ring[0] == ring[-1] for ring in shape.rings), shape.fips
    borders = state_borders()
    assert "NJ NY" in borders
    assert {state for beside in borders for state in beside.split()} == set(TILES) - {"PR"}
    for path in borders.values():
        assert re.fullmatch(r"(M-?\d+ -?\d+l(-?\d+ -?\d+ ?)+)+", path)
    assert len(STATE_CODES) == 56


def made_up() -> Geography:
    def county(fips: str, cbsa: str) -> County:
        return County(fips, f"Test <County> {fips}", "Teststate", cbsa, f"Area {cbsa}", "", "", metropolitan=True)

    return Geography(
        counties=[
            county("44001", "10000"),
            county("44003", "20000"),
            county("44005", "10000"),
            county("72001", "10000"),
        ],
        zips=[ZipPart("02999", "44007", 1.0)],
        areas=["10000"],
        areas_complete=True,
    )


def test_every_county_has_its_answer_and_the_table_says_the_same() -> None:
    places = county_places(made_up(), state="ri")
    assert {each.fips: each.answer for each in places} == {
        "44001": CountyAnswer.YES,
        "44003": CountyAnswer.NO,
        "44005": CountyAnswer.YES,
        "44007": CountyAnswer.OUTSIDE,  # the crosswalk knows it, the delineation has no area for it
        "44009": CountyAnswer.UNKNOWN,
    }
    drawn = etree.fromstring(county_map(places, title="Rhode Island & all"))
    assert drawn.get("role") == "img"
    names = {each.get("id"): each.text for each in drawn if each.tag in (f"{SVG}title", f"{SVG}desc")}
    assert set(drawn.get("aria-labelledby").split()) == set(names)
    assert names["counties-title"] == "Rhode Island & all"
    assert "2 in a mandatory area" in names["counties-text"]
    titles = [
        each.find(f"{SVG}title").text for each in drawn.iter(f"{SVG}path") if each.find(f"{SVG}title") is not None
    ]
    assert len(titles) == 5
    assert "Test <County> 44001, RI: Area 10000 (10000), in a mandatory area" in titles
    rows = area_rows(places)
    assert rows[0] == ("Area 10000", "10000", "in a mandatory area", "Test <County> 44001 RI; Test <County> 44005 RI")
    assert [row[2] for row in rows] == [str(answer) for answer in CountyAnswer]
    assert sum(len(row[3].split("; ")) for row in rows) == 5


def test_counties_without_an_outline_stand_in_the_table() -> None:
    places = county_places(made_up(), state="PR")
    with pytest.raises(NotFound, match="outline"):
        county_map(places, title="none")
    page = county_map_page(places, title="Puerto Rico", source="made up")
    assert "<svg" not in page
    assert "in the table alone: 1." in page
    assert "Test &lt;County&gt; 72001 PR" in page
    with pytest.raises(NotFound, match="no state"):
        county_places(made_up(), state="ZZ")


@pytest.mark.shared
@pytest.mark.skipif(not REAL.is_dir(), reason="the geography files beside the project are absent")
def test_every_county_of_the_real_delineation_but_those_of_puerto_rico_has_an_outline() -> None:
    problems = Problems()
    counties = read_counties(REAL / "county_cbsa_2023.csv", problems)
    zips, _ = read_crosswalk(REAL / "zcta_county.csv", problems)
    units = sorted({each.unit for each in counties})
    geography = Geography(counties=counties, zips=zips, areas=units[::4], areas_complete=True)
    places = county_places(geography)
    assert {each.fips[:2] for each in places if not each.on_the_map} == {"72"}
    assert CountyAnswer.UNKNOWN not in {each.answer for each in places}
    assert len(places) > 3_144
    page = county_map_page(places, title="Made-up list of areas", source="made up")
    assert len(page) < 1_200_000
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="', page)
    by_code = {row[1]: row for row in area_rows(places) if row[1]}
    assert set(by_code) == set(units)


def test_the_command_writes_the_map_of_the_counties(tmp_path: Path) -> None:
    (tmp_path / "counties.csv").write_text(
        "cbsa_code,cbsa_title,division_code,division_title,metro_micro,county,state,state_fips,county_fips\n"
        "10000,Testville RI,,,metro,Test County,Rhode Island,44,001\n"
    )
    (tmp_path / "areas.csv").write_text("code\n10000\n")
    page = tmp_path / "map.html"
    options = ["--counties", str(tmp_path / "counties.csv"), "--areas", str(tmp_path / "areas.csv")]
    options += ["--library", str(tmp_path / "none"), "--county-map", str(page)]
    result = CliRunner().invoke(lookup.app, [*options, "--state", "RI"])
    assert result.exit_code == 0, result.output
    assert "1  in a mandatory area" in result.output
    assert "Testville RI" in page.read_text(encoding="utf-8")
    told = json.loads(CliRunner().invoke(lookup.app, [*options, "--json"]).stdout)
    assert len(told["counties"]) == 3_144
    assert told["counties"][0]["answer"] == "cannot tell"
    wrong = CliRunner().invoke(lookup.app, [*options, "--zip", "02999"])
    assert type(wrong.exception).__name__ == "WrongUsage"
