"""Is something of a kind present in a span of days: the question that hospice, palliative care and frailty ask of each list of facts.

All comparisons are by day.
"""

from __future__ import annotations

from openasm.clinical.facts import Condition, Encounter, Patient, Procedure
from openasm.clinical.moments import Span, overlaps_days


def finished_encounter(patient: Patient, codes: int, during: Span) -> Encounter | None:
    """The first finished encounter of some kinds that overlaps the span."""
    for encounter in patient.encounters:
        if encounter.codes & codes and encounter.status == "finished" and overlaps_days(encounter.period, during):
            return encounter
    return None


def verified_condition(patient: Patient, codes: int, during: Span) -> Condition | None:
    """The first verified condition of some kinds whose presence overlaps the span."""
    for condition in patient.conditions:
        if condition.codes & codes and condition.verified and overlaps_days(condition.prevalence, during):
            return condition
    return None


def completed_procedure(patient: Patient, codes: int, during: Span) -> Procedure | None:
    """The first completed procedure of some kinds that overlaps the span."""
    for procedure in patient.procedures:
        if procedure.codes & codes and procedure.status == "completed" and overlaps_days(procedure.performed, during):
            return procedure
    return None
