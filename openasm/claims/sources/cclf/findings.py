"""What is said of records that were left out or changed: the first by file and row, what is routine by file and number."""

from __future__ import annotations

from openasm.base.problems import ProblemKind, Problems, Severity, declare
from openasm.claims.accounting import Account, counted, report_rows
from openasm.claims.sources.cclf import lines
from openasm.claims.sources.cclf.reading import AFTER_FILE, BLANK, FIELD_BLANK, IMPOSSIBLE_DATE
from openasm.claims.sources.cclf.standing import DUPLICATE, OF_OTHER_AMOUNT, ORPHAN

REPEATED = declare(
    "C114",
    "records repeat others and were left out",
    expected="each claim line once",
    next_step="Nothing needs doing; deliveries overlap. The record loaded last was kept.",
    severity=Severity.WARNING,
)
CANCEL_ALONE = declare(
    "C115",
    "cancellations without the claim they cancel were left out",
    expected="every cancellation to have its claim in the files given",
    next_step="Load earlier deliveries together with these; otherwise totals stay as they are, as the claim is not in them.",
    severity=Severity.WARNING,
    citation="CCLF Information Packet, section 5.2",
)
DENIED = declare(
    "C116",
    "denied claims and lines were left out",
    expected="only what Medicare allowed",
    next_step="Nothing needs doing.",
    severity=Severity.WARNING,
    citation="CCLF Information Packet, section 3.2",
)
TYPE_UNKNOWN = declare(
    "C117",
    "claims of a type that is not known were left out",
    expected="claim types 10, 20, 30, 40, 50, 60 and 61",
    next_step="Report the claim type, so that it can be added.",
    severity=Severity.WARNING,
)
PAYMENT_MOVED = declare(
    "C118",
    "outpatient claims whose lines do not add up to the claim's payment got it on their first line",
    expected="line payments that add up",
    next_step="Nothing needs doing; totals are right, the split by service is not.",
    severity=Severity.WARNING,
    citation="CCLF Information Packet, section 3.5",
)
AMOUNTS_DIFFER = declare(
    "C122",
    "a cancellation struck a claim of another amount; the whole claim was left out",
    expected="a cancellation to repeat the amounts of what it cancels",
    next_step="Ask CMS's help desk whether the claim was cancelled whole; if only a part of it was, totals are too low by the rest.",
    severity=Severity.WARNING,
    citation="CCLF Information Packet, sections 5.2 and 5.3.2",
)

NAMED_BY_ROW: dict[str, ProblemKind] = {
    BLANK: FIELD_BLANK,
    IMPOSSIBLE_DATE: AFTER_FILE,
    ORPHAN: CANCEL_ALONE,
    OF_OTHER_AMOUNT: AMOUNTS_DIFFER,
    lines.UNKNOWN_TYPE: TYPE_UNKNOWN,
}
"""Findings whose first records are named by their rows."""

_COUNTED = {
    DUPLICATE: REPEATED,
    lines.DENIED_CLAIM: DENIED,
    lines.DENIED_LINE: DENIED,
    lines.MOVED_PAYMENT: PAYMENT_MOVED,
}


def report_findings(account: Account, problems: Problems) -> None:
    """Add what an account found: the first records of each finding by file and row, what every delivery has (repeats, denials, moved payments) by file alone."""
    for finding, kind in NAMED_BY_ROW.items():
        for file, places in sorted(account.places.get(finding, {}).items()):
            report_rows(kind, file, places, problems)
    together: dict[ProblemKind, dict[str, int]] = {}
    for finding, kind in _COUNTED.items():
        by_file = together.setdefault(kind, {})
        for file, places in account.places.get(finding, {}).items():
            by_file[file] = by_file.get(file, 0) + places.count
    for kind, by_file in together.items():
        for file, count in sorted(by_file.items()):
            problems.add(kind, file, found=counted(count, "record"), count=count)
