"""Which records count as done, final or ordered (library Status 1.15.000 and the measures' own status tests)."""

from __future__ import annotations

from openasm.clinical.facts import DeviceOrder, MedicationOrder, Observation, ObservationKind, ServiceOrder
from openasm.clinical.moments import ALWAYS, FOREVER, Span

FINAL = frozenset(("final", "amended", "corrected"))
FINAL_OR_PRELIMINARY = FINAL | {"preliminary"}
ORDERED = frozenset(("active", "completed"))
ORDER_INTENTS = frozenset(("order", "original-order", "reflex-order", "filler-order", "instance-order"))

# What the reference engine makes of an order whose days cannot be reckoned, where it compares those days with instants.
ALWAYS_LASTING = Span(ALWAYS, FOREVER)


def is_assessment(observation: Observation) -> bool:
    """A screening or assessment with a final result."""
    return bool(observation.kind & ObservationKind.SCREENING) and observation.status in FINAL


def is_order(order: MedicationOrder | ServiceOrder | DeviceOrder) -> bool:
    """An order that was made: active or completed, and meant as an order, not as a plan or proposal."""
    return order.requested and order.status in ORDERED and order.intent in ORDER_INTENTS
