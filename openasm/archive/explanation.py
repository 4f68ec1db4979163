"""The explanation of one participant's numbers, from a run folder alone.

    for explanation in explain_participant(read_run(path), tin="001234567", npi="1234567893"):
        print(explanation.as_text())

Every step shows its formula with the numbers filled in, so that it can be redone by hand, and refers to its rule values, listed
at the end with citation and evidence status; a `?` marks each value that has not been confirmed in CMS's own text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openasm.archive.run import RuleValue, Run
from openasm.archive.trail import Step, rule_lines
from openasm.archive.trail_adjustments import (
    complex_patient_step,
    improvement_step,
    interoperability_step,
    small_practice_step,
)
from openasm.archive.trail_cost import cost_step
from openasm.archive.trail_payment import final_score_step, payment_steps
from openasm.archive.trail_quality import quality_steps

COHORT_TITLES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}
SECTION_TITLES = {
    "quality": "QUALITY (42 CFR 512.725)",
    "cost": "COST (42 CFR 512.730)",
    "improvement": "IMPROVEMENT ACTIVITIES (42 CFR 512.735)",
    "interoperability": "PROMOTING INTEROPERABILITY (42 CFR 512.740)",
    "complex_patients": "COMPLEX PATIENTS (42 CFR 512.745)",
    "small_practice": "SMALL PRACTICE (42 CFR 512.745)",
    "final_score": "FINAL SCORE (42 CFR 512.745)",
    "payment": "PAYMENT (42 CFR 512.750)",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The trail of one participant (TIN, NPI and cohort); `numbers` is the participant's row of scores.csv as written."""

    tin: str
    npi: str
    cohort: str
    name: str
    organization: str
    year: int
    payment_year: int
    status: str
    numbers: Mapping[str, str]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    @property
    def unconfirmed(self) -> tuple[RuleValue, ...]:
        """The rule values of this trail that have not been read in CMS's own text, each once."""
        found = {rule.name: rule for step in self.steps for rule in step.unconfirmed}
        return tuple(found.values())

    def as_record(self) -> dict[str, Any]:
        """JSON-ready mapping."""
        return {
            "tin": self.tin,
            "npi": self.npi,
            "cohort": self.cohort,
            "name": self.name,
            "organization": self.organization,
            "year": self.year,
            "payment_year": self.payment_year,
            "status": self.status,
            "numbers": dict(self.numbers),
            "notes": list(self.notes),
            "unconfirmed": [rule.name for rule in self.unconfirmed],
            "steps": [step.as_record() for step in self.steps],
        }

    def as_text(self) -> str:
        """The trail as text for a terminal or a letter."""
        who = ", ".join(part for part in (self.name, self.organization) if part)
        lines = [
            f"TIN {self.tin}, NPI {self.npi}, {COHORT_TITLES[self.cohort]} cohort" + (f" ({who})" if who else ""),
            f"Performance year {self.year}, payment year {self.payment_year}. Status: {self.status}.",
            _result_line(self.numbers),
        ]
        rules = {rule.name: rule for step in self.steps for rule in step.rules}
        numbers = {name: number for number, name in enumerate(rules, start=1)}
        section = ""
        for step in self.steps:
            if step.section != section:
                section = step.section
                lines += ["", SECTION_TITLES[section]]
            lines += step.lines(numbers)
        count = len(self.unconfirmed)
        lines += ["", f"RULE VALUES ({count} of {len(rules)} marked ?: not confirmed in CMS's own text)"]
        lines += rule_lines(rules.values())
        if self.notes:
            lines += ["", "ABOUT THIS RUN", *(f"  {note}" for note in self.notes)]
        return "\n".join(lines)


def _result_line(numbers: Mapping[str, str]) -> str:
    """What came out, before how: as written in the run, to the digits people use."""
    if not numbers["final_score"]:
        return "No final score: payments are not changed."
    score = f"Final score {float(numbers['final_score']):.2f}"
    factor = f"payment adjustment factor {float(numbers['payment_adjustment_factor']):+.2%}"
    dollars = float(numbers["payment_change_dollars"])
    change = f"{'-' if dollars < 0 else '+'}${abs(dollars):,.2f} a year on ${float(numbers['part_b_paid']):,.2f} of Part B payments"
    return f"{score}, {factor}: {change}."


def explain_participant(run: Run, *, tin: str, npi: str, cohort: str | None = None) -> tuple[Explanation, ...]:
    """The trail of a TIN and NPI: one explanation a cohort.

    Raises NotFound, with advice, when the run has no such participant.
    """
    return tuple(_explain(run, row) for row in run.participants(tin=tin, npi=npi, cohort=cohort))


def _explain(run: Run, row: Mapping[str, str]) -> Explanation:
    key = {name: row[name] for name in ("tin", "npi", "cohort")}
    person = run.table("inputs/participants").where(**key)[0]
    participant = {**run.table("categories").where(**key)[0], **row}
    steps = (
        *quality_steps(run, participant),
        cost_step(run, participant),
        improvement_step(run, participant),
        interoperability_step(run, participant),
        complex_patient_step(run, participant),
        small_practice_step(run, participant),
        final_score_step(run, participant),
        *payment_steps(run, participant),
    )
    return Explanation(
        tin=row["tin"],
        npi=row["npi"],
        cohort=row["cohort"],
        name=person["name"],
        organization=person["organization"],
        year=run.year,
        payment_year=run.payment_year,
        status=row["status"],
        numbers=dict(row),
        steps=steps,
        notes=tuple(run.manifest["notes"]),
    )
