"""What the rows of a codes-list workbook mean for the measure: triggers, service rules, conditions.

CMS publishes the lists without a description of their words that we could read. The reading below is ours (evidence status
`assumed`; docs/method/codes-lists.md); every word it understands stands in the parameter file `construction.yaml`, where a
user can add others. A word that is not understood is a problem that stops the work: a rule that is guessed or dropped
would change scores silently.

Service rules. A row takes a service of its settings whose code matches, when the claim's diagnoses meet the row's
condition. A decision on the three-digit category of `include` is met by any diagnosis of the category; `listed` by the full
diagnosis codes the row lists; a full code whose decision is `exclude` is met by no row of the same setting, service code
and category (`service_rules.py`). A row without diagnoses takes the service whatever the diagnosis. A row without a service code takes every service of its settings.

Conditions (exclusions, sub-groups, risk variables). A row holds when one claim of the settings checked carries all the
row's codes within the time named; a name holds when one of its rows does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from openasm.base.parameters import RuleValue
from openasm.base.problems import Problems, Severity, declare, shown
from openasm.claims.contract import SETTINGS
from openasm.episodes.specifications.codes_list import (
    WHOLE_EPISODE,
    CodeKind,
    CodesList,
    Condition,
    DiagnosisCondition,
    Role,
    ServiceRule,
    Window,
)
from openasm.episodes.specifications.construction import COMMON, Construction
from openasm.episodes.specifications.service_rules import (
    DiagnosisAsked,
    ServiceRow,
    listed_and_excluded,
    service_rules,
)
from openasm.episodes.specifications.service_windows import window_of, windows_by_word
from openasm.episodes.specifications.workbook import (
    SHEET_MISSING,
    Row,
    Sheet,
    Workbook,
    normalised,
    read_workbook,
    require_columns,
)

WORD_UNKNOWN = declare(
    "E010",
    "the codes list uses a word whose meaning is not known",
    expected="one of the words listed",
    next_step="Look the word up in CMS's measure information form and add it to the table named with --spec.",
)
CODE_MISSING = declare(
    "E011",
    "a row has no code or no name where it needs one",
    expected="a code and what it belongs to",
    next_step="Compare the row with the workbook CMS published.",
)
NAME_UNKNOWN = declare(
    "E012",
    "a details row belongs to a name its sheet does not list and has no effect",
    expected="a name of the sheet without `_Details`",
    next_step="Compare both sheets with the workbook CMS published.",
    severity=Severity.WARNING,
)
OTHER_MEASURE = declare(
    "E013",
    "the codes list is of another measure",
    expected="the codes list of the cohort asked for",
    next_step="Give the other workbook, or the other --cohort.",
)
COUNTS_DIFFER = declare(
    "E014",
    "a sheet does not have the number of rows known for this measure",
    expected="the row count of one of the known years",
    next_step="Check that the workbook is the right one and whole; a new year's list may well differ.",
    severity=Severity.WARNING,
)
DEMONSTRATION = declare(
    "E015",
    "the codes list is a made-up demonstration; results mean nothing about anyone's care",
    expected="CMS's own codes list",
    next_step="Download the measure's codes list from the QPP resource library and give it with --codes.",
    severity=Severity.WARNING,
)
NO_TRIGGERS = declare(
    "E016",
    "the codes list has nothing that triggers or nothing that confirms, so no episode can begin",
    expected="services in both roles on Triggers_HCPCS",
    next_step="Compare the sheet with the workbook CMS published.",
)
BAD_CODE = declare(
    "E017",
    "a code does not have the form of its kind",
    expected="digits and letters, leading zeros kept",
    next_step="Format the column as text and enter the code again; spreadsheets drop leading zeros.",
)
LISTED_AND_EXCLUDED = declare(
    "E029",
    "a row takes a diagnosis by name that another row of the same service and category excludes; it is taken",
    expected="each full diagnosis code of a service either included or excluded",
    next_step="Compare both rows with the workbook CMS published.",
    severity=Severity.WARNING,
)

__all__ = [
    "CodeKind",
    "CodesList",
    "Condition",
    "DiagnosisCondition",
    "Role",
    "ServiceRule",
    "load_codes_list",
]


def load_codes_list(path: Path, construction: Construction, problems: Problems) -> CodesList:
    """Read and understand a codes list; every problem of the file is added, errors are then raised as InputRefused."""
    workbook = read_workbook(path, problems)
    problems.refuse_errors()
    if workbook is None:
        raise AssertionError("a workbook that cannot be read has an error")
    result = _Understanding(workbook, construction, problems).codes_list()
    problems.refuse_errors()
    return result


# Our word for a column -> the header texts that stand for it. The first is the one the demonstration workbooks use.
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "Triggers_HCPCS": {"code": ("Code",), "use": ("Code Use", "Use of Code", "Trigger/Confirming")},
    "Triggers_DGN": {"code": ("Code",)},
    "Sub_Groups": {"name": ("Sub-Group Name", "Sub-Group")},
    "Attribution": {"type": ("Code Type",), "code": ("Code",)},
    "Service_Assignment_AB": {
        "settings": ("Claim Setting", "Claim Type", "Setting"),
        "type": ("Service Code Type", "Code Type"),
        "code": ("Service Code", "Code"),
        "category": ("ICD-10-CM 3-Digit Diagnosis Code",),
        "category decision": ("ICD-10-CM 3-Digit Diagnosis Code Service Assignment Decision",),
        "diagnosis": ("ICD-10-CM Diagnosis Code",),
        "diagnosis decision": ("ICD-10-CM Diagnosis Code Service Assignment Decision",),
        "window": ("Window", "Assignment Window"),
        "service": ("Service Category", "Category"),
    },
    "Service_Assignment_D": {
        "type": ("Code Type",),
        "code": ("Code",),
        "window": ("Window", "Assignment Window"),
        "service": ("Service Category", "Category"),
    },
    "Exclusions": {"name": ("Exclusion Name", "Exclusion")},
    "RA": {"name": ("Variable Name",), "type": ("Variable Type",)},
}
_DETAILS: dict[str, tuple[str, ...]] = {
    "name": ("Variable Name", "Exclusion Name", "Sub-Group Name"),
    "timing": ("Timing",),
    "settings": ("Claim Type(s) Checked",),
}


class _Understanding:
    """Turns one workbook's rows into a codes list, noting what it does not understand."""

    def __init__(self, workbook: Workbook, construction: Construction, problems: Problems) -> None:
        self.workbook = workbook
        self.construction = construction
        self.problems = problems
        rules = construction.rules
        self.settings_words = _texts_by_word(rules[f"{COMMON}.setting_words"].table)
        self.kinds = _text_by_word(rules[f"{COMMON}.code_type_words"].table)
        self.windows = windows_by_word(rules[f"{COMMON}.window_words"].table, problems)
        self.decisions = _text_by_word(rules[f"{COMMON}.decision_words"].table)
        self.designations = _text_by_word(rules[f"{COMMON}.designation_words"].table)
        self.header_names = rules[f"{COMMON}.header_names"].table

    def codes_list(self) -> CodesList:
        self.check_measure()
        triggers = self.triggers()
        expected = {sheet for counts in self.known_counts().values() for sheet in counts}
        subgroups = self.names("Sub_Groups") if "Sub_Groups" in {*self.workbook.sheets, *expected} else ()
        exclusions, risk = self.names("Exclusions"), self.names("RA")
        subgroup_conditions = self.conditions("Sub_Groups_Details", subgroups) if subgroups else ()
        risk_conditions = self.conditions("RA_Details", risk)
        behind = {condition.name for condition in risk_conditions}
        return CodesList(
            file=self.workbook.file,
            cohort=self.construction.cohort,
            is_demonstration=self.workbook.is_demonstration,
            triggers=triggers,
            trigger_diagnoses=self.trigger_diagnoses(),
            attribution_codes=self.attribution_codes(),
            service_rules=self.service_rules(),
            exclusions=exclusions,
            exclusion_conditions=self.conditions("Exclusions_Details", exclusions),
            subgroups=subgroups,
            subgroup_conditions=subgroup_conditions,
            risk_variables=tuple(name for name in risk if name in behind),
            risk_conditions=risk_conditions,
            known_years=self.check_counts(),
        )

    # What the file is.

    def check_measure(self) -> None:
        words = normalised(self.workbook.overview)
        mine = self.construction.cohort.replace("_", " ")
        for other in ("heart failure", "low back pain"):
            if other != mine and other in words and mine not in words:
                self.problems.add(
                    OTHER_MEASURE,
                    self.workbook.file,
                    column="Overview",
                    found=f"the list of {other}",
                    expected=f"the list of {mine}",
                )
        if self.workbook.is_demonstration:
            self.problems.add(DEMONSTRATION, self.workbook.file)

    def check_counts(self) -> tuple[str, ...]:
        """The MIPS years with the same number of rows on every sheet; differences are warned of, but not for demonstrations."""
        years = self.known_counts()
        found = {name: len(sheet.rows) for name, sheet in self.workbook.sheets.items()}
        agreeing = tuple(
            year for year, counts in years.items() if all(found.get(sheet) == rows for sheet, rows in counts.items())
        )
        if agreeing or self.workbook.is_demonstration:
            return agreeing
        for sheet in sorted({sheet for counts in years.values() for sheet in counts}):
            expected = sorted({str(counts[sheet]) for counts in years.values() if sheet in counts})
            if str(found.get(sheet, 0)) not in expected:
                self.problems.add(
                    COUNTS_DIFFER,
                    self.workbook.file,
                    column=sheet,
                    found=f"{found.get(sheet, 0):,} rows",
                    expected=f"{' or '.join(expected)} rows",
                )
        return ()

    def known_counts(self) -> dict[str, Mapping[str, RuleValue]]:
        """Rows of each sheet by MIPS year."""
        known = self.construction.rules[f"{self.construction.cohort}.known_row_counts"].table
        return {year: counts for year, counts in known.items() if isinstance(counts, Mapping)}

    # Sheets.

    def columns_of(self, sheet: str, problems: Problems) -> dict[str, str] | None:
        return self.columns(sheet, _COLUMNS[sheet], problems)

    def columns(self, sheet: str, wanted: Mapping[str, tuple[str, ...]], problems: Problems) -> dict[str, str] | None:
        extra = self.header_names.get(sheet)
        if isinstance(extra, Mapping):
            wanted = {word: (*names, *_as_texts(extra.get(word, ()))) for word, names in wanted.items()}
        return require_columns(self.workbook, sheet, wanted, problems)

    def rows(self, sheet: str) -> list[tuple[Row, dict[str, str]]]:
        """Rows of a sheet with their cells under our words."""
        headers = self.columns_of(sheet, self.problems)
        if headers is None:
            return []
        return [
            (row, {word: row.text(header) for word, header in headers.items()})
            for row in self.workbook.sheets[sheet].rows
        ]

    def has_columns(self, sheet: str) -> bool:
        """Whether the sheet is there with its columns, so that a want of rows is the fault of the rows."""
        return sheet in self.workbook.sheets and self.columns_of(sheet, Problems()) is not None

    def triggers(self) -> dict[str, Role]:
        roles: dict[str, Role] = {}
        for row, cells in self.rows("Triggers_HCPCS"):
            code = self.code("Triggers_HCPCS", row, CodeKind.HCPCS, cells["code"])
            words = normalised(cells["use"])
            trigger, confirming = "trigger" in words, "confirm" in words
            if not (trigger or confirming):
                self.unknown("Triggers_HCPCS", row, "Code Use", cells["use"], ("trigger", "confirming", "both"))
            earlier = roles.get(code, Role(False, False))
            if code:
                roles[code] = Role(earlier.trigger or trigger, earlier.confirming or confirming)
        lacking = [
            f"no service that {does}"
            for does, known in (
                ("triggers", any(role.trigger for role in roles.values())),
                ("confirms", any(role.confirming for role in roles.values())),
            )
            if not known
        ]
        if lacking and self.has_columns("Triggers_HCPCS"):
            self.problems.add(NO_TRIGGERS, self.workbook.file, column="Triggers_HCPCS", found=" and ".join(lacking))
        return roles

    def trigger_diagnoses(self) -> frozenset[str]:
        found = {
            self.code("Triggers_DGN", row, CodeKind.DIAGNOSIS, cells["code"])
            for row, cells in self.rows("Triggers_DGN")
        }
        if not found and self.has_columns("Triggers_DGN"):
            self.problems.add(
                NO_TRIGGERS,
                self.workbook.file,
                column="Triggers_DGN",
                found="no diagnosis",
                expected="trigger diagnoses",
            )
        return frozenset(found - {""})

    def attribution_codes(self) -> tuple[tuple[str, str], ...]:
        return tuple((cells["type"], cells["code"]) for _, cells in self.rows("Attribution"))

    def names(self, sheet: str) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for row, cells in self.rows(sheet):
            if not cells["name"]:
                self.problems.add(CODE_MISSING, self.workbook.file, row=row.number, column=sheet, found="no name")
            names[cells["name"]] = None
        return tuple(name for name in names if name)

    def service_rules(self) -> tuple[ServiceRule, ...]:
        rows: list[ServiceRow] = []
        for row, cells in self.rows("Service_Assignment_AB"):
            sheet = "Service_Assignment_AB"
            asked = self.diagnosis_asked(row, cells)
            kind = self.kind(sheet, row, cells["type"]) if cells["code"] else CodeKind.HCPCS
            window = self.window(sheet, row, cells["window"])
            code = "" if normalised(cells["code"]) in ("", "any", "all") else self.code(sheet, row, kind, cells["code"])
            settings = self.settings(sheet, row, "Claim Setting", cells["settings"])
            rows.append(ServiceRow(row.number, settings, kind, code, self.category(sheet, row, cells), asked, window))
        for contradictory in listed_and_excluded(rows):
            self.problems.add(
                LISTED_AND_EXCLUDED,
                self.workbook.file,
                row=contradictory.row,
                column="Service_Assignment_AB",
                found=shown(contradictory.diagnosis.listed),
            )
        for row, cells in self.rows("Service_Assignment_D"):
            sheet = "Service_Assignment_D"
            kind = self.kind(sheet, row, cells["type"])
            code = self.code(sheet, row, kind, cells["code"])
            rows.append(
                ServiceRow(
                    row=row.number,
                    settings=("drug",),
                    kind=kind,
                    code=code,
                    category=self.category(sheet, row, cells),
                    window=self.window(sheet, row, cells["window"]),
                )
            )
        return service_rules(rows)

    def diagnosis_asked(self, row: Row, cells: Mapping[str, str]) -> DiagnosisAsked:
        """What an A and B row asks of the diagnosis."""
        sheet = "Service_Assignment_AB"
        category = self.code(sheet, row, CodeKind.DIAGNOSIS, cells["category"]) if cells["category"] else ""
        listed = self.code(sheet, row, CodeKind.DIAGNOSIS, cells["diagnosis"]) if cells["diagnosis"] else ""
        by_category = self.word(sheet, row, "3-Digit Decision", cells["category decision"] or "include", self.decisions)
        by_code = self.word(sheet, row, "Diagnosis Decision", cells["diagnosis decision"] or "include", self.decisions)
        if by_code == "exclude" and listed:
            return DiagnosisAsked(category, excluded=listed, takes=by_category == "include")
        if by_category == "exclude" and (category or not listed):
            return DiagnosisAsked(category, takes=False)
        if by_category == "listed" and not listed:
            self.problems.add(
                CODE_MISSING,
                self.workbook.file,
                row=row.number,
                column=sheet,
                found="a decision by diagnosis without a diagnosis",
            )
        if listed and (by_category == "listed" or not category):
            return DiagnosisAsked(category, listed)
        return DiagnosisAsked(category)

    def conditions(self, sheet: str, known: Sequence[str]) -> tuple[Condition, ...]:
        """The rows of a details sheet; a missing one is a problem only where names wait for it."""
        if sheet not in self.workbook.sheets:
            if known:
                self.problems.add(SHEET_MISSING, self.workbook.file, column=sheet, expected=f"a sheet {sheet}")
            return ()
        headers = self.columns(sheet, _DETAILS, self.problems)
        if headers is None:
            return ()
        pairs = _code_columns(self.workbook.sheets[sheet])
        found: list[Condition] = []
        for row in self.workbook.sheets[sheet].rows:
            name = row.text(headers["name"])
            if name and name not in known:
                self.problems.add(NAME_UNKNOWN, self.workbook.file, row=row.number, column=sheet, found=shown(name))
            codes = []
            for type_header, code_header in pairs:
                if row.text(code_header):
                    kind = self.kind(sheet, row, row.text(type_header))
                    codes.append((kind, self.code(sheet, row, kind, row.text(code_header))))
            if not codes or not name:
                self.problems.add(CODE_MISSING, self.workbook.file, row=row.number, column=sheet)
                continue
            designation = self.word(sheet, row, "Designation", row.text("designation") or "any", self.designations)
            condition = Condition(
                name=name,
                codes=tuple(dict.fromkeys(codes)),
                settings=self.settings(sheet, row, "Claim Type(s) Checked", row.text(headers["settings"]) or "any"),
                first_position=designation == "first",
                days_before=self.timing(sheet, row, row.text(headers["timing"])),
            )
            if name in known:
                found.append(condition)
        return tuple(found)

    # Cells.

    def unknown(self, sheet: str, row: Row, column: str, found: str, known: Sequence[str]) -> None:
        self.problems.add(
            WORD_UNKNOWN,
            self.workbook.file,
            row=row.number,
            column=f"{sheet}: {column}",
            found=shown(found, 60),
            expected=f"one of {', '.join(known)}",
        )

    def word(self, sheet: str, row: Row, column: str, found: str, known: Mapping[str, str]) -> str:
        meaning = known.get(normalised(found))
        if meaning is None:
            self.unknown(sheet, row, column, found, list(known))
            return ""
        return meaning

    def window(self, sheet: str, row: Row, found: str) -> Window:
        window = window_of(found, self.windows)
        if window is None:
            self.unknown(sheet, row, "Window", found, (*self.windows, "N days after", "N days before"))
        return window or WHOLE_EPISODE

    def kind(self, sheet: str, row: Row, found: str) -> CodeKind:
        meaning = self.word(sheet, row, "Code Type", found, self.kinds)
        return CodeKind(meaning) if meaning in set(CodeKind) else CodeKind.HCPCS

    def settings(self, sheet: str, row: Row, column: str, found: str) -> tuple[str, ...]:
        settings: dict[str, None] = {}
        for part in re.split(r"[,;]", found):
            meaning = self.settings_words.get(normalised(part))
            if meaning is None or not set(meaning) <= set(SETTINGS):
                self.unknown(sheet, row, column, part, list(self.settings_words))
            else:
                settings.update(dict.fromkeys(meaning))
        return tuple(settings)

    def timing(self, sheet: str, row: Row, found: str) -> int | None:
        text = normalised(found)
        before = re.fullmatch(r"(\d{1,4}) days (?:before|prior)(?: to)?(?: (?:the )?episode(?: start)?)?", text)
        if before:
            return int(before[1])
        if self.windows.get(text) != WHOLE_EPISODE:
            self.unknown(sheet, row, "Timing", found, ("during episode", "N days before"))
        return None

    def category(self, sheet: str, row: Row, cells: Mapping[str, str]) -> str:
        if not cells["service"]:
            self.problems.add(
                CODE_MISSING, self.workbook.file, row=row.number, column=sheet, found="no service category"
            )
        return cells["service"]

    def code(self, sheet: str, row: Row, kind: CodeKind, found: str) -> str:
        """A code in the form claims have it: upper case, no dot, leading zeros; "" after a problem."""
        code = found.upper().replace(" ", "")
        if kind is CodeKind.DIAGNOSIS:
            code = code.replace(".", "")
        elif kind is CodeKind.DRG and code.isdigit():
            code = code.zfill(3)
        elif kind is CodeKind.REVENUE and code.isdigit():
            code = code.zfill(4)
        elif kind is CodeKind.NDC:
            code = code.replace("-", "")
        if not _FORMS[kind].fullmatch(code):
            self.problems.add(
                BAD_CODE, self.workbook.file, row=row.number, column=f"{sheet}: {kind.value}", found=shown(found)
            )
            return ""
        return code


_FORMS = {
    CodeKind.HCPCS: re.compile(r"[0-9A-Z]{5}", re.ASCII),
    CodeKind.DRG: re.compile(r"[0-9A-Z]{3,4}", re.ASCII),
    CodeKind.REVENUE: re.compile(r"[0-9A-Z]{4}", re.ASCII),
    CodeKind.NDC: re.compile(r"[0-9A-Z]{11}", re.ASCII),
    CodeKind.DIAGNOSIS: re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}", re.ASCII),
}


def _code_columns(sheet: Sheet) -> list[tuple[str, str]]:
    """Pairs of headers: `code type` and `code`, or `code 1 type` and `code 1`, and so on; a code without a type has ""."""
    pairs: list[tuple[str, str]] = []
    for header in sheet.headers:
        match = re.fullmatch(r"code(?: (\d+))?", header)
        if match:
            type_header = f"code {match[1]} type" if match[1] else "code type"
            pairs.append((type_header, header))
    return pairs


def _as_texts(value: RuleValue) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, tuple) else ()


def _texts_by_word(table: Mapping[str, RuleValue]) -> dict[str, tuple[str, ...]]:
    return {normalised(word): _as_texts(value) for word, value in table.items()}


def _text_by_word(table: Mapping[str, RuleValue]) -> dict[str, str]:
    return {normalised(word): str(value) for word, value in table.items()}
