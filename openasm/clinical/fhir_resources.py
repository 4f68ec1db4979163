"""FHIR R4 resources of one patient, one at a time, to facts: the elements they share, then each type.

A resource whose codes no value set in use holds is passed over before the rest of it is read; an encounter is kept for what refers to it,
and so is a vital sign, which the measures find whatever its code. What cannot be read raises TypeError, KeyError, AttributeError,
ValueError or the like; `fhir_facts.FactReader` counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from openasm.base.problems import ProblemKind, Severity, declare
from openasm.clinical import dosing
from openasm.clinical.facts import (
    Allergy,
    Component,
    Condition,
    DeviceOrder,
    Encounter,
    MedicationOrder,
    Observation,
    ObservationKind,
    Procedure,
    Quantity,
    ServiceOrder,
    prevalence,
)
from openasm.clinical.fhir_elements import (
    ABATEMENT,
    ALLERGY,
    ALLERGY_VERIFICATION,
    ALLERGY_VERIFIED,
    CALENDAR_UNITS,
    CLINICAL,
    CONCERN,
    CONDITION_PROFILES,
    DEVICE_PROFILES,
    EFFECTIVE,
    ENCOUNTER,
    FULFILL,
    FULFILLED,
    HEALTH_CONCERN,
    MEDICATION,
    MEDICATION_PROFILES,
    NOT_DONE_REASON,
    OBSERVATION_PROFILES,
    ONSET,
    PERFORMED,
    PRESENT,
    PROCEDURE,
    REFUSAL_REASON,
    SERVICE_PROFILES,
    SOUGHT_BY_KIND,
    TASK_REJECTED,
    UCUM,
    UNIT_TEXTS,
    VERIFICATION,
    VERIFIED,
    Resource,
    condition_kind,
    has_code,
    is_refused_device,
    observation_kind,
    performers,
    reference_id,
    word,
)
from openasm.clinical.moments import (
    FOREVER,
    NEVER,
    UNKNOWN,
    Moment,
    Span,
    just_before,
    moment,
    plus_months,
)
from openasm.clinical.terminology import Terminology

UNIT_TEXT = declare(
    "Q105",
    "quantities whose unit is not a UCUM code",
    expected="a UCUM code such as mm[Hg], kg/m2, % or /min",
    next_step="Well-known texts (mmHg, bpm) were taken as the code they mean; others were not used.",
    severity=Severity.WARNING,
)


Counts = Counter[tuple[ProblemKind, str]]  # kind of problem, resource type -> how many


class ResourceReader:
    """Reads single resources with the codes of one terminology.

    counts: what could not be used so far, by kind and resource type. `fhir_facts.FactReader` sets what the resources of one patient are
    read with: whether profiles decide, the birth date, medications and encounters that are referred to.
    """

    def __init__(self, terminology: Terminology) -> None:
        self.systems = terminology.systems
        self.counts: Counts = Counter()
        self._trusting = True
        self._birth = UNKNOWN
        self._medications: Mapping[str, Resource] = {}
        self._encounter_ids: Mapping[str, str] = {}

    # --- pieces ----------------------------------------------------------------------------------------------------------

    def _is(self, resource: Resource, profile: str) -> bool:
        """Whether the resource states the profile, when profiles decide."""
        return not self._trusting or profile in ((resource.get("meta") or {}).get("profile") or ())

    def _concept(self, concept: Resource | None) -> int:
        """The sets a CodeableConcept belongs to: those of any of its codings."""
        mask = 0
        if concept is not None:
            systems = self.systems
            for coding in concept.get("coding") or ():
                codes = systems.get(coding.get("system"))
                if codes is not None:
                    mask |= codes.get(coding.get("code"), 0)
        return mask

    def _concepts(self, concepts: Iterable[Resource] | None) -> int:
        mask = 0
        for concept in concepts or ():
            mask |= self._concept(concept)
        return mask

    def _extension(self, resource: Resource, url: str) -> int:
        mask = 0
        for extension in resource.get("extension") or ():
            if extension.get("url") == url:
                mask |= self._concept(extension.get("valueCodeableConcept"))
        return mask

    def _quantity(self, quantity: Resource | None) -> Quantity | None:
        """A Quantity with its UCUM unit; None when it cannot be compared (no value, a comparator, another unit system)."""
        if quantity is None:
            return None
        value = quantity.get("value")
        if value is None or "comparator" in quantity:
            return None
        number = float(value)
        code = quantity.get("code")
        if code is not None and quantity.get("system", UCUM) in (UCUM, CALENDAR_UNITS):
            return Quantity(number, str(code))
        unit = str(quantity.get("unit") or "")
        if unit in UNIT_TEXTS:
            self.counts[UNIT_TEXT, "Quantity"] += 1
            return Quantity(number, UNIT_TEXTS[unit])
        if quantity.get("system") not in (None, UCUM, CALENDAR_UNITS):
            self.counts[UNIT_TEXT, "Quantity"] += 1
            return None
        return Quantity(number, unit)

    def _age(self, age: Resource) -> Span:
        """The year of life that an age means, from the birth date."""
        low = self._at_age(age)
        return Span(low, just_before(plus_months(low, 12)) if low != UNKNOWN else UNKNOWN)

    def _at_age(self, age: Resource | None) -> Moment:
        amount = None if age is None else dosing.exact(age.get("value"))
        if age is None or amount is None or self._birth == UNKNOWN:
            return UNKNOWN
        return dosing.plus_duration(self._birth, amount, dosing.unit_of(age)) or UNKNOWN

    def _timing(self, resource: Resource, names: tuple[str, ...]) -> Span | None:
        """A choice of dateTime, Period, Age, Range or instant as a span; None when the element is absent or of another kind."""
        date_time, period, age, range_, instant = names
        value = resource.get(date_time)
        if value is not None:
            point = moment(value)
            return Span(point, point)
        value = resource.get(period)
        if value is not None:
            return dosing.period(value)
        value = resource.get(age)
        if value is not None:
            return self._age(value)
        value = resource.get(range_)
        if value is not None:
            low, high = self._at_age(value.get("low")), self._at_age(value.get("high"))
            return Span(low, just_before(plus_months(high, 12)) if high != UNKNOWN else UNKNOWN)
        value = resource.get(instant)
        if value is not None:
            point = moment(value)
            return Span(point, point)
        return None

    # --- resources -------------------------------------------------------------------------------------------------------

    def _encounter(self, resource: Resource) -> Encounter | None:
        if not self._is(resource, ENCOUNTER):
            return None
        period = resource.get("period")
        stay = resource.get("hospitalization")
        participants = resource.get("participant")
        kind = resource.get("class")
        provider = resource.get("serviceProvider")
        return Encounter(
            word(resource.get("id")),
            self._concepts(resource.get("type")),
            word(resource.get("status")),
            NEVER if period is None else dosing.period(period),
            "" if kind is None else word(kind.get("code")),
            0 if stay is None else self._concept(stay.get("dischargeDisposition")),
            performers(participants) if participants else (),
            "" if provider is None else str(provider.get("reference", "")),
        )

    def _condition(self, resource: Resource) -> Condition | None:
        if self._trusting:
            kind = 0
            for profile in (resource.get("meta") or {}).get("profile") or ():
                kind |= CONDITION_PROFILES.get(profile, 0)
            if not kind:
                return None
        else:
            kind = condition_kind(resource)
        codes = self._concept(resource.get("code"))
        if not codes:
            return None
        verification = resource.get("verificationStatus")
        severity = resource.get("severity")
        recorded = resource.get("recordedDate")
        abatement = self._timing(resource, ABATEMENT)
        if abatement is not None and "abatementPeriod" in resource and abatement.end != FOREVER:
            abatement = Span(abatement.start, just_before(abatement.end))
        return Condition(
            word(resource.get("id")),
            codes,
            kind,
            verification is None or has_code(verification, VERIFICATION, VERIFIED),
            prevalence(
                self._timing(resource, ONSET),
                abatement,
                active=has_code(resource.get("clinicalStatus"), CLINICAL, PRESENT),
            ),
            UNKNOWN if recorded is None else moment(recorded),
            0 if severity is None else self._concept(severity),
            any(has_code(each, HEALTH_CONCERN, CONCERN) for each in resource.get("category") or ()),
        )

    def _observation(self, resource: Resource) -> Observation | None:
        components = resource.get("component")
        if self._trusting:
            kind = 0
            for profile in (resource.get("meta") or {}).get("profile") or ():
                kind |= OBSERVATION_PROFILES.get(profile, 0)
            if not kind:
                return None
        else:
            kind = observation_kind(resource)
        codes = self._concept(resource.get("code"))
        if not codes and not kind & SOUGHT_BY_KIND:
            return None
        effective = self._timing(resource, EFFECTIVE)
        issued = resource.get("issued")
        coded = resource.get("valueCodeableConcept")
        quantity = resource.get("valueQuantity")
        encounter = resource.get("encounter")
        return Observation(
            word(resource.get("id")),
            codes,
            kind,
            word(resource.get("status")),
            NEVER if effective is None else effective,
            UNKNOWN if issued is None else moment(issued),
            coded is not None or quantity is not None or any(key.startswith("value") for key in resource),
            None if quantity is None else self._quantity(quantity),
            0 if coded is None else self._concept(coded),
            () if components is None else tuple(self._component(each) for each in components),
            "" if encounter is None else self._encounter_id(encounter),
            self._extension(resource, NOT_DONE_REASON) if kind & ObservationKind.NOT_DONE else 0,
        )

    def _component(self, component: Resource) -> Component:
        return Component(self._concept(component.get("code")), self._quantity(component.get("valueQuantity")))

    def _encounter_id(self, reference: Resource) -> str:
        address = reference.get("reference") or ""
        return self._encounter_ids.get(address) or reference_id(address)

    def _medication_order(self, resource: Resource) -> MedicationOrder | None:
        requested = self._requested(resource, MEDICATION_PROFILES)
        if requested is None:
            return None
        codes = direct = self._concept(resource.get("medicationCodeableConcept"))
        reference = resource.get("medicationReference")
        if reference is not None:
            codes |= self._concept(self._medication_code(resource, reference))
        if not codes:
            return None
        written = resource.get("authoredOn")
        authored = UNKNOWN if written is None else moment(written)
        dispense = resource.get("dispenseRequest") or {}
        quantity, repeats = dispense.get("quantity"), dispense.get("numberOfRepeatsAllowed")
        instructions = resource.get("dosageInstruction")
        days, covered = dosing.supply(resource, authored) if requested else (None, None)
        return MedicationOrder(
            word(resource.get("id")),
            codes,
            direct,
            requested,
            word(resource.get("status")),
            word(resource.get("intent")),
            authored,
            self._concepts(resource.get("reasonCode")),
            None if repeats is None else int(repeats),
            None if quantity is None else dosing.exact(quantity.get("value")),
            "" if quantity is None else dosing.unit_of(quantity),
            dosing.dosage_bounds(instructions, authored) if instructions else (),
            days,
            covered,
        )

    def _medication_code(self, resource: Resource, reference: Resource) -> Resource | None:
        address = reference.get("reference") or ""
        if address.startswith("#"):
            for contained in resource.get("contained") or ():
                if contained.get("id") == address[1:] and self._is(contained, MEDICATION):
                    code: Resource | None = contained.get("code")
                    return code
            return None
        medication = self._medications.get(address) or self._medications.get(reference_id(address))
        return None if medication is None else medication.get("code")

    def _requested(self, resource: Resource, profiles: Mapping[str, bool]) -> bool | None:
        """True for an order, False for one deliberately not made, None for neither."""
        if self._trusting:
            for profile in (resource.get("meta") or {}).get("profile") or ():
                if profile in profiles:
                    return profiles[profile]
            return None
        return resource.get("doNotPerform") is not True

    def _service_order(self, resource: Resource) -> ServiceOrder | None:
        requested = self._requested(resource, SERVICE_PROFILES)
        codes = self._concept(resource.get("code"))
        if requested is None or not codes:
            return None
        written = resource.get("authoredOn")
        reasons = self._concepts(resource.get("reasonCode"))
        refused = self._extension(resource, REFUSAL_REASON)
        if not self._trusting and not requested:
            refused |= reasons
        return ServiceOrder(
            word(resource.get("id")),
            codes,
            requested,
            word(resource.get("status")),
            word(resource.get("intent")),
            UNKNOWN if written is None else moment(written),
            reasons,
            refused,
        )

    def _device_order(self, resource: Resource) -> DeviceOrder | None:
        requested = self._requested(resource, DEVICE_PROFILES)
        codes = self._concept(resource.get("codeCodeableConcept"))
        if requested is None or not codes:
            return None
        if not self._trusting:
            requested = not is_refused_device(resource)
        written = resource.get("authoredOn")
        return DeviceOrder(
            word(resource.get("id")),
            codes,
            requested,
            word(resource.get("status")),
            word(resource.get("intent")),
            UNKNOWN if written is None else moment(written),
        )

    def _procedure(self, resource: Resource) -> Procedure | None:
        codes = self._concept(resource.get("code"))
        if not codes or not self._is(resource, PROCEDURE):
            return None
        performed = self._timing(resource, PERFORMED)
        return Procedure(
            word(resource.get("id")),
            codes,
            word(resource.get("status")),
            NEVER if performed is None else performed,
            self._concepts(resource.get("reasonCode")),
        )

    def _allergy(self, resource: Resource) -> Allergy | None:
        codes = self._concept(resource.get("code"))
        if not codes or not self._is(resource, ALLERGY):
            return None
        verification = resource.get("verificationStatus")
        last = resource.get("lastOccurrence")
        onset = self._timing(resource, ONSET)
        return Allergy(
            word(resource.get("id")),
            codes,
            verification is None or has_code(verification, ALLERGY_VERIFICATION, ALLERGY_VERIFIED),
            prevalence(onset, None if last is None else Span(moment(last), moment(last)), active=True),
        )

    def _rejected_order(self, resource: Resource) -> str | None:
        if self._trusting:
            if not self._is(resource, TASK_REJECTED):
                return None
        elif resource.get("status") != "rejected":
            return None
        if not has_code(resource.get("code"), FULFILL, FULFILLED):
            return None
        return reference_id((resource.get("focus") or {}).get("reference") or "") or None
