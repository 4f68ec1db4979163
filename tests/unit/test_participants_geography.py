"""Places: the real delineation and crosswalk, and made-up ones for every kind of answer."""

from __future__ import annotations

import csv
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from openasm.base.problems import Problems
from openasm.participants.geography import County, Geography, Placed, ZipPart
from openasm.participants.geography_files import read_areas, read_counties, read_crosswalk

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "geography"


@pytest.fixture(scope="module")
def real() -> Geography:
    problems = Problems()
    counties = read_counties(REAL / "county_cbsa_2023.csv", problems)
    zips, means = read_crosswalk(REAL / "zcta_county.csv", problems)
    areas, whole = read_areas(
        REAL / "reported_mandatory_areas.csv", problems, known=frozenset(county.unit for county in counties)
    )
    assert [problem.kind.code for problem in problems] == ["P013"]
    return Geography(counties=counties, zips=zips, areas=areas, areas_complete=whole, share_means=means)


@pytest.mark.shared
@pytest.mark.skipif(not REAL.is_dir(), reason="the geography files beside the project are absent")
class TestRealFiles:
    def test_counts(self, real: Geography) -> None:
        counties = real.counties.values()
        assert len(counties) == 1915
        assert len({county.cbsa for county in counties}) == 935
        assert len({county.cbsa for county in counties if county.metropolitan}) == 393
        assert len({county.division for county in counties if county.division}) == 37
        assert len({county.unit for county in counties}) == 959

    def test_reported_areas_of_new_york(self, real: Geography) -> None:
        reported = ("10580", "15380", "27460", "28740", "28880", "32390", "36460", "38460", "40380", "45060", "46540")
        assert {real.unit(code).placed for code in reported} == {Placed.YES}
        assert real.unit("29484").placed is Placed.YES  # a division in New Jersey
        assert (
            real.unit("35620").placed is Placed.CANNOT_TELL
        )  # New York City: some of its divisions are not on our part
        assert real.county("36001").placed is Placed.YES  # Albany County

    def test_zips_that_span_areas(self, real: Geography) -> None:
        assert sum(len({part.fips for part in parts}) > 1 for parts in real._parts.values()) == 10_186
        spanning = sum(real.unit_of_zip(zip_code) is None for zip_code in real._parts if not zip_code.startswith("06"))
        assert spanning == 6_427
        assert real.zip("12207").placed is Placed.YES  # Albany

    def test_connecticut_is_never_a_no(self, real: Geography) -> None:
        old = {part.zip for parts in real._parts.values() for part in parts if part.fips.startswith("09")}
        assert len(old) >= 288
        assert {real.zip(each).placed for each in old} == {Placed.CANNOT_TELL}
        assert real.county("09110").candidates[0].unit == "25540"

    def test_reading_both_files_is_quick_and_whole(self, real: Geography) -> None:
        with (REAL / "zcta_county.csv").open() as stream:
            positive = sum(float(row["land_share"]) > 0 for row in csv.DictReader(stream))
        assert sum(len(parts) for parts in real._parts.values()) >= positive
        for parts in list(real._parts.values())[:500]:
            assert sum(part.share for part in parts) == pytest.approx(1.0, abs=1e-6)


def made_up(*, complete: bool = True) -> Geography:
    def county(fips: str, cbsa: str, division: str = "") -> County:
        return County(
            fips,
            f"Test County {fips}",
            "Teststate",
            cbsa,
            f"Area {cbsa}",
            division,
            division and f"Division {division}",
            True,
        )

    return Geography(
        counties=[
            county("48001", "10000"),
            county("48002", "10000"),
            county("48003", "20000"),
            county("48005", "30000", "30001"),
            county("48006", "30000", "30002"),
        ],
        zips=[
            ZipPart("70001", "48001", 0.6),
            ZipPart("70001", "48002", 0.4),
            ZipPart("70002", "48001", 0.9),
            ZipPart("70002", "48003", 0.1),
            ZipPart("70003", "48004", 1.0),
            ZipPart("70004", "48001", 0.5),
            ZipPart("70004", "09001", 0.5),
        ],
        areas=["10000", "30001"],
        areas_complete=complete,
    )


@pytest.mark.parametrize(
    ("zip_code", "complete", "unlisted_known"),
    [
        ("70001", Placed.YES, Placed.YES),
        ("70002", Placed.DEPENDS, Placed.CANNOT_TELL),
        ("70003", Placed.NO, Placed.NO),
        ("70004", Placed.CANNOT_TELL, Placed.CANNOT_TELL),
        ("99999", Placed.CANNOT_TELL, Placed.CANNOT_TELL),
    ],
)
def test_zip_answers(zip_code: str, complete: Placed, unlisted_known: Placed) -> None:
    assert made_up().zip(zip_code).placed is complete
    assert made_up(complete=False).zip(zip_code).placed is unlisted_known


def test_candidates_come_largest_first_with_reasons() -> None:
    answer = made_up().zip("70002-1234")
    assert [(each.fips, each.share, each.placed) for each in answer.candidates] == [
        ("48001", 0.9, Placed.YES),
        ("48003", 0.1, Placed.NO),
    ]
    assert "county in which services are given" in answer.reason


def test_divided_areas_are_answered_by_their_divisions() -> None:
    assert made_up().unit("30000").placed is Placed.DEPENDS
    assert made_up().unit("30001").placed is Placed.YES
    assert made_up().unit("30002").placed is Placed.NO
    assert made_up().unit("12345").placed is Placed.CANNOT_TELL
    assert made_up().county("48999").placed is Placed.CANNOT_TELL


def test_the_layouts_of_omb_hud_and_census(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["List 1. Core based statistical areas"])
    sheet.append([])
    sheet.append(
        [
            "CBSA Code",
            "Metropolitan Division Code",
            "CSA Code",
            "CBSA Title",
            "Metropolitan/Micropolitan Statistical Area",
            "Metropolitan Division Title",
            "CSA Title",
            "County/County Equivalent",
            "State Name",
            "FIPS State Code",
            "FIPS County Code",
            "Central/Outlying County",
        ]
    )
    sheet.append(
        [
            "10000",
            None,
            None,
            "Test, TX",
            "Metropolitan Statistical Area",
            None,
            None,
            "Test County",
            "Texas",
            "48",
            "001",
            "Central",
        ]
    )
    sheet.append(["Note: this row is a footnote."])
    book.save(tmp_path / "list1.xlsx")
    (tmp_path / "hud.csv").write_text(
        "ZIP,COUNTY,RES_RATIO,BUS_RATIO,OTH_RATIO,TOT_RATIO\n00601,72001,1,1,1,0.75\n00601,72141,0,0,0,.25\n"
    )
    (tmp_path / "census.txt").write_text(
        "GEOID_ZCTA5_20|GEOID_COUNTY_20|AREALAND_PART\n|48001|7\n70001|48001|300\n70001|48002|100\n"
    )
    (tmp_path / "areas.csv").write_text("CBSA Code,Title\n10000,Test\n")
    problems = Problems()
    assert [(each.fips, each.unit) for each in read_counties(tmp_path / "list1.xlsx", problems)] == [("48001", "10000")]
    assert read_crosswalk(tmp_path / "hud.csv", problems) == (
        (ZipPart("00601", "72001", 0.75), ZipPart("00601", "72141", 0.25)),
        "addresses",
    )
    assert read_crosswalk(tmp_path / "census.txt", problems) == (
        (ZipPart("70001", "48001", 0.75), ZipPart("70001", "48002", 0.25)),
        "land area",
    )
    assert read_areas(tmp_path / "areas.csv", problems) == (("10000",), False)
    assert [problem.kind.code for problem in problems] == ["P013"]


def test_hostile_files_are_refused_within_bounded_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    (tmp_path / "page.csv").write_text("\n <!DOCTYPE html><html>sign in</html>")
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    long_line = tmp_path / "long.csv"
    with long_line.open("wb") as stream:
        stream.truncate(2_000_000_000)  # two gigabytes of one line, sparse on disk
    problems = Problems()
    tracemalloc.start()
    for name in ("bomb.xlsx", "page.csv", "broken.xlsx", "long.csv", "absent.csv"):
        assert read_counties(tmp_path / name, problems) == ()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [problem.kind.code for problem in problems] == ["P020", "P021", "F021", "F009", "F001"]
    assert peak < 50_000_000


@pytest.mark.parametrize(
    ("name", "content", "codes"),
    [
        ("counties", "a,b\n1,2\n", ["F005"]),
        (
            "counties",
            "cbsa_code,cbsa_title,division_code,division_title,metro_micro,county,state,state_fips,county_fips\n10000,T,,,metro,C,S,4x,001\n",
            ["P010"],
        ),
        (
            "counties",
            "cbsa_code,cbsa_title,division_code,division_title,metro_micro,county,state,state_fips,county_fips\n1000,T,,,metro,C,S,48,001\n",
            ["P012"],
        ),
        ("crosswalk", "a,b,c\n", ["F005"]),
        (
            "crosswalk",
            "zcta,county_fips,land_share\n70001,48001,2\n70001,4x001,1\n70002,48001,NaN\n",
            ["P011", "P010", "P011"],
        ),
        ("areas", "name\nx\n", ["F005"]),
        ("areas", "code\nx\n", ["F021"]),
        ("areas", "code\n1234\n12345\n", ["P012", "P013"]),
        ("areas", "", ["F002"]),
    ],
)
def test_bad_geography_files(tmp_path: Path, name: str, content: str, codes: list[str]) -> None:
    path = tmp_path / f"{name}.csv"
    path.write_text(content)
    problems = Problems()
    {"counties": read_counties, "crosswalk": read_crosswalk, "areas": read_areas}[name](path, problems)
    assert [problem.kind.code for problem in problems] == codes


def test_a_listed_area_of_another_delineation_is_kept_and_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "areas.csv"
    path.write_text("CBSA Code,Title\n10000,Test\n99999,Gone\n30001,Test\n")
    problems = Problems()
    areas, whole = read_areas(path, problems, known=frozenset({"10000", "30001"}))
    assert (areas, whole) == (("10000", "30001", "99999"), False)
    assert problems.errors == []
    (problem,) = [each for each in problems.warnings if each.kind.code == "P014"]
    assert (problem.where, problem.found) == ("areas.csv, row 3", "99999")
    assert "not in the delineation" in problem.as_text()
