"""Checks of any QRDA Category III file against CMS's rules of the performance year, in words that say what to do.

The rules are those of CMS's Schematron (error phase) as far as a report of quality results can break them, and a few of arithmetic that
it does not have. Sections of improvement activities and Promoting Interoperability are not looked into: ASM takes those
otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from openasm.base.identity import is_npi, is_tin
from openasm.base.problems import ProblemKind, Problems, shown
from openasm.submission import file_problems as kinds
from openasm.submission.formats import Formats
from openasm.submission.problems import BAD_CERTIFICATION
from openasm.submission.xml_tree import Node, Unreadable, read_xml

CDA = "urn:hl7-org:v3"
NPI_ROOT = "2.16.840.1.113883.4.6"
TIN_ROOT = "2.16.840.1.113883.4.2"
PROGRAM_ROOT = "2.16.840.1.113883.3.249.7"
CERTIFICATION_ROOT = "2.16.840.1.113883.3.2074.1"
LOINC = "2.16.840.1.113883.6.1"
SNOMED = "2.16.840.1.113883.6.96"
OTHER_SECTIONS = ("2.16.840.1.113883.10.20.27.2.4", "2.16.840.1.113883.10.20.27.2.5")  # activities, interoperability

_CODED = frozenset(
    {
        *("code", "administrationUnitCode", "administrativeGenderCode", "awarenessCode", "confidentialityCode"),
        *("dischargeDispositionCode", "ethnicGroupCode", "functionCode", "interpretationCode", "maritalStatusCode"),
        *("methodCode", "modeCode", "priorityCode", "proficiencyLevelCode", "religiousAffiliationCode", "routeCode"),
        *("languageCode", "realmCode"),
    }
)
_NUMBERED = frozenset({"sequenceNumber", "versionNumber"})
_TIMES = frozenset({"birthTime", "time", "effectiveTime"})


@dataclass(frozen=True)
class Checker:
    """Collects what is wrong with one file. Places are told by line and by the path of elements."""

    file: str
    formats: Formats
    problems: Problems

    def note(self, kind: ProblemKind, node: Node, place: str, *, found: str = "", expected: str = "") -> None:
        """Add a finding at an element."""
        self.problems.add(kind, self.file, row=node.line, column=place, found=found, expected=expected)

    def number(self, node: Node, path: str, place: str, *, least: int = 1, most: int | None = 1) -> list[Node]:
        """The elements at a path, noted when there are too few or too many (most None: any number)."""
        found = node.all(path)
        if len(found) < least or (most is not None and len(found) > most):
            wanted = (
                f"exactly {least}" if most == least else f"{least} or more" if most is None else f"{least} to {most}"
            )
            self.note(kinds.WRONG_NUMBER, node, f"{place}/{path}", found=str(len(found)), expected=wanted)
        return found

    def fixed(self, node: Node | None, place: str, **wanted: str) -> None:
        """Note attributes that are not as prescribed; a missing element is the business of `number`."""
        for name, value in wanted.items():
            if node is not None and node.get(name) != value:
                found = node.get(name)
                told = "nothing" if found is None else shown(found)
                self.note(kinds.WRONG_VALUE, node, f"{place}@{name}", found=told, expected=value)

    def templates(self, node: Node, place: str, *names: str) -> None:
        """Note each template the element must carry once in the version of the year and does not."""
        for name in names:
            root, extension = self.formats.template(name)
            ids = [child for child in node.children if child.tag == "templateId" and child.get("root") == root]
            right = [child for child in ids if (child.get("extension") or "") == extension]
            if len(right) > 1:
                self.note(kinds.WRONG_NUMBER, right[1], place, found=f"template {root} twice", expected="once")
            if right:
                continue
            found = f"version {shown(ids[0].get('extension') or 'none')}" if ids else "no such template"
            wanted = f"template {root}, version {extension}" if extension else f"template {root}"
            self.note(kinds.TEMPLATE_MISSING, ids[0] if ids else node, place, found=found, expected=wanted)

    def has(self, node: Node, name: str) -> bool:
        """Whether an element carries a template, in any version."""
        return node.has_template(self.formats.template(name)[0])


def check_qrda3(content: bytes, file: str, *, formats: Formats, problems: Problems) -> None:
    """Add everything that is wrong with a QRDA III file. file: its name, for the messages."""
    from openasm.submission.qrda3_check_measures import check_measure_section

    checker = Checker(file, formats, problems)
    try:
        root = read_xml(content)
    except Unreadable as error:
        problems.add(kinds.NOT_QRDA, file, row=error.line or None, found=str(error))
        return
    if root.tag != "ClinicalDocument" or root.namespace != CDA:
        checker.note(kinds.NOT_QRDA, root, "", found=f"{shown(root.tag)} at the root")
        return
    _values(root, checker)
    checker.templates(root, "ClinicalDocument", "report", "report_cms")
    _header(root, checker)
    program = _program(root, checker)
    _participants(root, checker)
    _performers(root, program, checker)
    sections = root.all("component/structuredBody/component/section")
    measure_sections = [
        each for each in sections if any(checker.has(each, name) for name in ("section", "section_hl7", "section_cms"))
    ]
    for number, section in enumerate(measure_sections, start=1):
        if number > 1:
            checker.note(
                kinds.WRONG_NUMBER, section, "measure section", found=str(number), expected="one measure section"
            )
        check_measure_section(section, checker)
    others = any(section.has_template(each) for section in sections for each in OTHER_SECTIONS)
    if not measure_sections and (program.startswith("ASM") or not others):
        expected = f"a measure section with template {formats.template('section_cms')[0]}"
        checker.note(kinds.TEMPLATE_MISSING, root, "measure section", found="no measure section", expected=expected)


def _header(root: Node, checker: Checker) -> None:
    place = "ClinicalDocument"
    for tag in (
        *("realmCode", "typeId", "id", "code", "title", "effectiveTime", "confidentialityCode", "languageCode"),
        *("recordTarget", "custodian", "informationRecipient", "documentationOf", "component"),
    ):
        checker.number(root, tag, place)
    checker.fixed(root.first("realmCode"), "realmCode", code="US")
    checker.fixed(root.first("typeId"), "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    checker.fixed(root.first("code"), "code", code="55184-6", codeSystem=LOINC)
    checker.fixed(root.first("confidentialityCode"), "confidentialityCode", code="N")
    checker.fixed(root.first("languageCode"), "languageCode", code="en")
    for target in root.all("recordTarget"):
        role = checker.number(target, "patientRole", "recordTarget")
        for each in role:
            if [one.get("nullFlavor") for one in each.all("id")] != ["NA"]:
                found, wanted = f"{len(each.all('id'))} ids", "one id with nullFlavor NA, as no patient is meant"
                checker.note(kinds.WRONG_VALUE, each, "recordTarget/patientRole/id", found=found, expected=wanted)
    _authors(root, checker)
    for custodian in root.all("custodian"):
        path = "assignedCustodian/representedCustodianOrganization"
        checker.number(custodian, path, "custodian")
        for organization in custodian.all(path):
            checker.number(organization, "id", f"custodian/{path}", most=None)
    for legal in root.all("legalAuthenticator"):
        for tag in ("time", "signatureCode", "assignedEntity"):
            checker.number(legal, tag, "legalAuthenticator")
        checker.fixed(legal.first("signatureCode"), "legalAuthenticator/signatureCode", code="S")
        for organization in legal.all("assignedEntity/representedOrganization"):
            checker.number(organization, "id", "legalAuthenticator/assignedEntity/representedOrganization", most=None)
    for consent in root.all("authorization/consent"):
        for tag in ("id", "code", "statusCode"):
            checker.number(consent, tag, "authorization/consent")
        checker.fixed(consent.first("code"), "authorization/consent/code", code="425691002", codeSystem=SNOMED)
        checker.fixed(consent.first("statusCode"), "authorization/consent/statusCode", code="completed")
    checker.number(root, "component/structuredBody", place)


def _authors(root: Node, checker: Checker) -> None:
    checker.number(root, "author", "ClinicalDocument", most=None)
    whole = [each for each in root.all("author") if len(each.all("time")) == 1 == len(each.all("assignedAuthor"))]
    if root.all("author") and not whole:
        checker.note(
            kinds.WRONG_NUMBER, root.all("author")[0], "author", expected="an author with time and assignedAuthor"
        )
    for author in root.all("author/assignedAuthor"):
        place = "author/assignedAuthor"
        for organization in checker.number(author, "representedOrganization", place):
            checker.number(organization, "name", f"{place}/representedOrganization", most=None)
        people, devices = author.all("assignedPerson"), author.all("assignedAuthoringDevice")
        if 1 not in (len(people), len(devices)):
            wanted = "one assignedPerson or one assignedAuthoringDevice"
            checker.note(kinds.WRONG_NUMBER, author, place, found=str(len(people) + len(devices)), expected=wanted)
        for device in devices:
            checker.number(device, "softwareName", f"{place}/assignedAuthoringDevice")


def _program(root: Node, checker: Checker) -> str:
    """The program name, empty when there is none."""
    place = "informationRecipient/intendedRecipient"
    program = ""
    for recipient in root.all("informationRecipient"):
        for intended in checker.number(recipient, "intendedRecipient", "informationRecipient"):
            for each in checker.number(intended, "id", place):
                checker.fixed(each, f"{place}/id", root=PROGRAM_ROOT)
                program = each.get("extension") or ""
                if program not in checker.formats.programs:
                    checker.note(kinds.UNKNOWN_PROGRAM, each, f"{place}/id", found=shown(program or "none"))
    return program


def _participants(root: Node, checker: Checker) -> None:
    certified = 0
    for participant in root.all("participant"):
        kind = participant.get("typeCode")
        place = f"participant[{kind}]/associatedEntity"
        for entity in participant.all("associatedEntity"):
            certified += sum(
                each.get("root") == CERTIFICATION_ROOT and each.get("extension") is not None
                for each in entity.all("id")
            )
            if kind == "DEV":
                checker.fixed(entity, place, classCode="RGPR")
                for each in checker.number(entity, "id", place):
                    _certification(each, place, checker)
                for each in checker.number(entity, "code", place):
                    checker.fixed(each, f"{place}/code", code="129465004", codeSystem=SNOMED)
            elif kind == checker.formats.cohort["type_code"]:
                _cohort(entity, place, checker)
    measured = any(
        checker.has(section, "section_cms") for section in root.all("component/structuredBody/component/section")
    )
    if measured and certified != 1:
        checker.note(kinds.NO_CERTIFICATION, root, "participant[DEV]", found=f"{certified} ids")


def _certification(node: Node, place: str, checker: Checker) -> None:
    checker.fixed(node, f"{place}/id", root=CERTIFICATION_ROOT)
    found = node.get("extension")
    if found is None or re.fullmatch(checker.formats.certification_pattern, found, re.ASCII) is None:
        checker.note(BAD_CERTIFICATION, node, f"{place}/id", found=shown(found or "none"))


def _cohort(entity: Node, place: str, checker: Checker) -> None:
    wanted = checker.formats.cohort
    ids = entity.all("id")
    right = len(ids) == 1 and ids[0].get("root") == wanted["root"] and ids[0].get("extension")
    if not right or entity.get("classCode") != wanted["class_code"]:
        found = f"class {entity.get('classCode')}, {len(ids)} ids"
        if len(ids) == 1:
            found = f"root {ids[0].get('root')}, extension {shown(ids[0].get('extension') or 'none')}"
        expected = f"class {wanted['class_code']}, one id with root {wanted['root']} and an extension"
        checker.note(kinds.BAD_COHORT, ids[0] if ids else entity, place, found=found, expected=expected)


_ONE_CLINICIAN = ("ASM_INDIV", "MIPS_INDIV", "MIPS_APP1_INDIV")
_ONE_ENTITY = (
    "MIPS_GROUP",
    "MIPS_APP1_GROUP",
    "MIPS_VIRTUALGROUP",
    "MIPS_SUBGROUP",
    "MIPS_APMENTITY",
    "MIPS_APP1_APMENTITY",
)


def _performers(root: Node, program: str, checker: Checker) -> None:
    for event in root.all("documentationOf"):
        for each in checker.number(event, "serviceEvent", "documentationOf"):
            checker.fixed(each, "documentationOf/serviceEvent", classCode="PCPR")
            performers = each.all("performer")
            one = program in (*_ONE_CLINICIAN, *_ONE_ENTITY)
            if not performers or (one and len(performers) != 1):
                expected = f"exactly one for {program}" if one else "one or more"
                checker.note(
                    kinds.WRONG_PERFORMERS,
                    each,
                    "performer",
                    found=f"{len(performers)} for {program}",
                    expected=expected,
                )
            for place, performer in enumerate(performers, start=1):
                _performer(performer, f"performer {place}", program, checker)


def _performer(performer: Node, place: str, program: str, checker: Checker) -> None:
    checker.fixed(performer, place, typeCode="PRF")
    for entity in checker.number(performer, "assignedEntity", place):
        ids = [each for each in entity.all("id") if each.get("root") == NPI_ROOT]
        organizations = checker.number(entity, "representedOrganization", f"{place}/assignedEntity")
        tins = [
            each
            for organization in organizations
            for each in organization.all("id")
            if each.get("root") == TIN_ROOT and each.get("extension")
        ]
        with_number = [each for each in ids if each.get("extension")]
        needs_npi = program not in _ONE_ENTITY
        if len(ids) != 1 or (needs_npi and len(with_number) != 1):
            found = f"{len(with_number)} NPIs"
            checker.note(kinds.NO_CLINICIAN_ID, entity, f"{place}/assignedEntity/id", found=found, expected="one NPI")
        if len(tins) != 1 and program.startswith(
            ("ASM", "MIPS_INDIV", "MIPS_GROUP", "MIPS_APP1_INDIV", "MIPS_APP1_GROUP")
        ):
            where = f"{place}/assignedEntity/representedOrganization/id"
            checker.note(kinds.NO_CLINICIAN_ID, entity, where, found=f"{len(tins)} TINs", expected="one TIN")


def _values(root: Node, checker: Checker) -> None:
    """What holds everywhere: a value or a reason for none, NPIs and TINs, time zones."""
    moment = root.first("effectiveTime")
    zoned = _zoned(moment.get("value") or "") if moment is not None else False
    for node in root.walk():
        tag, kind = node.tag, node.get("xsi:type")
        has_null = node.get("nullFlavor") is not None
        if tag in _CODED or (tag == "value" and kind in ("CD", "CE", "CS")):
            _either(node, node.get("code") is not None, has_null, checker)
        elif tag in _NUMBERED or (tag == "value" and kind in ("INT", "REAL", "BL")):
            _either(node, node.get("value") is not None, has_null, checker)
        elif tag in ("id", "setId", "templateId"):
            _identifier(node, has_null, checker)
        elif tag == "title" and not node.text and not has_null:
            checker.note(kinds.NULL_AND_VALUE, node, "title", found="an empty title")
        if tag in _TIMES:
            for each in (node, *(child for child in node.children if child.tag in ("low", "high"))):
                _time(each, zoned, checker)


def _either(node: Node, has_value: bool, has_null: bool, checker: Checker) -> None:
    if has_value == has_null:
        checker.note(kinds.NULL_AND_VALUE, node, node.tag, found="both" if has_value else "neither")


def _identifier(node: Node, has_null: bool, checker: Checker) -> None:
    root, extension = node.get("root"), node.get("extension")
    if (root is None and not has_null) or (root is not None and extension is not None and has_null):
        checker.note(kinds.NULL_AND_VALUE, node, node.tag, found="both" if has_null else "neither")
    if root not in (NPI_ROOT, TIN_ROOT):
        return
    kind, good = (kinds.BAD_NPI, is_npi) if root == NPI_ROOT else (kinds.BAD_TIN, is_tin)
    if (extension is None) != has_null:
        checker.note(
            kind, node, "id", found="both a number and a reason for none" if has_null else "neither number nor reason"
        )
    elif extension is not None and not good(extension):
        checker.note(kind, node, "id", found=shown(extension))


def _time(node: Node, zoned: bool, checker: Checker) -> None:
    value = node.get("value")
    if value is None:
        return
    if node.get("nullFlavor") is not None:
        checker.note(kinds.NULL_AND_VALUE, node, node.tag, found="both")
    if len(value.strip()) > 8 and _zoned(value) != zoned:
        checker.note(kinds.MIXED_TIME_ZONES, node, node.tag, found=shown(value))


def _zoned(value: str) -> bool:
    return "+" in value or "-" in value


def numbers(nodes: Sequence[Node]) -> list[int]:
    """Whole numbers of INT values; what is none counts as 0 (it is noted elsewhere)."""
    return [int(value) if (value := node.get("value") or "").isascii() and value.isdigit() else 0 for node in nodes]
