"""One content, three forms: what page, workbook and PDF say is what the run's files hold; and each form is fit to be used."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest

from openasm.archive.projection import Histogram, Spread, read_projection, write_projection
from openasm.archive.run import read_run
from openasm.base.problems import Problem
from openasm.projection.project import Request, project
from openasm.report import drawings, pdf, pdf_parts, text
from openasm.report.content import Clinician, Report
from openasm.report.drawings import Lever, MeasurePosition, Step
from openasm.report.files import write_report
from openasm.report.from_run import report_of
from openasm.report.html import render
from openasm.report.policy import policy_view
from openasm.report.policy_files import FORMATS, write_policy
from openasm.report.policy_files import render as policy_page
from openasm.report.practice_view import pool_histogram
from openasm.runs.scoring.run import score_folder
from tests.builders.report_pages import check_page, contrast, page_words, palettes, pdf_words
from tests.builders.score_folders import cohort_rows, write_folder

NOW = dt.datetime(2028, 4, 1, tzinfo=dt.UTC)
CATEGORIES = ("inpatient", "imaging", "clinic_visits")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose largest practice is projected and has cost drivers."""
    folder = tmp_path_factory.mktemp("forms")
    write_folder(folder / "inputs", cohort_rows(60, seed=11))
    score_folder(folder / "inputs", folder / "run", year=2027, now=NOW, report=False)
    projection = project(read_run(folder / "run"), Request(draws=40, seed=3, tin=practice_of(folder / "run")))
    write_projection(folder / "run", projection)
    write_drivers(folder / "run")
    return folder / "run"


def rows(run: Path, table: str) -> list[dict[str, str]]:
    with (run / "scores" / f"{table}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def practice_of(run: Path) -> str:
    """The practice with most participants that has one with a score."""
    tins = [row["tin"] for row in rows(run, "scores") if row["status"] == "scored"]
    return max(sorted(set(tins)), key=tins.count)


def someone(run: Path) -> tuple[str, str]:
    """A scored clinician of that practice."""
    tin = practice_of(run)
    return next(
        (row["tin"], row["npi"]) for row in rows(run, "scores") if row["tin"] == tin and row["status"] == "scored"
    )


def write_drivers(run: Path) -> None:
    with (run / "scores" / "cost_categories.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ("cohort", "tin", "npi", "category", "episodes", "services", "dollars_a_year", "peers_dollars_a_year")
        )
        for number, row in enumerate(rows(run, "scores")):
            for npi in (row["npi"], "") if number % 2 else (row["npi"],):
                for place, category in enumerate(CATEGORIES):
                    peers = "" if category == "imaging" else f"{1000 + 7 * number:.2f}"
                    amount = f"{900 + 100 * place + number:.2f}"
                    writer.writerow((row["cohort"], row["tin"], npi, category, 30, 10 + place, amount, peers))


def shown_numbers(report: Report, who: Clinician) -> list[str]:
    """Every number of a clinician's content, as it is written for people."""
    found = [
        text.points(who.final_score),
        text.factor(who.factor),
        text.dollars(who.change_dollars),
        text.money(who.part_b_paid),
    ]
    found += [text.signed(step.points) for step in who.steps]
    for line in (*who.measures, *([who.cost] if who.cost else [])):
        found += [
            text.rate(line),
            text.peer(line, "pool_median"),
            text.peer(line, "pool_top"),
            text.points(line.points),
        ]
        found.append(text.share(line.completeness))
    if who.peer_costs:
        found += [
            text.money(who.peer_costs.own),
            text.money(who.peer_costs.median),
            text.share(who.peer_costs.better_share),
        ]
    if who.forecast:
        for spread, write in (
            (who.forecast.final_score, text.points),
            (who.forecast.factor, text.factor),
            (who.forecast.dollars, text.dollars),
        ):
            found += [write(spread.p5), write(spread.median), write(spread.p95)]
        found += [text.share(who.forecast.probability_of_cut), text.dollars(who.forecast.point_dollars)]
        found += [text.dollars(lever.dollars) for lever in who.forecast.levers]
        found += [text.signed(lever.score) for lever in who.forecast.levers]
    found += [text.dollars(other.dollars) for other in who.alternatives]
    for table in report.drivers_of(who):
        found += [text.money(each.dollars) for each in table.drivers]
        found += [text.dollars(each.difference) for each in table.drivers]
    return [each for each in found if each != text.NONE]


def test_page_and_pdf_of_a_practice_say_every_number_of_its_content(run: Path, tmp_path: Path) -> None:
    report = report_of(run, tins=[practice_of(run)])
    assert any(who.forecast for who in report.clinicians)
    assert report.kind == "practice"
    said = page_words(render(report, run_name="run"))
    written = pdf_words(write_report(run, form="pdf", tins=[practice_of(run)], out=tmp_path / "practice.pdf"))
    numbers = [each for who in report.clinicians for each in shown_numbers(report, who)]
    assert len(numbers) > 100
    assert [each for each in numbers if each not in said] == []
    assert [each for each in numbers if each not in written] == []
    for practice in report.attestations:
        for line in (*practice.activities, *practice.requirements, *practice.points):
            assert line.title in said
            assert line.title in written
    for rule in report.unconfirmed:
        assert rule.title in said
        assert rule.title in written
    for name, digest in report.inputs:
        assert name in written
        assert digest in written


def test_content_is_the_files_own(run: Path) -> None:
    report = report_of(run, tins=[practice_of(run)])
    stored = {(row["tin"], row["npi"], row["cohort"]): row for row in rows(run, "scores")}
    lines = rows(run, "measure_scores")
    costs = rows(run, "cost_categories")
    projected = {(each.tin, each.npi, each.cohort): each for each in read_projection(run).participants}
    for who in report.clinicians:
        key = (who.tin, who.npi, who.cohort)
        assert who.final_score == (float(stored[key]["final_score"]) if stored[key]["final_score"] else None)
        mine = [line for line in lines if (line["tin"], line["npi"], line["cohort"]) == key]
        shown = [*who.measures, *([who.cost] if who.cost else [])]
        assert [(each.rate, each.points, each.met) for each in shown] == [
            (
                float(line["rate"]) if line["rate"] else None,
                float(line["points"]) if line["points"] else None,
                int(line["met"]) if line["met"] else None,
            )
            for line in sorted(mine, key=lambda line: line["measure"].startswith("COST"))
        ]
        if who.forecast:
            assert who.forecast is not None
            assert who.forecast == projected[key]
        pool = [
            float(line["rate"])
            for line in lines
            if line["cohort"] == who.cohort and line["measure"].startswith("COST") and line["in_pool"] == "yes"
        ]
        assert who.peer_costs is not None
        assert who.peer_costs.pool_size == len(pool)
        if who.peer_costs.own is not None:
            assert who.peer_costs.better_share == sum(value > who.peer_costs.own for value in pool) / len(pool)
        assert who.peer_costs.histogram is not None
        assert sum(who.peer_costs.histogram.counts) == len(pool)
        (drivers,) = report.drivers_of(who)
        written = {
            row["category"]: float(row["dollars_a_year"])
            for row in costs
            if (row["tin"], row["npi"], row["cohort"]) == key
        }
        assert {each.category: each.dollars for each in drivers.drivers} == written
        assert drivers.drivers[-1].difference is not None
        differences = [each.difference or 0.0 for each in drivers.drivers]
        assert differences == sorted(differences, reverse=True)


def test_the_workbook_holds_the_same_numbers(run: Path, tmp_path: Path) -> None:
    tin = practice_of(run)
    report = report_of(run, tins=[tin])
    book = openpyxl.load_workbook(write_report(run, form="xlsx", tins=[tin], out=tmp_path / "a.xlsx"))

    def column(sheet: str, heading: str) -> list[Any]:
        place = [cell.value for cell in book[sheet][2]].index(heading)
        return [line[place] for line in book[sheet].iter_rows(min_row=3, values_only=True)]

    assert column("Clinicians", "Final score") == pytest.approx(
        [who.final_score for who in report.clinicians], rel=1e-15
    )
    assert column("Clinicians", "Episode cost") == [who.peer_costs and who.peer_costs.own for who in report.clinicians]
    levers = [lever for who in report.clinicians if who.forecast for lever in who.forecast.levers]
    assert column("Levers", "Dollars a year") == pytest.approx([lever.dollars for lever in levers], rel=1e-15)
    others = [other for who in report.clinicians for other in who.alternatives]
    assert column("If values change", "Payment change") == pytest.approx([each.dollars for each in others], rel=1e-15)
    drivers = [each for table in report.drivers for each in table.drivers]
    assert column("Cost drivers", "Dollars a year") == [each.dollars for each in drivers]
    assert column("Measures", "Met") == [
        line.met for who in report.clinicians for line in (*who.measures, *([who.cost] if who.cost else []))
    ]
    items = [
        line
        for practice in report.attestations
        for line in (*practice.activities, *practice.requirements, *practice.points)
    ]
    assert column("Attested", "Item") == [line.item for line in items]
    assert column("Attested", "Earned") == [line.earned for line in items]


def test_one_clinicians_scorecard(run: Path, tmp_path: Path) -> None:
    tin, npi = someone(run)
    report = report_of(run, tins=[tin], npi=npi)
    assert report.kind == "clinician"
    target = write_report(run, form="pdf", tins=[tin], npi=npi, out=tmp_path / "one.pdf")
    reader = pypdf.PdfReader(target)
    first = " ".join(reader.pages[0].extract_text().split())
    who = report.clinicians[0]
    assert who.name in first
    for number in (text.points(who.final_score), text.factor(who.factor), text.dollars(who.change_dollars)):
        assert number in first
    for heading in ("From categories to final score", "Each measure against its benchmark", "Cost against peers"):
        assert heading in first, heading
    everything = pdf_words(target)
    for heading in (
        "Cost against peers",
        "What would help most",
        "Attested by",
        "Unconfirmed rule values",
        "What was assumed",
        "Made from",
    ):
        assert heading in everything, heading
    assert {view.cohort for view in report.cohorts} == {each.cohort for each in report.clinicians}
    assert {other.name for other in report_of(run, tins=[tin]).clinicians} - {who.name} & set(
        everything.split(",")
    ) == set()


def test_every_page_of_a_pdf_names_run_day_and_page_and_that_data_are_made_up(run: Path, tmp_path: Path) -> None:
    reader = pypdf.PdfReader(write_report(run, form="pdf", out=tmp_path / "cohort.pdf"))
    for number, page in enumerate(reader.pages, start=1):
        words = page.extract_text()
        assert f"Page {number} of {len(reader.pages)}" in words
        assert "Run run · performance year 2027 · made 1 April 2028" in words
        assert pdf.MADE_UP in words
    assert reader.metadata is not None
    assert reader.metadata.title == "The whole cohort: ASM 2027"


def test_real_clinicians_are_not_called_made_up(tmp_path: Path) -> None:
    write_folder(tmp_path / "inputs", cohort_rows(12, seed=2))
    for path in (tmp_path / "inputs").glob("*.csv"):  # NPIs as they are issued begin with 1
        with path.open(newline="") as stream:
            table = list(csv.reader(stream))
        if "npi" in table[0]:
            place = table[0].index("npi")
            first = next(row for row in table[1:] if row[place])[place]
            for row in table[1:]:
                if row[place] == first:
                    row[place] = "1234567893"
        with path.open("w", newline="") as stream:
            csv.writer(stream).writerows(table)
    score_folder(tmp_path / "inputs", tmp_path / "run", year=2027, now=NOW, report=False)
    report = report_of(tmp_path / "run")
    assert not report.made_up
    assert "Made-up" not in render(report, run_name="run")


def test_a_pdf_is_tagged_and_embeds_its_fonts(run: Path, tmp_path: Path) -> None:
    reader = pypdf.PdfReader(write_report(run, form="pdf", tins=[practice_of(run)], out=tmp_path / "practice.pdf"))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712 (a PDF boolean)
    assert root["/Lang"] == "en-US"
    parents = root["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    by_page = {parents[place]: parents[place + 1] for place in range(0, len(parents), 2)}
    for page in reader.pages:
        marked = page.get_contents().get_data().count(b"/MCID")
        assert marked == len(by_page[page["/StructParents"]].get_object())
        for font in page["/Resources"]["/Font"].values():
            if "/FontDescriptor" in font:
                assert "/FontFile2" in font["/FontDescriptor"]
            assert "/ToUnicode" in font or font["/BaseFont"] == "/Helvetica"
    kinds: list[str] = []

    def walk(element: Any) -> None:
        element = element.get_object()
        kinds.append(element["/S"])
        if element["/S"] == "/Figure":
            assert len(element["/Alt"]) > 20
        if element["/S"] == "/TH":
            assert element["/A"]["/Scope"] in ("/Column", "/Row")
        for child in element["/K"]:
            if not isinstance(child, int):
                walk(child)

    walk(root["/StructTreeRoot"]["/K"][0])
    assert kinds[0] == "/Document"
    assert kinds.count("/H1") == 1
    assert {"/H2", "/H3", "/P", "/Table", "/TR", "/TH", "/TD", "/Figure"} <= set(kinds)
    assert len(reader.outline) >= 3


def test_equal_runs_give_equal_pdfs(run: Path, tmp_path: Path) -> None:
    tin, npi = someone(run)
    first = write_report(run, form="pdf", tins=[tin], npi=npi, out=tmp_path / "a.pdf")
    second = write_report(run, form="pdf", tins=[tin], npi=npi, out=tmp_path / "b.pdf")
    assert first.read_bytes() == second.read_bytes()


def test_absent_parts_say_how_to_get_them(run: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(run, bare)
    for name in ("cost_categories.csv", "projection.json", "projection.csv"):
        (bare / "scores" / name).unlink()
    tin = practice_of(bare)
    report = report_of(bare, tins=[tin])
    assert report.drivers == ()
    assert len(report.absent) == 2
    said = page_words(render(report, run_name="bare"))
    written = pdf_words(write_report(bare, form="pdf", tins=[tin], out=tmp_path / "bare.pdf"))
    for words in ("openasm project", "openasm run"):
        assert words in said
        assert words in written
    assert "What drives cost:" not in written
    assert report_of(bare).absent == ()


@pytest.mark.parametrize("scope", ["cohort", "practice", "clinician"])
def test_pages_hold_to_the_rules_of_accessible_pages(run: Path, scope: str) -> None:
    tin, npi = someone(run)
    report = {
        "cohort": lambda: report_of(run),
        "practice": lambda: report_of(run, tins=[tin]),
        "clinician": lambda: report_of(run, tins=[tin], npi=npi),
    }[scope]()
    assert report.kind == scope
    check_page(render(report, run_name="run"))


def test_colours_can_be_read_in_light_and_dark() -> None:
    style = (Path(pdf.__file__).parent / "templates" / "report.css").read_text()
    for palette in palettes(style):
        for ink in ("ink", "soft", "good", "bad", "focus"):
            for ground in ("paper", "tint"):
                assert contrast(palette[ink], palette[ground]) >= 4.5, (ink, ground, palette)
        assert contrast(palette["ink"], palette["notice"]) >= 4.5
        assert contrast(palette["neutral"], palette["paper"]) >= 3
    for colour in (drawings.INK, drawings.SOFT, drawings.GOOD, drawings.BAD, drawings.FOCUS):
        assert contrast(f"#{colour.hexval()[2:]}", "#ffffff") >= 4.5
    assert ":focus-visible" in style
    assert "@media print" in style


def test_hostile_and_foreign_names_are_text(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    tin, npi = someone(run)
    path = copy / "scores" / "inputs" / "participants.csv"
    name = rows(copy, "inputs/participants")
    for row in name:
        if (row["tin"], row["npi"]) == (tin, npi):
            row["name"] = "Zoë <b>Test</b> & Ńandú-李 <img src=x>"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(name[0]))
        writer.writeheader()
        writer.writerows(name)
    words = pdf_words(write_report(copy, form="pdf", tins=[tin], npi=npi, out=tmp_path / "x.pdf"))
    assert "Zoë <b>Test</b> & Ńandú-? <img src=x>" in words or "Zoë <b>Test</b> & Nandú-? <img src=x>" in words


def test_charts_of_a_pdf_say_their_numbers() -> None:
    pdf_parts.register_fonts()
    steps = [Step("Quality", 40.0), Step("Adjustment", -50.0), Step("Final score", 0.0, total=True)]
    assert drawings.waterfall(steps, title="t", width=250)[1] == "t: Quality +40.0, Adjustment −50.0, Final score 0.0."
    assert (
        "236 7.3 of 10" in drawings.measure_points([MeasurePosition("236", 7.3, "7.3 of 10")], title="t", width=400)[1]
    )
    drawing, told = drawings.histogram(
        [-2000.0, 0.0, 2000.0],
        [1, 3],
        marker=(200.0, "yours +$200"),
        second=(-100.0, "middle −$100"),
        title="t",
        axis="dollars",
        width=300,
        money=True,
    )
    assert told == "t. Dollars: yours +$200; middle −$100."
    drawn = [shape.text for shape in drawing.contents if hasattr(shape, "text")]
    assert {"yours +$200", "middle −$100", "−$2k", "$0", "$2k"} <= set(drawn)
    anchors = {shape.text: shape.textAnchor for shape in drawing.contents if hasattr(shape, "text")}
    assert (anchors["middle −$100"], anchors["yours +$200"]) == ("end", "start")
    colours = [
        shape.fillColor
        for shape in drawings.levers([Lever("a", 5.0), Lever("b", -5.0)], title="t", width=400)[0].contents
        if hasattr(shape, "width")
    ]
    assert colours == [drawings.GOOD, drawings.BAD]
    assert drawings.fitted("a" * 200, 50.0).endswith("…")


def test_pools_too_small_or_alike_make_no_distribution() -> None:
    assert pool_histogram([5.0] * 30) is None
    spread = pool_histogram([float(value) for value in range(200)] + [1e9])
    assert spread is not None
    assert sum(spread.counts) == 201
    assert spread.edges[-1] < 1e6  # one slipped score does not flatten the others


def test_data_problems_are_shown(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "inputs", cohort_rows(20, seed=1))
    path = folder / "participants.csv"
    with path.open(newline="") as stream:
        table = list(csv.reader(stream))
    table = [[*line, "x" if number else "unheard_of"] for number, line in enumerate(table)]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(table)
    summary = score_folder(folder, tmp_path / "run", year=2027, now=NOW, report=False)
    assert all(isinstance(problem, Problem) for problem in summary.warnings)
    assert summary.warnings
    words = pdf_words(write_report(tmp_path / "run", form="pdf", out=tmp_path / "x.pdf"))
    said = page_words(render(report_of(tmp_path / "run"), run_name="run"))
    for problem in summary.warnings:
        assert problem.kind.code in words
        assert problem.kind.code in said


def test_a_payment_that_every_draw_gives_is_said_and_not_drawn(run: Path, tmp_path: Path) -> None:
    """A score of zero in every draw: one bar without width."""
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    tin, npi = someone(run)
    found = read_projection(copy)
    same = Spread(-9000.0, -9000.0, -9000.0, -9000.0, -9000.0, -9000.0)
    flat = Histogram((-9000.0, -9000.0), (40,))
    write_projection(
        copy,
        replace(
            found,
            participants=tuple(
                replace(each, dollars=same, dollars_histogram=flat, levers=()) for each in found.participants
            ),
        ),
    )
    report = report_of(copy, tins=[tin], npi=npi)
    assert all(who.payment_bars is None for who in report.clinicians)
    assert any("--tin" in sentence for sentence in report.absent)
    page = render(report, run_name="copy")
    check_page(page)
    assert "What would help most" not in page.split("Not in this run")[0]
    assert "−$9,000 to −$9,000" in pdf_words(
        write_report(copy, form="pdf", tins=[tin], npi=npi, out=tmp_path / "x.pdf")
    )


@pytest.mark.parametrize("people", [1, 2, 6])
def test_runs_of_a_few_have_every_form(people: int, tmp_path: Path) -> None:
    """Pools too small for benchmarks, nobody scored, nobody paid: every form is made and says so."""
    rows_of = cohort_rows(people, seed=people)
    if people == 2:
        for each in rows_of["participants"]:
            each["part_b_paid"] = "0.00"
        rows_of["quality"], rows_of["cost"], rows_of["attestations"] = [], [], []
    write_folder(tmp_path / "inputs", rows_of)
    score_folder(tmp_path / "inputs", tmp_path / "run", year=2027, now=NOW, report=False)
    report = report_of(tmp_path / "run")
    assert len(report.clinicians) == len(rows_of["participants"])
    check_page(render(report, run_name="run"))
    words = pdf_words(write_report(tmp_path / "run", form="pdf"))
    for who in report.clinicians:
        assert who.name in words
        assert who.status_text in words or who.steps
    assert write_report(tmp_path / "run", form="xlsx").stat().st_size > 5000
    view = policy_view(read_run(tmp_path / "run"))
    check_page(policy_page(view))
    for form in FORMATS:
        write_policy(view, tmp_path / f"policy.{form}", form=form)


def test_few_notes_and_what_ifs_stand_at_the_top_and_many_below(run: Path) -> None:
    report = report_of(run)
    few = replace(report, notes=("one", "two"), assumptions=("three",))
    assert (few.remarks, few.further_notes) == (("one", "two"), ())
    many = replace(report, notes=("one", "two", "three", "A what-if: borrowed", "five"), assumptions=("three",))
    assert (many.remarks, many.further_notes) == (("A what-if: borrowed",), ("one", "two", "five"))
    page = render(many, run_name="run")
    check_page(page)
    assert "3 remarks on data and method" in page
    assert page.count("<li>three</li>") == 1


def test_of_several_rows_of_a_measure_the_one_that_counts_is_charted(run: Path) -> None:
    everyone = report_of(run, tins=sorted({row["tin"] for row in rows(run, "scores")})).clinicians
    several = [who for who in everyone if len(who.counted) < len(who.measures)]
    assert several
    for who in several:
        assert len({line.measure for line in who.counted}) == len(who.counted)
        for line in who.measures:
            if line.status in ("scored", "zero"):
                assert line in who.counted
    assert any(line.label.endswith(" (TIN)") for who in everyone for line in who.measures)
