"""Made-up value sets and patients for the demonstration: plainly fictional, no licensed code.

The value sets carry the real object identifiers, so that the measures find them, but every code in them is invented under the code
system `urn:openasm:demo`. A result computed with them means nothing outside the demonstration.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import orjson

from openasm.base.files import written_whole
from openasm.clinical.synthetic import Code, Record
from openasm.quality.specification import measure_ids, specification_for

DEMO_SYSTEM = "urn:openasm:demo"
_FIRST_YEAR = 2026  # the version whose value sets the demonstration carries
# A visit to the practice is one code that stands in several sets, as visit codes do.
_OFFICE_VISIT = "practice-visit"
_VISIT_SETS = frozenset(("Office Visit", "Encounter to Evaluate BMI", "Encounter to Screen for Depression"))


def demo_code(value_set: str, number: int = 1) -> Code:
    """One of the two made-up codes of a value set.

    >>> demo_code("Heart Failure")
    ('urn:openasm:demo', 'heart-failure-1')
    """
    words = "".join(letter if letter.isalnum() else " " for letter in value_set.lower()).split()
    return DEMO_SYSTEM, f"{'-'.join(words)}-{number}"


def demo_value_sets() -> dict[str, tuple[str, tuple[Code, ...]]]:
    """Every value set the measures need: name -> (object identifier, made-up codes)."""
    sets: dict[str, tuple[str, tuple[Code, ...]]] = {}
    for measure in measure_ids():
        for name, oid in specification_for(measure, _FIRST_YEAR).value_sets.items():
            codes = [demo_code(name, number) for number in (1, 2)]
            if name in _VISIT_SETS:
                codes.append((DEMO_SYSTEM, _OFFICE_VISIT))
            sets[name] = (oid, tuple(codes))
    return dict(sorted(sets.items()))


def write_demo_value_sets(folder: Path) -> int:
    """Write the made-up value sets as FHIR ValueSet files, one each. Returns how many."""
    sets = demo_value_sets()
    for name, (oid, codes) in sets.items():
        resource = {
            "resourceType": "ValueSet",
            "id": oid,
            "url": f"http://cts.nlm.nih.gov/fhir/ValueSet/{oid}",
            "version": "demonstration",
            "title": name,
            "status": "draft",
            "experimental": True,
            "description": "Made-up codes for the demonstration of OpenASM; not the published value set.",
            "expansion": {
                "timestamp": f"{_FIRST_YEAR}-01-01T00:00:00Z",
                "total": len(codes),
                "contains": [{"system": system, "code": code} for system, code in codes],
            },
        }
        with written_whole(folder / f"{oid}.json", "wb") as stream:
            stream.write(orjson.dumps(resource, option=orjson.OPT_INDENT_2))
    return len(sets)


def write_demo_patients(folder: Path, seed: int, count: int, year: int, *, performers: Sequence[str] = ()) -> Path:
    """Write made-up patients as one Bundle a line (`patients.ndjson`); equal seeds give equal files.

    performers: NPIs to share the visits among; each patient stays with one.
    """
    path = folder / "patients.ndjson"
    with written_whole(path, "wb", private=True) as stream:
        for record in demo_records(seed, count, year, performers=performers):
            stream.write(orjson.dumps(record.bundle(), option=orjson.OPT_APPEND_NEWLINE))
    return path


def demo_records(seed: int, count: int, year: int, *, performers: Sequence[str] = ()) -> list[Record]:
    """Made-up patients of a heart practice, with every outcome of every measure among them."""
    choices = random.Random(seed)  # noqa: S311 - a reproducible demonstration, no secret
    return [_Story(choices, f"demo-{number:05}", year, performers).told() for number in range(1, count + 1)]


class _Story:
    """One made-up patient, drawn from a random source."""

    def __init__(self, choices: random.Random, identity: str, year: int, performers: Sequence[str]) -> None:
        self.choices = choices
        self.year = year
        self.performer = choices.choice(performers) if performers else None
        self.age = choices.choice((16, 35, 48, 57, 62, 66, 68, 71, 74, 76, 79, 82, 84, 88))
        birth = date(year - self.age, choices.randint(1, 12), choices.randint(1, 28))
        gender = choices.choice(("female", "male"))
        self.record = Record(identity, birth=birth.isoformat(), gender=gender, family="Demonstration")
        self.codes = {
            name: pair
            for measure in measure_ids()
            for name, pair in specification_for(measure, _FIRST_YEAR).codes.items()
        }
        first = date(year, 1, 5) + timedelta(days=choices.randint(0, 120))
        second = min(first + timedelta(days=choices.randint(30, 150)), date(year, 12, 20))
        self.first, self.second = first.isoformat(), second.isoformat()
        self.first_visit = self.second_visit = ""

    def happens(self, share: float) -> bool:
        """Whether something happens, with a probability."""
        return self.choices.random() < share

    def told(self) -> Record:
        """The patient's record."""
        self._visits()
        if self.happens(0.03):
            self.record.encounter(demo_code("Hospice Encounter"), self.second, performer=self.performer)
        if self.happens(0.02):
            self.record.encounter(demo_code("Palliative Care Encounter"), self.second, performer=self.performer)
        if self.happens(0.75):
            self._heart_failure()
        if self.happens(0.7):
            self._hypertension()
        self._depression()
        self._weight()
        if self.age >= 60:
            self._risky_drugs()
        return self.record

    def _visits(self) -> None:
        visit = (DEMO_SYSTEM, _OFFICE_VISIT)
        self.record.encounter(visit, self.first, performer=self.performer)
        self.first_visit = self.record.last_id
        if self.happens(0.92):
            self.record.encounter(visit, self.second, performer=self.performer)
            self.second_visit = self.record.last_id

    def _heart_failure(self) -> None:
        record, before = self.record, f"{self.year - 1}-09-01"
        record.condition(demo_code("Heart Failure"), before)
        if self.happens(0.8):
            fraction = self.choices.choice((25, 30, 35, 40, 45, 55))
            record.observation(demo_code("Ejection Fraction"), before, kind="clinical", amount=(fraction, "%"))
        if self.happens(0.04):
            record.procedure(demo_code("Heart Transplant"), before)
        for drug, share in (("ACE Inhibitor or ARB or ARNI", 0.75), ("Beta Blocker Therapy for LVSD", 0.8)):
            if self.happens(share):
                if self.happens(0.5):
                    record.medication_order(demo_code(drug), self.first, days=90)
                else:
                    record.medication_order(demo_code(drug), before, bounds=(before, None))
            elif self.happens(0.4):
                record.medication_order(
                    demo_code(drug), self.first, requested=False, status="completed", reason=demo_code("Medical Reason")
                )
        if self.happens(0.1):
            record.condition(demo_code("Asthma"), before)
        if self.happens(0.05):
            record.allergy(demo_code("ACE Inhibitor or ARB or ARNI Ingredient"), before)
        if self.happens(0.45):
            self._assessments()

    def _assessments(self) -> None:
        summary = self.codes["KCCQ overall summary"]
        self.record.observation(summary, self.first, score=self.choices.randint(30, 80))
        if self.happens(0.6):
            later = date.fromisoformat(self.first) + timedelta(days=self.choices.choice((20, 45, 90, 150)))
            self.record.observation(summary, later.isoformat(), score=self.choices.randint(30, 90))

    def _hypertension(self) -> None:
        self.record.condition(demo_code("Essential Hypertension"), f"{self.year - 3}-05-01")
        for when, visit in ((self.first, self.first_visit), (self.second, self.second_visit)):
            if visit and self.happens(0.85):
                systolic, diastolic = self.choices.randint(108, 168), self.choices.randint(62, 98)
                self.record.blood_pressure(systolic, diastolic, when, encounter=visit)
        if self.happens(0.05):
            self.record.condition(demo_code("End Stage Renal Disease"), f"{self.year - 1}-02-01")
        if self.age >= 66 and self.happens(0.1):
            self.record.device_order(demo_code("Frailty Device"), self.first)
            if self.happens(0.6):
                self.record.condition(demo_code("Advanced Illness"), f"{self.year - 1}-06-01")

    def _depression(self) -> None:
        record = self.record
        adult = self.age >= 18
        screen = self.codes["adult depression screening" if adult else "adolescent depression screening"]
        group = "Adult" if adult else "Adolescent"
        drawn = self.choices.random()
        if self.happens(0.06):
            record.condition(demo_code("Bipolar Disorder"), f"{self.year - 4}-01-10")
        if drawn < 0.5:
            record.observation(screen, self.first, value=self.codes["screening negative"])
        elif drawn < 0.75:
            record.observation(screen, self.first, value=self.codes["screening positive"])
            if self.happens(0.6):
                record.service_order(demo_code(f"Referral for {group} Depression"), self.first)
        elif drawn < 0.85:
            record.observation(screen, self.first, kind="not done", reason=self.codes["screening declined"])

    def _weight(self) -> None:
        record = self.record
        index = self.codes["body mass index"]
        drawn = self.choices.random()
        if drawn < 0.8:
            value = self.choices.choice((17.2, 21.5, 23.9, 26.4, 29.8, 33.1))
            record.observation(index, self.first, kind="body mass index", amount=(value, "kg/m2"))
            side, reason = ("Below", "Underweight") if value < 18.5 else ("Above", "Overweight or Obese")
            if not 18.5 <= value < 25:
                follow_up = demo_code(f"Follow Up for {side} Normal BMI")
                if self.happens(0.65):
                    record.service_order(follow_up, self.first, reason=demo_code(reason))
                elif self.happens(0.3):
                    record.service_order(follow_up, self.first, requested=False, reason=demo_code("Medical Reason"))
        elif drawn < 0.88:
            record.observation(index, self.first, kind="not done", reason=demo_code("Patient Declined"))

    def _risky_drugs(self) -> None:
        record = self.record
        if self.happens(0.12):
            drug = demo_code("Potentially Harmful Antihistamines for Older Adults")
            record.medication_order(drug, self.first, days=30)
            if self.happens(0.7):
                record.medication_order(drug, self.second, days=30)
        if self.happens(0.12):
            drug = demo_code("Potentially Harmful Benzodiazepines for Older Adults")
            record.medication_order(drug, self.first, days=30, refills=self.choices.choice((0, 2)))
            if self.happens(0.3):
                record.condition(demo_code("Generalized Anxiety Disorder"), f"{self.year - 2}-03-01")
