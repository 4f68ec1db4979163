"""What a practice attests, as it is handed in: improvement activities and Promoting Interoperability (42 CFR 512.735, 512.740)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from openasm.archive.run import Run
from openasm.base.parameters import Rules
from openasm.base.problems import Problems
from openasm.regulation.attestations import AttestationRow, attestations_of
from openasm.regulation.improvement import activities, attested_activities, improvement_adjustment
from openasm.regulation.interoperability import items_of, score_interoperability
from openasm.submission import problems as kinds
from openasm.submission.content import LeftOut
from openasm.submission.formats import Formats
from openasm.submission.inputs import SubmissionInputs

_FILE = "attestations.csv"


def attested_part(
    run: Run, inputs: SubmissionInputs, formats: Formats, rules: Rules, tin: str, problems: Problems
) -> tuple[dict[str, AttestationRow], dict[str, str], list[LeftOut]]:
    """Rows that are handed in by item, their exclusions and levels of engagement, and what is left out.

    An activity that was not done for long enough is left out rather than claimed. Promoting Interoperability without a period of
    certified technology cannot be handed in.
    """
    rows = {row.item: row for row in attestation_rows(run, tin)}
    handed_in: dict[str, AttestationRow] = {}
    details: dict[str, str] = {}
    left_out = _activities(rows, rules, tin, handed_in, problems)
    technology = rules["interoperability.certified_technology"].text
    left_out += _interoperability_cost(rows, rules, tin, problems)
    certified = rows.get(technology)
    if certified is None or certified.answer != "yes" or certified.start is None or certified.end is None:
        others = [item for item in items_of(rules) if item != technology and item in rows]
        if others:
            left_out.append(LeftOut(", ".join(others), "no period of certified technology is attested"))
        return handed_in, details, left_out
    handed_in[technology] = certified
    for item in items_of(rules):
        row = rows.get(item)
        if item == technology or row is None:
            continue
        if row.answer == "no" or (row.answer is None and not row.denominator):
            left_out.append(LeftOut(item, "answered no" if row.answer == "no" else "not answered"))
            continue
        handed_in[item] = row
        needed = formats.exclusions(item) if row.answer == "excluded" else formats.engagement(item)
        if not needed:
            continue
        detail = inputs.details.get((tin, item)) or (needed[0] if len(needed) == 1 else "")
        if detail in needed:
            details[item] = detail
        else:
            what = "exclusion" if row.answer == "excluded" else "level of engagement"
            problems.add(
                kinds.DETAIL_MISSING,
                "interoperability.csv",
                column="detail",
                found=f"{item}, {what}",
                expected=f"one of {', '.join(needed)}",
            )
    return handed_in, details, left_out


def attestation_rows(run: Run, tin: str) -> list[AttestationRow]:
    """A practice's rows of attestations.csv as the run read them."""

    def day(text: str) -> dt.date | None:
        return dt.date.fromisoformat(text) if text else None

    def whole(text: str) -> int | None:
        return int(text) if text else None

    return [
        AttestationRow(
            row["tin"],
            row["item"],
            row["answer"] or None,
            whole(row["numerator"]),
            whole(row["denominator"]),
            day(row["start"]),
            day(row["end"]),
        )
        for row in run.table("inputs/attestations").where(tin=tin)
    ]


def _activities(
    rows: Mapping[str, AttestationRow],
    rules: Rules,
    tin: str,
    handed_in: dict[str, AttestationRow],
    problems: Problems,
) -> list[LeftOut]:
    counted = attested_activities(attestations_of(rows.values(), [tin]), tins=1, rules=rules)[:, 0].tolist()
    now = float(improvement_adjustment(sum(counted), rules))
    left_out = []
    for item, counts in zip(activities(rules), counted, strict=True):
        if counts:
            handed_in[item] = rows[item]
            continue
        answered = rows[item].answer == "yes" if item in rows else False
        least = rules["improvement.period_days"].integer
        why = f"attested for fewer than {least} days of the year" if answered else "not attested"
        gain = float(improvement_adjustment(sum(counted) + 1, rules)) - now
        problems.add(kinds.ACTIVITY_MISSING, _FILE, column="item", found=f"{item}, {why}")
        left_out.append(LeftOut(f"Improvement activity {item}", why, f"{gain:g} points of the final score"))
    return left_out


def _interoperability_cost(
    rows: Mapping[str, AttestationRow], rules: Rules, tin: str, problems: Problems
) -> list[LeftOut]:
    result = score_interoperability(attestations_of(rows.values(), [tin]), tins=1, rules=rules)
    unmet = [item for item, met in result.requirements.items() if not bool(met[0])]
    if not unmet:
        return []
    problems.add(kinds.INTEROPERABILITY_INCOMPLETE, _FILE, column="item", found=", ".join(unmet))
    cost = f"{-float(result.adjustment[0]):g} points of the final score"
    return [
        LeftOut(f"Promoting Interoperability: {', '.join(unmet)}", "required and not reported or not long enough", cost)
    ]
