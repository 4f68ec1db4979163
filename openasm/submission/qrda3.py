"""QRDA Category III: one report a clinician (ASM_INDIV) or one for the clinicians of a practice (ASM_GROUP).

Only results by eCQM belong in it. Every id is made from the content (UUID version 5), so equal submissions give equal bytes; the only
moment in the file is the one passed in.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from openasm import __version__
from openasm.base.problems import Problems
from openasm.submission import problems as kinds
from openasm.submission.content import MeasureResult, Population, Practice, QualityReport, Rate, Submission, rate_text
from openasm.submission.formats import KINDS, UNKNOWN, Formats
from openasm.submission.inputs import Identifiers

_SPACE = uuid.UUID("5b0c8a0e-6f0b-5c59-9a55-0d6a5a3f2027")  # of this program's own ids
_ACT_CODE = "2.16.840.1.113883.5.4"
_LOINC = "2.16.840.1.113883.6.1"
_SNOMED = "2.16.840.1.113883.6.96"
_RACE = "2.16.840.1.113883.6.238"  # race and ethnicity
_CMS_CODES = "2.16.840.1.113883.3.249.12"
_NPI = "2.16.840.1.113883.4.6"
_TIN = "2.16.840.1.113883.4.2"
_PROGRAM = "2.16.840.1.113883.3.249.7"
_CERTIFICATION = "2.16.840.1.113883.3.2074.1"
_MEASURE_VERSION = "2.16.840.1.113883.4.738"
_LOINC_OF = {"ethnicity": "69490-1", "race": "72826-1", "sex": "76689-9", "payer": "48768-6"}
_SYSTEM_OF = {"ethnicity": _RACE, "race": _RACE, "sex": _SNOMED, "payer": _CMS_CODES}


def ecqms(report: QualityReport) -> tuple[MeasureResult, ...]:
    """The measures of a report that belong in a QRDA III file."""
    return tuple(each for each in report.measures if each.collection_type == "ecqm")


def check_identifiers(
    reports: Iterable[QualityReport], identifiers: Identifiers, formats: Formats, problems: Problems
) -> None:
    """Name every identifier of CMS that the reports need and that has not been given (B011), a measure at a time."""

    def name(about: str, missing: Iterable[str]) -> None:
        told = ", ".join(missing)
        if told:
            problems.add(kinds.IDENTIFIER_MISSING, "identifiers.csv", found=f"about {about}: {told}")

    with_ecqms = [each for each in reports if ecqms(each)]
    for cohort in dict.fromkeys(each.cohort for each in with_ecqms):
        name(cohort, () if identifiers.find("cohort", cohort) else ("cohort",))
    for measure in dict.fromkeys(each.measure for report in with_ecqms for each in ecqms(report)):
        known = formats.measure(measure)
        populations = [
            f"population_id of group {group} {code}"
            for group in known.groups
            for code in known.populations
            if identifiers.find("population_id", measure, group, code) is None
        ]
        specific = () if identifiers.find("measure_id", measure) else ("measure_id",)
        name(measure, (*specific, *populations))


def qrda3_text(
    submission: Submission, report: QualityReport, *, identifiers: Identifiers, formats: Formats, moment: dt.datetime
) -> str:
    """One report as XML text. moment: when it is written, with a time zone.

    The report needs populations with supplemental data and every identifier (`check_identifiers`); a KeyError or ValueError is ours.
    """
    return _Writer(submission, report, identifiers, formats, moment).text()


class _Writer:
    def __init__(
        self,
        submission: Submission,
        report: QualityReport,
        identifiers: Identifiers,
        formats: Formats,
        moment: dt.datetime,
    ) -> None:
        self.submission = submission
        self.practice: Practice = submission.practice
        self.report = report
        self.identifiers = identifiers
        self.formats = formats
        self.moment = moment.astimezone(dt.UTC).strftime("%Y%m%d%H%M%S+0000")
        self.period = (submission.start.strftime("%Y%m%d"), submission.end.strftime("%Y%m%d"))
        self.key = json.dumps([self.practice.tin, submission.year, report.level, report.cohort, report.npis])

    def text(self) -> str:
        root = ET.Element(
            "ClinicalDocument", {"xmlns": "urn:hl7-org:v3", "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"}
        )
        _add(root, "realmCode", code="US")
        _add(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
        self._templates(root, "report", "report_cms")
        _add(root, "id", root=self._uuid("document", self._content()))
        _add(root, "code", code="55184-6", codeSystem=_LOINC)
        program = self.formats.program(self.report.level)
        _add(root, "title").text = f"Quality results of {self.submission.year}, {program}"
        _add(root, "effectiveTime", value=self.moment)
        _add(root, "confidentialityCode", code="N", codeSystem="2.16.840.1.113883.5.25")
        _add(root, "languageCode", code="en")
        _add(root, "versionNumber", value="1")
        _add(_add(_add(root, "recordTarget"), "patientRole"), "id", nullFlavor="NA")
        self._author(root)
        custodian = _add(_add(_add(root, "custodian"), "assignedCustodian"), "representedCustodianOrganization")
        _add(custodian, "id", root=_TIN, extension=self.practice.tin)
        _add(custodian, "name").text = self.practice.name
        recipient = _add(_add(root, "informationRecipient"), "intendedRecipient")
        _add(recipient, "id", root=_PROGRAM, extension=program)
        if self.practice.signer_family:
            self._authenticator(root)
        self._participants(root)
        self._performers(root)
        self._measure_section(root)
        ET.indent(root, " ")
        return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'

    def _content(self) -> str:
        """What the document's id stands for: everything in it but the moment."""
        return repr((self.practice, self.report, sorted(self.identifiers.values.items())))

    def _uuid(self, *parts: str) -> str:
        return str(uuid.uuid5(_SPACE, json.dumps([self.key, *parts])))

    def _templates(self, parent: ET.Element, *names: str) -> None:
        for name in names:
            root, extension = self.formats.template(name)
            _add(parent, "templateId", root=root, extension=extension or None)

    def _author(self, root: ET.Element) -> None:
        author = _add(root, "author")
        _add(author, "time", value=self.moment)
        assigned = _add(author, "assignedAuthor")
        _add(assigned, "id", root=_TIN, extension=self.practice.tin)
        self._address(assigned)
        device = _add(assigned, "assignedAuthoringDevice")
        _add(device, "manufacturerModelName").text = "OpenASM"
        _add(device, "softwareName").text = f"OpenASM {__version__}"
        _add(_add(assigned, "representedOrganization"), "name").text = self.practice.name

    def _address(self, parent: ET.Element) -> None:
        address = _add(parent, "addr", use="WP")
        _add(address, "streetAddressLine").text = self.practice.street
        _add(address, "city").text = self.practice.city
        _add(address, "state").text = self.practice.state
        _add(address, "postalCode").text = self.practice.zip
        _add(address, "country").text = "US"
        _add(parent, "telecom", use="WP", value=f"tel:{self.practice.telephone}")

    def _authenticator(self, root: ET.Element) -> None:
        legal = _add(root, "legalAuthenticator")
        _add(legal, "time", value=self.moment)
        _add(legal, "signatureCode", code="S")
        entity = _add(legal, "assignedEntity")
        _add(entity, "id", root=self._uuid("signer", self.practice.signer_given, self.practice.signer_family))
        self._address(entity)
        name = _add(_add(entity, "assignedPerson"), "name")
        if self.practice.signer_given:
            _add(name, "given").text = self.practice.signer_given
        _add(name, "family").text = self.practice.signer_family
        organization = _add(entity, "representedOrganization")
        _add(organization, "id", root=_TIN, extension=self.practice.tin)
        _add(organization, "name").text = self.practice.name

    def _participants(self, root: ET.Element) -> None:
        entity = _add(_add(root, "participant", typeCode="DEV"), "associatedEntity", classCode="RGPR")
        _add(entity, "id", root=_CERTIFICATION, extension=self.practice.cehrt_id)
        _add(entity, "code", code="129465004", codeSystem=_SNOMED)
        cohort = self.formats.cohort
        participant = _add(root, "participant", typeCode=cohort["type_code"])
        entity = _add(participant, "associatedEntity", classCode=cohort["class_code"])
        _add(entity, "id", root=cohort["root"], extension=self._given("cohort", self.report.cohort))

    def _performers(self, root: ET.Element) -> None:
        event = _add(_add(root, "documentationOf", typeCode="DOC"), "serviceEvent", classCode="PCPR")
        self._period(event)
        for npi in self.report.npis:
            performer = _add(event, "performer", typeCode="PRF")
            self._period(performer, "time")
            entity = _add(performer, "assignedEntity")
            _add(entity, "id", root=_NPI, extension=npi)
            organization = _add(entity, "representedOrganization")
            _add(organization, "id", root=_TIN, extension=self.practice.tin)
            _add(organization, "name").text = self.practice.name

    def _period(self, parent: ET.Element, tag: str = "effectiveTime") -> None:
        time = _add(parent, tag)
        _add(time, "low", value=self.period[0])
        _add(time, "high", value=self.period[1])

    def _measure_section(self, root: ET.Element) -> None:
        body = _add(_add(root, "component"), "structuredBody")
        section = _add(_add(body, "component"), "section")
        self._templates(section, "section", "section_hl7", "section_cms")
        _add(section, "code", code="55186-1", codeSystem=_LOINC)
        _add(section, "title").text = "Measure Section"
        results = ecqms(self.report)
        rows = _add(_add(section, "text"), "list")
        for result in results:
            for rate in result.rates:
                _add(rows, "item").text = _in_words(result, rate)
        for result in results:
            self._measure(section, result)
        act = _add(_add(section, "entry"), "act", classCode="ACT", moodCode="EVN")
        self._templates(act, "parameters")
        _add(act, "id", root=self._uuid("parameters"))
        _add(act, "code", code="252116004", codeSystem=_SNOMED)
        self._period(act)

    def _measure(self, section: ET.Element, result: MeasureResult) -> None:
        organizer = _add(_add(section, "entry"), "organizer", classCode="CLUSTER", moodCode="EVN")
        self._templates(organizer, "measure", "results", "results_cms")
        _add(organizer, "id", root=self._uuid("measure", result.measure))
        _add(organizer, "statusCode", code="completed")
        document = _add(
            _add(organizer, "reference", typeCode="REFR"), "externalDocument", classCode="DOC", moodCode="EVN"
        )
        _add(document, "id", root=_MEASURE_VERSION, extension=self._given("measure_id", result.measure))
        _add(document, "code", code="57024-2", codeSystem=_LOINC)
        version = self.identifiers.find("measure_version", result.measure)
        _add(document, "text").text = version or self.formats.measure(result.measure).ecqm
        for rate in result.rates:
            for population in rate.populations:
                self._population(organizer, result, rate, population)
            self._performance(organizer, result, rate)

    def _population(self, organizer: ET.Element, result: MeasureResult, rate: Rate, population: Population) -> None:
        observation = _observation(_add(organizer, "component"))
        self._templates(observation, "population", "population_cms")
        _add(observation, "code", code="ASSERTION", codeSystem=_ACT_CODE)
        _add(observation, "statusCode", code="completed")
        _value(observation, "CD", code=population.code, codeSystem=_ACT_CODE)
        self._count(observation, population.count)
        for kind in KINDS:
            for code, count in self._rows(kind, population.breakdown[kind]).items():
                place = (result.measure, str(rate.group), population.code, kind, code)
                self._supplemental(observation, kind, code, count, place)
        reference = _add(observation, "reference", typeCode="REFR")
        external = _add(reference, "externalObservation", classCode="OBS", moodCode="EVN")
        _add(external, "id", root=self._given("population_id", result.measure, rate.group, population.code))

    def _rows(self, kind: str, counts: Mapping[str, int]) -> dict[str, int]:
        """The codes of a kind that anybody has; where nobody has any, the first with 0, as CMS asks for a row of every kind.

        Of whom it is not known: race and ethnicity have a place for that, a payer counts as other, a sex has none and is left out.
        """
        known = dict.fromkeys(self.formats.codes(kind), 0) | {code: counts[code] for code in counts if code != UNKNOWN}
        unknown = counts.get(UNKNOWN, 0)
        if kind == "payer":
            known["D"] += unknown
        elif kind != "sex":
            known[UNKNOWN] = unknown
        rows = {code: count for code, count in known.items() if count}
        return rows or {next(iter(known)): 0}

    def _supplemental(self, parent: ET.Element, kind: str, code: str, count: int, place: tuple[str, ...]) -> None:
        observation = _observation(_add(parent, "entryRelationship", typeCode="COMP"))
        self._templates(observation, *((kind, f"{kind}_cms") if kind in ("sex", "payer") else (kind,)))
        if kind == "payer":
            _add(observation, "id", root=self._uuid(*place))
        _add(observation, "code", code=_LOINC_OF[kind], codeSystem=_LOINC)
        _add(observation, "statusCode", code="completed")
        if kind in ("sex", "payer"):
            value = _value(observation, "CD", nullFlavor="OTH")
            _add(value, "translation", code=code, codeSystem=_SYSTEM_OF[kind])
        elif code == UNKNOWN:
            _value(observation, "CD", nullFlavor=UNKNOWN)
        else:
            _value(observation, "CD", code=code, codeSystem=_SYSTEM_OF[kind])
        self._count(observation, count)

    def _count(self, parent: ET.Element, count: int) -> None:
        observation = _observation(_add(parent, "entryRelationship", typeCode="SUBJ", inversionInd="true"))
        self._templates(observation, "count")
        _add(observation, "code", code="MSRAGG", codeSystem=_ACT_CODE)
        _value(observation, "INT", value=str(count))
        _add(observation, "methodCode", code="COUNT", codeSystem="2.16.840.1.113883.5.84")

    def _performance(self, organizer: ET.Element, result: MeasureResult, rate: Rate) -> None:
        observation = _observation(_add(organizer, "component"))
        self._templates(observation, "rate", "proportion_rate", "proportion_rate_cms")
        _add(observation, "code", code="72510-1", codeSystem=_LOINC)
        _add(observation, "statusCode", code="completed")
        if rate.performance is None:
            _value(observation, "REAL", nullFlavor="NA")
        else:
            _value(observation, "REAL", value=rate_text(rate.performance))
        reference = _add(observation, "reference", typeCode="REFR")
        external = _add(reference, "externalObservation", classCode="OBS", moodCode="EVN")
        _add(external, "id", root=self._given("population_id", result.measure, rate.group, "NUMER"))
        _add(external, "code", code="NUMER", codeSystem=_ACT_CODE)

    def _given(self, item: str, about: str, group: int = 0, population: str = "") -> str:
        found = self.identifiers.find(item, about, group, population)
        if found is None:
            raise ValueError(f"no {item} of {about}: check_identifiers was not called")
        return found


def _add(parent: ET.Element, tag: str, **attributes: str | None) -> ET.Element:
    """A new child; attributes without a value are left out."""
    return ET.SubElement(parent, tag, {name: value for name, value in attributes.items() if value is not None})


def _observation(parent: ET.Element) -> ET.Element:
    return _add(parent, "observation", classCode="OBS", moodCode="EVN")


def _value(parent: ET.Element, kind: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, "value", {"xsi:type": kind, **attributes})


def _in_words(result: MeasureResult, rate: Rate) -> str:
    name = f", {rate.name}" if rate.name else ""
    performance = "no rate" if rate.performance is None else f"rate {rate_text(rate.performance)}"
    return f"Measure {result.measure}{name}: {rate.met} of {rate.met + rate.not_met}, {performance}"
