"""The measure section of a QRDA III file: measures, populations, supplemental data, rates, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from openasm.base.problems import shown
from openasm.submission import file_problems as kinds
from openasm.submission.formats import KINDS
from openasm.submission.inputs import plausible
from openasm.submission.qrda3_check import LOINC, Checker
from openasm.submission.xml_tree import Node

_ACT_CODE = "2.16.840.1.113883.5.4"
_LOINC_OF = {"ethnicity": "69490-1", "race": "72826-1", "sex": "76689-9", "payer": "48768-6"}
_OBSERVATION = {"classCode": "OBS", "moodCode": "EVN"}
_POPULATIONS = ("IPOP", "IPPOP", "DENOM", "DENEX", "DENEXCEP", "NUMER", "NUMEX", "MSRPOPL", "MSRPOPLEX")
_Sizes = dict[str, list[int]]


def check_measure_section(section: Node, checker: Checker) -> None:
    """Add everything that is wrong with a measure section."""
    place = "measure section"
    checker.templates(section, place, "section", "section_hl7", "section_cms")
    for each in checker.number(section, "code", place):
        checker.fixed(each, f"{place}/code", code="55186-1", codeSystem=LOINC)
    titles = checker.number(section, "title", place)
    if titles and titles[0].text.strip().lower() != "measure section":
        checker.note(
            kinds.WRONG_VALUE, titles[0], f"{place}/title", found=shown(titles[0].text), expected="Measure Section"
        )
    checker.number(section, "text", place)
    organizers = [each for each in section.all("entry/organizer") if _is_measure(each, checker)]
    if not organizers:
        checker.note(
            kinds.WRONG_NUMBER, section, f"{place}/entry/organizer", found="0", expected="one or more measures"
        )
    acts = [each for each in section.all("entry/act") if checker.has(each, "parameters")]
    if len(acts) != 1:
        wanted = "exactly one act with the reporting period"
        checker.note(kinds.WRONG_NUMBER, section, f"{place}/entry/act", found=str(len(acts)), expected=wanted)
    for act in acts:
        _reporting_period(act, checker)
    seen: set[str] = set()
    for number, organizer in enumerate(organizers, start=1):
        _measure(organizer, f"measure {number}", seen, checker)


def _is_measure(organizer: Node, checker: Checker) -> bool:
    return any(checker.has(organizer, name) for name in ("measure", "results", "results_cms"))


def _reporting_period(act: Node, checker: Checker) -> None:
    place = "reporting period"
    checker.templates(act, place, "parameters")
    checker.fixed(act, place, classCode="ACT", moodCode="EVN")
    checker.number(act, "id", place, most=None)
    for each in checker.number(act, "code", place):
        checker.fixed(each, f"{place}/code", code="252116004", codeSystem="2.16.840.1.113883.6.96")
    for time in checker.number(act, "effectiveTime", place):
        for edge in ("low", "high"):
            for each in checker.number(time, edge, f"{place}/effectiveTime"):
                value = each.get("value")
                if value is None or len(value) < 8:
                    wanted = "a day, as in 20270101"
                    found = shown(value or "none")
                    checker.note(kinds.WRONG_VALUE, each, f"{place}/effectiveTime/{edge}", found=found, expected=wanted)


def _measure(organizer: Node, place: str, seen: set[str], checker: Checker) -> None:
    checker.templates(organizer, place, "measure", "results", "results_cms")
    checker.fixed(organizer, place, classCode="CLUSTER", moodCode="EVN")
    checker.number(organizer, "id", place, most=None)
    for each in checker.number(organizer, "statusCode", place):
        checker.fixed(each, f"{place}/statusCode", code="completed")
    _measure_reference(organizer, place, seen, checker)
    observations = organizer.all("component/observation")
    for component in organizer.all("component"):
        if len(component.all("observation")) > 1:
            checker.note(
                kinds.WRONG_NUMBER, component, f"{place}/component", found="2 or more", expected="one observation"
            )
    populations = [each for each in observations if _any_template(each, checker, "population", "population_cms")]
    rates = [
        each for each in observations if _any_template(each, checker, "rate", "proportion_rate", "proportion_rate_cms")
    ]
    if not populations:
        wanted = "one or more populations with their counts"
        checker.note(kinds.WRONG_NUMBER, organizer, f"{place}/component/observation", found="0", expected=wanted)
    sizes: _Sizes = {}
    for each in populations:
        code = _population(each, place, sizes, checker)
        if code and code not in _POPULATIONS:
            checker.note(
                kinds.WRONG_VALUE, each, f"{place}, population", found=shown(code), expected=", ".join(_POPULATIONS)
            )
    written = [_rate(each, f"{place}, rate {number}", checker) for number, each in enumerate(rates, start=1)]
    _arithmetic(organizer, place, sizes, written, checker)


def _any_template(node: Node, checker: Checker, *names: str) -> bool:
    return any(checker.has(node, name) for name in names)


def _measure_reference(organizer: Node, place: str, seen: set[str], checker: Checker) -> None:
    references = [
        each for each in organizer.all("reference") if each.get("typeCode") == "REFR" and each.all("externalDocument")
    ]
    if len(references) != 1:
        found, wanted = str(len(references)), "exactly one reference to the measure"
        checker.note(kinds.WRONG_NUMBER, organizer, f"{place}/reference", found=found, expected=wanted)
    for document in (each for reference in references for each in reference.all("externalDocument")):
        checker.fixed(document, f"{place}/reference/externalDocument", classCode="DOC")
        for code in document.all("code"):
            checker.fixed(code, f"{place}/reference/externalDocument/code", code="57024-2")
        ids = [
            each
            for each in document.all("id")
            if each.get("root") == "2.16.840.1.113883.4.738" and each.get("extension") is not None
        ]
        if len(ids) != 1:
            found, wanted = str(len(ids)), "one version-specific id of the measure (root 2.16.840.1.113883.4.738)"
            checker.note(
                kinds.WRONG_NUMBER, document, f"{place}/reference/externalDocument/id", found=found, expected=wanted
            )
        for each in ids:
            extension = (each.get("extension") or "").lower()
            if extension in seen:
                checker.note(kinds.MEASURE_TWICE, each, place, found=shown(extension))
            seen.add(extension)


def _population(observation: Node, measure: str, sizes: _Sizes, checker: Checker) -> str:
    """Check a population; note its count by code. Returns the code."""
    values = [each for each in observation.all("value") if each.get("xsi:type") == "CD"]
    code = (values[0].get("code") or "") if len(values) == 1 else ""
    place = f"{measure}, population {code or '?'}"
    if not code:
        checker.note(
            kinds.WRONG_NUMBER, observation, f"{place}/value", found=str(len(values)), expected="one population code"
        )
    checker.templates(observation, place, "population", "population_cms")
    _frame(observation, place, checker, code="ASSERTION", system=_ACT_CODE)
    count = _count(observation, place, checker)
    sizes.setdefault(code, []).append(count)
    references = [
        each
        for each in observation.all("reference")
        if [len(one.all("id")) for one in each.all("externalObservation")] == [1]
    ]
    if len(references) != 1:
        found, wanted = str(len(references)), "exactly one reference with the population's id"
        checker.note(kinds.WRONG_NUMBER, observation, f"{place}/reference", found=found, expected=wanted)
    entries = [each for each in observation.all("entryRelationship") if each.get("typeCode") == "COMP"]
    rows = [one for entry in entries for one in entry.all("observation")]
    by_kind = {kind: [each for each in rows if checker.has(each, kind)] for kind in KINDS}
    missing = [kind for kind in KINDS if not _in_form(by_kind[kind], kind, checker)]
    if missing:
        found = "; ".join(f"{kind} in an older form" if by_kind[kind] else f"no {kind}" for kind in missing)
        checker.note(kinds.SUPPLEMENTAL_MISSING, observation, place, found=found)
    for kind in KINDS:
        if kind in missing:
            continue
        counts = [_supplemental(each, f"{place}, {kind}", kind, checker) for each in by_kind[kind]]
        if sum(counts) > count:
            found = f"{kind} adds up to {sum(counts)} of {count}"
            checker.note(kinds.SUPPLEMENTAL_SUM, observation, place, found=found)
    return code


def _in_form(rows: Sequence[Node], kind: str, checker: Checker) -> bool:
    """Whether any row of a kind is in the form of this year."""
    root, extension = checker.formats.template(f"{kind}_cms" if kind in ("sex", "payer") else kind)
    return any(
        child.get("root") == root and child.get("extension") == extension
        for row in rows
        for child in row.children
        if child.tag == "templateId"
    )


def _frame(observation: Node, place: str, checker: Checker, *, code: str, system: str) -> None:
    """What every observation has: class, mood, code, status."""
    checker.fixed(observation, place, **_OBSERVATION)
    for each in checker.number(observation, "code", place):
        checker.fixed(each, f"{place}/code", code=code, codeSystem=system)
    for each in checker.number(observation, "statusCode", place):
        checker.fixed(each, f"{place}/statusCode", code="completed")


def _count(parent: Node, place: str, checker: Checker) -> int:
    """The aggregate count of a population or a supplemental row; 0 when there is none."""
    counts = [
        each
        for entry in parent.all("entryRelationship")
        if entry.get("typeCode") == "SUBJ" and entry.get("inversionInd") == "true"
        for each in entry.all("observation")
        if checker.has(each, "count")
    ]
    if len(counts) != 1:
        checker.note(kinds.WRONG_NUMBER, parent, f"{place}/count", found=str(len(counts)), expected="exactly one count")
        return 0
    observation = counts[0]
    checker.templates(observation, f"{place}/count", "count")
    checker.fixed(observation, f"{place}/count", **_OBSERVATION)
    for each in checker.number(observation, "code", f"{place}/count"):
        checker.fixed(each, f"{place}/count/code", code="MSRAGG", codeSystem=_ACT_CODE)
    for each in checker.number(observation, "methodCode", f"{place}/count"):
        checker.fixed(each, f"{place}/count/methodCode", code="COUNT", codeSystem="2.16.840.1.113883.5.84")
    values = [each for each in observation.all("value") if each.get("xsi:type") == "INT"]
    text = (values[0].get("value") or "") if len(values) == 1 else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        checker.note(kinds.BAD_COUNT, observation, f"{place}/count", found=shown(text or "none"))
        return 0
    return int(text)


def _supplemental(observation: Node, place: str, kind: str, checker: Checker) -> int:
    """Check a supplemental row; returns its count."""
    checker.templates(observation, place, *((kind, f"{kind}_cms") if kind in ("sex", "payer") else (kind,)))
    _frame(observation, place, checker, code=_LOINC_OF[kind], system=LOINC)
    values = [each for each in observation.all("value") if each.get("xsi:type") == "CD"]
    if len(values) != 1:
        checker.note(kinds.WRONG_NUMBER, observation, f"{place}/value", found=str(len(values)), expected="exactly one")
    for value in values if kind in ("sex", "payer") else ():
        checker.fixed(value, f"{place}/value", nullFlavor="OTH")
        known = checker.formats.codes(kind)
        for each in checker.number(value, "translation", f"{place}/value"):
            code = each.get("code")
            if code is None or (kind == "payer" and code not in known):
                expected = ", ".join(f"{one} ({title})" for one, title in known.items())
                where = f"{place}/value/translation"
                checker.note(kinds.WRONG_VALUE, each, where, found=shown(code or "none"), expected=expected)
    return _count(observation, place, checker)


def _rate(observation: Node, place: str, checker: Checker) -> str | None:
    """Check a performance rate; returns it as written, None where it has none."""
    checker.templates(observation, place, "proportion_rate", "proportion_rate_cms")
    checker.fixed(observation, place, **_OBSERVATION)
    if checker.has(observation, "rate"):
        checker.templates(observation, place, "rate")
        _frame(observation, place, checker, code="72510-1", system=LOINC)
    for reference in checker.number(observation, "reference", place):
        checker.fixed(reference, f"{place}/reference", typeCode="REFR")
        for external in checker.number(reference, "externalObservation", f"{place}/reference"):
            where = f"{place}/reference/externalObservation"
            if external.get("classCode") is None:
                checker.note(
                    kinds.WRONG_VALUE, external, f"{where}@classCode", found="nothing", expected="a class code"
                )
            checker.number(external, "id", where)
            for each in checker.number(external, "code", where):
                checker.fixed(each, f"{where}/code", code="NUMER", codeSystem=_ACT_CODE)
    values = [each for each in observation.all("value") if each.get("xsi:type") == "REAL"]
    if len(values) != 1:
        checker.note(kinds.WRONG_NUMBER, observation, f"{place}/value", found=str(len(values)), expected="exactly one")
        return None
    text = values[0].get("value")
    if text is None:
        return None
    if _number(text) is None or not 0 <= Decimal(text) <= 1 or len(text.partition(".")[2]) > 6:
        checker.note(kinds.BAD_RATE, values[0], place, found=shown(text))
        return None
    return text


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _arithmetic(
    organizer: Node, place: str, sizes: Mapping[str, Sequence[int]], rates: Sequence[str | None], checker: Checker
) -> None:
    """Populations and rates against each other, where it is plain which belong together: each code once a rate, in order."""
    several = len(sizes.get("DENOM", ()))
    if not several or any(len(counts) != several for counts in sizes.values()):
        return
    for number in range(several):
        one = {code.replace("IPPOP", "IPOP"): counts[number] for code, counts in sizes.items()}
        where = f"{place}, rate {number + 1}"
        if not plausible(one):
            told = ", ".join(f"{code} {count}" for code, count in one.items())
            checker.note(kinds.POPULATIONS_DISAGREE, organizer, where, found=told)
            continue
        written = rates[number] if len(rates) == several else None
        left = one["DENOM"] - one.get("DENEX", 0) - one.get("DENEXCEP", 0)
        if written is None or not left:
            continue
        exact = Fraction(one.get("NUMER", 0), left)
        decimals = len(written.partition(".")[2])
        if abs(Fraction(written) - exact) > Fraction(1, 10**decimals):
            checker.note(kinds.RATE_DIFFERS, organizer, where, found=f"{written}, the counts give {float(exact):.6f}")
