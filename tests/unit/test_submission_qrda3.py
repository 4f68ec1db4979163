"""QRDA Category III: what is written passes CMS's rules, and what breaks them is named by our own check."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from openasm.base.problems import Problems, Severity
from openasm.submission.formats import formats_for
from openasm.submission.qrda3_check import check_qrda3
from openasm.submission.xml_tree import Unreadable, read_xml
from tests.builders.qrda3_rules import FOLDER, THERE, WHY_NOT, failed_assertions
from tests.builders.submissions import COUNTS, practice
from tests.builders.submitted import files_of

shared = pytest.mark.shared
needs_rules = pytest.mark.skipif(not THERE, reason=WHY_NOT)
FORMATS = formats_for(2027)
NOTHING_COUNTED = dict.fromkeys(COUNTS, (0, 0, 0, 0))
ALL_EXCLUDED = dict.fromkeys(COUNTS, (30, 0, 30, 0))


def problems_of(content: bytes) -> Problems:
    problems = Problems()
    check_qrda3(content, "file.xml", formats=FORMATS, problems=problems)
    return problems


def codes_of(content: bytes) -> set[str]:
    return {each.kind.code for each in problems_of(content)}


@shared
@needs_rules
@pytest.mark.parametrize("cohorts", [("heart_failure",), ("low_back_pain",), ("heart_failure", "low_back_pain")])
@pytest.mark.parametrize("level", ["individual", "tin"])
@pytest.mark.parametrize("clinicians", [1, 3])
def test_every_report_passes_the_rules_of_cms(cohorts: tuple[str, ...], level: str, clinicians: int) -> None:
    made = practice(cohorts=cohorts, clinicians=clinicians, levels=(level,), size=12)
    reports = {name: text for name, text in files_of(made).items() if name.endswith(".xml")}
    assert len(reports) == len(cohorts) * (clinicians if level == "individual" else 1)
    for name, text in reports.items():
        assert failed_assertions(text) == {}, name
        assert list(problems_of(text)) == [], name
        assert (b'"ASM_GROUP"' in text) == (level == "tin")
        assert text.count(b"<performer ") == (clinicians if level == "tin" else 1)


@shared
@needs_rules
def test_a_report_with_every_code_passes_too() -> None:
    small = dict.fromkeys(COUNTS, (40, 20, 10, 0))
    files = files_of(practice(counts=small, every_code=True))
    report = next(text for name, text in files.items() if name.endswith(".xml"))
    assert failed_assertions(report) == {}
    assert list(problems_of(report)) == []


@shared
@needs_rules
@pytest.mark.parametrize("counts", [NOTHING_COUNTED, ALL_EXCLUDED], ids=["nobody", "all excluded"])
@pytest.mark.parametrize("cohort", ["heart_failure", "low_back_pain"])
def test_empty_populations_pass_too(counts: dict[str, tuple[int, int, int, int]], cohort: str) -> None:
    for text in files_of(practice(cohorts=(cohort,), counts=counts)).values():
        if text.startswith(b"<?xml"):
            assert failed_assertions(text) == {}
            assert list(problems_of(text)) == []
            assert b'nullFlavor="NA"' in text


EXPECTED_CODES = {
    "fault_cohort_root.xml": {"B110"},
    "fault_program_unknown.xml": {"B105"},
    "fault_indiv_without_npi.xml": {"B107"},
    "fault_indiv_two_performers.xml": {"B106"},
    "fault_no_cehrt_id.xml": {"B111"},
    "fault_npi_check_digit.xml": {"B108"},
    "fault_no_cms_measure_section.xml": {"B102"},
    "fault_sex_old_form.xml": {"B112"},
    "valid_asm_indiv_hf.xml": set(),
    "valid_asm_group_lbp.xml": set(),
}


@shared
@needs_rules
def test_every_faulty_example_is_caught_and_nothing_else() -> None:
    with (FOLDER / "examples" / "expected.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["file"] for row in rows} == set(EXPECTED_CODES)
    for row in rows:
        found = problems_of((FOLDER / "examples" / row["file"]).read_bytes())
        assert {each.kind.code for each in found} == EXPECTED_CODES[row["file"]], row["file"]
        assert (len(found) == 0) == (row["valid"] == "true")
        for each in found:
            assert each.row
            assert each.kind.next_step


def _first_report() -> bytes:
    files = files_of(practice(cohorts=("low_back_pain",), clinicians=2, levels=("tin",), size=5))
    return next(text for name, text in files.items() if name.startswith("qrda3/"))


Change = Callable[[ET.Element], None]
ET.register_namespace("", "urn:hl7-org:v3")
ET.register_namespace("xsi", "http://www.w3.org/2001/XMLSchema-instance")


@shared
@needs_rules
def test_whatever_breaks_a_rule_of_cms_is_named_by_our_check() -> None:
    """Elements taken away or doubled, attributes taken away or changed, one at a time: every twelfth of some 640 such reports."""
    whole = _one_measure(_first_report())
    assert failed_assertions(whole) == {}
    missed, broken = [], 0
    for label, content in _mutations(whole)[::12]:
        failed = failed_assertions(content)
        broken += bool(failed)
        if failed and not problems_of(content).errors:
            missed.append(f"{label}: {', '.join(failed)}")
    assert broken > 30
    assert missed == []


def _one_measure(content: bytes) -> bytes:
    """The report with one measure, each population with one row of each kind, so that all its mutations are quickly through."""
    root = ET.fromstring(content)
    name = "{urn:hl7-org:v3}"
    section = root.find(f"{name}component/{name}structuredBody/{name}component/{name}section")
    assert section is not None
    measures = [entry for entry in section.findall(f"{name}entry") if entry.find(f"{name}organizer") is not None]
    for entry in measures[1:]:
        section.remove(entry)
    organizer = measures[0].find(f"{name}organizer")
    assert organizer is not None
    components = organizer.findall(f"{name}component")
    for component in components[2:-1]:
        organizer.remove(component)
    for component in organizer.findall(f"{name}component")[1:2]:
        organizer.remove(component)
    for observation in organizer.iter(f"{name}observation"):
        seen = set()
        for entry in observation.findall(f"{name}entryRelationship[@typeCode='COMP']"):
            code = entry.find(f"{name}observation/{name}code")
            assert code is not None
            if code.get("code") in seen:
                observation.remove(entry)
            seen.add(code.get("code"))
    return ET.tostring(root)


def _mutations(content: bytes) -> list[tuple[str, bytes]]:
    """Each kind of place once: elements with the same path and the same attributes are mutated alike."""
    root = ET.fromstring(content)
    made = []
    parents = {child: parent for parent in root.iter() for child in parent}
    seen = set()
    for element in list(root.iter()):
        tag = element.tag.rpartition("}")[2]
        parent = parents.get(element)
        path, above = [], element
        while above is not None:
            path.append(above.tag)
            above = parents.get(above)
        marks = [value for name, value in sorted(element.attrib.items()) if tag not in ("id", "value", "translation")]
        key = (*path, *marks, element.get("root"), *sorted(element.attrib))
        if key in seen:
            continue
        seen.add(key)
        for name, value in list(element.attrib.items()):
            del element.attrib[name]
            made.append((f"{tag} without {name}", ET.tostring(root)))
            element.set(name, "9" + value)
            made.append((f"{tag} with another {name} than {value}", ET.tostring(root)))
            element.set(name, value)
        if parent is not None:
            place = list(parent).index(element)
            parent.remove(element)
            made.append((f"without {tag} {element.get('root', '')}", ET.tostring(root)))
            parent.insert(place, element)
            parent.insert(place, element)
            made.append((f"{tag} {element.get('root', '')} twice", ET.tostring(root)))
            del parent[place]
    return made


@pytest.mark.parametrize(
    ("pattern", "replacement", "code"),
    [
        (r'extension="2026-07-01"', 'extension="2025-07-01"', "B102"),
        (r"<title>Measure Section</title>", "<title>Results</title>", "B104"),
        (r'<languageCode code="en" />', "", "B103"),
        (r'extension="ASM_GROUP"', 'extension="ASM_TEAM"', "B105"),
        (r"<performer .*</performer>", "", "B106"),
        (r'<id root="2.16.840.1.113883.4.6" extension="\d+" />', "", "B107"),
        (r'(root="2.16.840.1.113883.4.6" extension=")\d{10}', r"\g<1>2999000012", "B108"),
        (r'(root="2.16.840.1.113883.4.2" extension=")\d{9}', r"\g<1>90-0000777", "B109"),
        (r'root="2.16.840.1.113883.3.249.5.8"', 'root="2.16.840.1.113883.3.249.5.7"', "B110"),
        (r'root="2.16.840.1.113883.3.2074.1" extension', 'root="2.16.840.1.113883.3.2074.1" other', "B111"),
        (r'(root="2.16.840.1.113883.3.2074.1" extension=")\w+', r"\g<1>0015C", "B002"),
        (r'<templateId root="2.16.840.1.113883.10.20.27.3.21"[^>]*>', "", "B112"),
        (r'<value xsi:type="INT" value="\d+"', '<value xsi:type="INT" value="2.5"', "B113"),
        (r'(<value xsi:type="REAL" value=")[0-9.]+', r"\g<1>82.5", "B114"),
        (r'(<value xsi:type="REAL" value=")[0-9.]+', r"\g<1>0.999999", "B115"),
        (r'(<value xsi:type="REAL" value=")[0-9.]+', r"\g<1>0.0000001", "B114"),
        (r'(<value xsi:type="CD" nullFlavor="OTH")', r'\1 code="F"', "B118"),
        (r'<effectiveTime value="20280201120000\+0000"', '<effectiveTime value="20280201120000"', "B119"),
        (r'<translation code="A"', '<translation code="1"', "B104"),
        (r"<title>Quality[^<]*</title>", "<title></title>", "B118"),
    ],
)
def test_a_broken_report_is_told_what_is_wrong(pattern: str, replacement: str, code: str) -> None:
    text = _first_report().decode()
    changed = re.sub(pattern, replacement, text, count=0 if "3.21" in pattern else 1, flags=re.DOTALL)
    assert changed != text
    assert code in codes_of(changed.encode())


def test_populations_that_cannot_be_are_named() -> None:
    text = _first_report().decode()
    first_count = re.compile(r'(<methodCode code="COUNT".*?<value xsi:type="INT" value=")\d+', re.DOTALL)
    numerator = text.index('code="NUMER"')
    changed = text[:numerator] + re.sub(r'(value xsi:type="INT" value=")\d+', r"\g<1>99999", text[numerator:], count=1)
    assert "B116" in codes_of(changed.encode())
    assert first_count.search(text)
    denominator = text.index('code="DENOM"')
    changed = text[:denominator] + re.sub(r'(value xsi:type="INT" value=")\d+', r"\g<1>40", text[denominator:], count=1)
    found = [each for each in problems_of(changed.encode()) if each.kind.code == "B117"]
    assert found
    assert found[0].kind.severity is Severity.WARNING


def test_a_measure_that_stands_twice_is_named() -> None:
    text = _first_report().decode()
    ids = re.findall(r'root="2.16.840.1.113883.4.738" extension="([^"]+)"', text)
    assert "B120" in codes_of(text.replace(ids[1], ids[0]).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<ClinicalDocument",
        b"<html/>",
        b"<ClinicalDocument/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<a>" * 500 + b"</a>" * 500,
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_report_is_refused_without_a_trace(content: bytes) -> None:
    assert codes_of(content) == {"B101"}


def test_text_and_lines_are_kept() -> None:
    node = read_xml(b'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<b xsi:type="CD">x</b></a>')
    child = node.first("b")
    assert child is not None
    assert (child.line, child.text, child.get("xsi:type")) == (2, "x", "CD")
    with pytest.raises(Unreadable):
        read_xml(b"<a>")


def test_markup_in_names_is_escaped_and_bytes_repeat() -> None:
    def with_markup() -> dict[str, bytes]:
        made = practice()
        made.practice[0]["name"] = 'Test & "Practice" <b>'
        return files_of(made)

    first, second = with_markup(), with_markup()
    assert first == second
    report = next(text for name, text in first.items() if name.endswith(".xml"))
    assert b'Test &amp; "Practice" &lt;b&gt;' in report
    assert list(problems_of(report)) == []


def test_unknown_race_stands_as_unknown_and_unknown_payer_as_other() -> None:
    report = next(text for name, text in files_of(practice(every_code=True)).items() if name.endswith(".xml")).decode()
    assert '<value xsi:type="CD" nullFlavor="UNK" />' in report
    assert 'translation code="UNK"' not in report


def test_files_of_other_programs_are_checked_too(tmp_path: Path) -> None:
    text = _first_report().decode().replace('extension="ASM_GROUP"', 'extension="MIPS_INDIV"')
    assert codes_of(text.encode()) == {"B106"}
