"""Each measure on made-up records: one record a branch, its outcome in one word, and the reason it gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest

from openasm.clinical.fhir_facts import ProfileUse
from openasm.clinical.synthetic import Record
from openasm.quality.measures.functional_status_heart_failure import FunctionalStatusHeartFailure
from openasm.quality.populations import GapKind, Tally
from openasm.quality.specification import find_measure, specification_for
from tests.builders.quality_measures import demo_code, facts, measures, outcomes, reason, single, word

Story = Callable[[Record], Record]
VISIT = demo_code("Office Visit")


def a_patient(birth: str = "1960-06-15") -> Record:
    return Record("test-1", birth=birth)


# --- CMS165 --------------------------------------------------------------------------------------------------------------


def hypertensive(birth: str = "1960-06-15", onset: str = "2020-01-01") -> Record:
    return a_patient(birth).condition(demo_code("Essential Hypertension"), onset).encounter(VISIT, "2026-03-02")


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([], "not met"),
        ([(139, 89, "2026-03-02")], "met"),
        ([(140, 89, "2026-03-02")], "not met"),
        ([(139, 90, "2026-03-02")], "not met"),
        ([(150, 80, "2026-03-02"), (130, 95, "2026-03-02")], "met"),  # lowest of the day, each part by itself
        ([(130, 80, "2026-03-02"), (150, 95, "2026-05-02")], "not met"),  # a later day overrides
        ([(150, 95, "2026-03-02"), (130, 80, "2026-05-02")], "met"),
        ([(130, 80, "2025-12-31")], "not met"),
        ([(130, 80, "2027-01-01")], "not met"),
    ],
)
def test_blood_pressure_of_the_latest_day_decides(readings: list[tuple[int, int, str]], expected: str) -> None:
    record = hypertensive()
    for systolic, diastolic, when in readings:
        record.blood_pressure(systolic, diastolic, when)
    assert word("CMS165", record) == expected


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("2008-12-31", "not met"),
        ("2009-01-01", "not in"),
        ("1941-01-01", "not met"),
        ("1940-12-31", "not in"),
        ("1941", "not met"),
        ("1940", "not in"),
        ("", "not in"),
    ],
)
def test_blood_pressure_age_at_the_end_of_the_year(birth: str, expected: str) -> None:
    assert word("CMS165", hypertensive(birth)) == expected


def test_hypertension_must_reach_into_the_first_half_of_the_year() -> None:
    assert word("CMS165", hypertensive(onset="2026-06-30T23:59:59.000Z")) == "not met"
    assert word("CMS165", hypertensive(onset="2026-07-01T00:00:00.000Z")) == "not in"
    ended = a_patient().encounter(VISIT, "2026-03-02")
    ended.condition(demo_code("Essential Hypertension"), "2020-01-01", "2025-12-31", clinical="resolved")
    assert word("CMS165", ended) == "not in"


def test_readings_in_acute_care() -> None:
    record = hypertensive()
    record.encounter(demo_code("Encounter Inpatient"), "2026-04-01", "2026-04-05", class_code="IMP")
    stay = record.last_id
    assert word("CMS165", record.blood_pressure(120, 70, "2026-04-02", encounter=stay)) == "not met"
    assert word("CMS165", record.blood_pressure(121, 71, "2026-04-03")) == "met"  # no encounter: counts
    flagged = "121/71 on 2026-04-03, the day of an inpatient or emergency stay that the reading does not refer to"
    assert flagged in reason("CMS165", record)
    record.blood_pressure(122, 72, "2026-08-03")
    assert "122/72 on 2026-08-03." in reason("CMS165", record)


@pytest.mark.parametrize(
    "story",
    [
        lambda r: r.encounter(demo_code("Hospice Encounter"), "2026-05-01"),
        lambda r: r.encounter(demo_code("Palliative Care Encounter"), "2026-05-01"),
        lambda r: r.observation(single("hospice assessment"), "2026-05-01", value=single("yes")),
        lambda r: r.observation(single("palliative assessment"), "2026-05-01", score=3),
        lambda r: r.service_order(demo_code("Hospice Care Ambulatory"), "2026-05-01"),
        lambda r: r.procedure(demo_code("Hospice Care Ambulatory"), "2026-05-01"),
        lambda r: r.procedure(demo_code("Palliative Care Intervention"), "2026-05-01"),
        lambda r: r.condition(demo_code("Hospice Diagnosis"), "2026-05-01"),
        lambda r: r.condition(demo_code("Palliative Care Diagnosis"), "2026-05-01"),
        lambda r: r.encounter(
            demo_code("Encounter Inpatient"), "2026-05-01", "2026-05-09", discharge=single("discharge to home hospice")
        ),
        lambda r: r.condition(demo_code("Pregnancy"), "2026-05-01"),
        lambda r: r.condition(demo_code("End Stage Renal Disease"), "2019-05-01"),
        lambda r: r.condition(demo_code("Kidney Transplant Recipient"), "2019-05-01"),
        lambda r: r.procedure(demo_code("Dialysis Services"), "2011-05-01"),
        lambda r: r.encounter(demo_code("ESRD Monthly Outpatient Services"), "2011-05-01"),
    ],
)
def test_blood_pressure_exclusions(story: Story) -> None:
    assert word("CMS165", story(hypertensive().blood_pressure(120, 70, "2026-03-02"))) == "excluded"


@pytest.mark.parametrize(
    ("birth", "signs", "expected"),
    [
        ("1946-01-01", ["Frailty Diagnosis"], "met"),  # 80: frailty alone is not enough
        ("1946-01-01", ["Frailty Diagnosis", "Advanced Illness"], "excluded"),
        ("1945-01-01", ["Frailty Diagnosis"], "excluded"),  # 81
        ("1961-01-01", ["Frailty Diagnosis", "Advanced Illness"], "met"),  # 65
        ("1946-01-01", ["Advanced Illness"], "met"),
    ],
)
def test_frailty_and_advanced_illness(birth: str, signs: list[str], expected: str) -> None:
    record = hypertensive(birth).blood_pressure(120, 70, "2026-03-02")
    for sign in signs:
        record.condition(demo_code(sign), "2025-06-01")
    assert word("CMS165", record) == expected


def test_the_latest_housing_status_decides() -> None:
    record = hypertensive("1950-01-01").blood_pressure(120, 70, "2026-03-02")
    record.observation(single("housing status"), "2026-02-01", value=single("lives in nursing home"))
    assert word("CMS165", record) == "excluded"
    record.observation(single("housing status"), "2026-04-01", value=("urn:other", "home"))
    assert word("CMS165", record) == "met"


# --- CMS135 and CMS144 ---------------------------------------------------------------------------------------------------

ACE = demo_code("ACE Inhibitor or ARB or ARNI")
BETA = demo_code("Beta Blocker Therapy for LVSD")


def with_heart_failure(fraction: float | None = 35) -> Record:
    record = a_patient().condition(demo_code("Heart Failure"), "2024-01-01")
    record.encounter(VISIT, "2026-02-02").encounter(VISIT, "2026-06-02")
    if fraction is not None:
        record.observation(demo_code("Ejection Fraction"), "2024-02-01", kind="clinical", amount=(fraction, "%"))
    return record


@pytest.mark.parametrize(
    ("fraction", "expected"), [(40, "not met"), (40.1, "not in denominator"), (None, "not in denominator")]
)
def test_reduced_function_opens_the_denominator(fraction: float | None, expected: str) -> None:
    assert word("CMS135", with_heart_failure(fraction)) == expected
    assert word("CMS144", with_heart_failure(fraction)) == expected


def test_one_visit_is_not_enough() -> None:
    record = a_patient().condition(demo_code("Heart Failure"), "2024-01-01").encounter(VISIT, "2026-02-02")
    assert word("CMS135", record) == "not in"


@pytest.mark.parametrize(("measure", "drug"), [("CMS135", ACE), ("CMS144", BETA)])
@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (lambda r, drug: r.medication_order(drug, "2026-02-02"), "met"),
        (lambda r, drug: r.medication_order(drug, "2026-02-03"), "not met"),
        (lambda r, drug: r.medication_order(drug, "2025-11-01", bounds=("2025-11-01", None)), "met"),
        (lambda r, drug: r.medication_order(drug, "2025-11-01", bounds=("2025-11-01", "2026-02-03")), "met"),
        (lambda r, drug: r.medication_order(drug, "2025-11-01", bounds=("2025-11-01", "2026-02-02")), "not met"),
        (lambda r, drug: r.medication_order(drug, "2026-02-02", intent="plan"), "not met"),
        (lambda r, drug: r.medication_order(drug, "2026-02-02", status="cancelled"), "not met"),
        (lambda r, drug: r.medication_order(drug, "2026-02-02").rejected(r.last_id), "not met"),
        (
            lambda r, drug: r.medication_order(
                drug, "2026-02-02", requested=False, status="completed", reason=demo_code("Medical Reason")
            ),
            "excepted",
        ),
        (lambda r, drug: r.medication_order(drug, "2026-02-02", requested=False), "not met"),
        (lambda r, drug: r.procedure(demo_code("Heart Transplant"), "2020-02-02"), "excluded"),
        (lambda r, drug: r.procedure(demo_code("Left Ventricular Assist Device Placement"), "2020-02-02"), "excluded"),
        (lambda r, drug: r.condition(demo_code("Heart Transplant Complications"), "2025-02-02"), "excluded"),
        (
            lambda r, drug: r.condition(
                demo_code("Heart Transplant Complications"), clinical="remission", recorded="2025-02-02"
            ),
            "excluded",
        ),
    ],
)
def test_drug_therapy(measure: str, drug: tuple[str, str], story: Callable[..., Record], expected: str) -> None:
    assert word(measure, story(with_heart_failure(), drug)) == expected


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (lambda r: r.allergy(single("ACE inhibitor substance"), "2020-01-01"), "excepted"),
        (lambda r: r.condition(demo_code("Allergy to ACE Inhibitor or ARB"), "2020-01-01"), "excepted"),
        (lambda r: r.condition(demo_code("Pregnancy"), "2025-06-02T10:00:00.000Z"), "excepted"),
        (lambda r: r.condition(demo_code("Pregnancy"), "2025-05-01"), "not met"),
        (
            lambda r: r.observation(
                ("http://loinc.org", "82810-3"), "2026-01-02", kind="pregnancy status", value=demo_code("Pregnancy")
            ),
            "excepted",
        ),
        (lambda r: r.condition(single("renal failure due to ACE inhibitor"), "2026-01-02"), "excepted"),
    ],
)
def test_exceptions_of_ace_inhibitors(story: Story, expected: str) -> None:
    assert word("CMS135", story(with_heart_failure())) == expected


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (lambda r: r.condition(demo_code("Asthma"), "2020-01-01"), "excepted"),
        (lambda r: r.condition(demo_code("Bradycardia"), "2020-01-01", verification="refuted"), "not met"),
        (lambda r: r.allergy(single("beta blocker substance"), "2020-01-01"), "excepted"),
        (lambda r: r.condition(demo_code("Atrioventricular Block"), "2020-01-01"), "excepted"),
        (
            lambda r: r.condition(demo_code("Atrioventricular Block"), "2020-01-01").procedure(
                demo_code("Cardiac Pacer"), "2021-01-01"
            ),
            "not met",
        ),
        (
            lambda r: r.observation(
                ("x", "y"), "2026-02-02T10:05:00.000Z", kind="heart rate", amount=(48, "/min")
            ).observation(("x", "y"), "2026-02-02T10:10:00.000Z", kind="heart rate", amount=(49, "{beats}/min")),
            "excepted",
        ),
        (
            lambda r: (
                r.observation(("x", "y"), "2026-02-02T10:05:00.000Z", kind="heart rate", amount=(48, "/min"))
                .observation(("x", "y"), "2026-02-02T10:07:00.000Z", kind="heart rate", amount=(60, "/min"))
                .observation(("x", "y"), "2026-02-02T10:10:00.000Z", kind="heart rate", amount=(49, "/min"))
            ),
            "not met",
        ),
    ],
)
def test_exceptions_of_beta_blockers(story: Story, expected: str) -> None:
    assert word("CMS144", story(with_heart_failure())) == expected


def test_what_the_reference_engine_does_not_look_at() -> None:
    """docs/method/reference-engine-quirks.md, the points that no published case tells apart."""
    rejected = with_heart_failure().medication_order(ACE, "2026-02-02")
    rejected.rejected(rejected.last_id)
    rejected.resources[-1]["status"] = "requested"
    assert word("CMS135", rejected) == "not met"  # whatever the task's own status
    profiled = with_heart_failure().medication_order(ACE, "2026-02-02")
    profiled.resources[-1]["doNotPerform"] = True
    assert word("CMS135", profiled) == "met"  # the profile says order
    slow = with_heart_failure()
    for minute, status in ((5, "preliminary"), (10, "final")):
        time = f"2026-02-02T10:{minute:02}:00.000Z"
        slow.observation(("x", "y"), time, kind="heart rate", amount=(48, "/min"), status=status)
    assert word("CMS144", slow) == "excepted"  # the earlier one's status
    for status, expected in (("draft", "not met"), ("completed", "excepted")):
        refused = with_heart_failure().medication_order(
            ACE, "2026-02-02", requested=False, status=status, reason=demo_code("Medical Reason")
        )
        assert word("CMS135", refused) == expected
    draft = with_heart_failure().medication_order(
        BETA, "2026-02-02", requested=False, status="draft", reason=demo_code("Medical Reason")
    )
    assert word("CMS144", draft) == "excepted"


# --- CMS90 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2026-02-02", "2026-03-04", "met"),  # 30 days
        ("2026-02-02", "2026-03-03", "not met"),  # 29
        ("2026-02-02", "2026-08-01", "met"),  # 180
        ("2026-02-02", "2026-08-02", "not met"),  # 181
        ("2026-01-19", "2026-03-04", "met"),  # 14 days before the visit
        ("2026-01-18", "2026-03-04", "not met"),
        ("2026-02-03", "2026-04-04", "not met"),  # after the visit
    ],
)
def test_two_assessments_with_one_instrument(first: str, second: str, expected: str) -> None:
    record = a_patient().condition(demo_code("Heart Failure"), "2024-01-01")
    record.encounter(VISIT, "2026-02-02").encounter(VISIT, "2026-09-02")
    for when in (first, second):
        record.observation(single("KCCQ overall summary"), when, score=50)
    assert word("CMS90", record) == expected


def test_an_assessment_is_complete_when_every_score_has_a_value_on_the_day() -> None:
    record = with_heart_failure(None)
    measure = measures()["CMS90"]
    assert isinstance(measure, FunctionalStatusHeartFailure)
    record.observation(single("MLHFQ physical"), "2026-02-02", score=10)
    assert measure.assessments(facts(record)) == {}
    record.observation(single("MLHFQ emotional"), "2026-02-03", score=10)
    assert measure.assessments(facts(record)) == {}
    record.observation(single("MLHFQ emotional"), "2026-02-02", score=10)
    assert {name: [day.text for day in days] for name, days in measure.assessments(facts(record)).items()} == {
        "MLHFQ": ["2026-02-02"]
    }


def test_the_gap_of_a_second_assessment_has_its_window() -> None:
    record = with_heart_failure(None).observation(single("KCCQ overall summary"), "2026-02-02", score=50)
    (gap,) = outcomes("CMS90", record)[0].gaps
    assert (gap.kind, gap.earliest, gap.due) == (GapKind.CARE, date(2026, 3, 4), date(2026, 8, 1))


def test_heart_failure_must_be_older_than_the_year() -> None:
    record = a_patient().condition(demo_code("Heart Failure"), "2026-01-01")
    record.encounter(VISIT, "2026-02-02").encounter(VISIT, "2026-06-02")
    assert word("CMS90", record) == "not in"
    same_day = a_patient().condition(demo_code("Heart Failure"), "2025-01-01")
    same_day.encounter(VISIT, "2026-02-02").encounter(VISIT, "2026-02-02")
    assert word("CMS90", same_day) == "not in"


# --- CMS156 --------------------------------------------------------------------------------------------------------------

SEDATIVE = demo_code("Potentially Harmful Antihistamines for Older Adults")
BENZODIAZEPINE = demo_code("Potentially Harmful Benzodiazepines for Older Adults")
ANTI_INFECTIVE = demo_code("Potentially Harmful Antiinfectives for Older Adults")


def elder() -> Record:
    return a_patient("1950-01-01").encounter(VISIT, "2026-03-02")


@pytest.mark.parametrize(
    ("story", "rates"),
    [
        (lambda r: r, "000"),
        (lambda r: r.medication_order(SEDATIVE, "2026-02-01"), "000"),
        (lambda r: r.medication_order(SEDATIVE, "2026-02-01", refills=1), "101"),
        (lambda r: r.medication_order(SEDATIVE, "2026-02-01").medication_order(SEDATIVE, "2026-02-02"), "101"),
        (lambda r: r.medication_order(SEDATIVE, "2026-02-01").medication_order(SEDATIVE, "2026-02-01"), "000"),
        (lambda r: r.medication_order(SEDATIVE, "2026-02-01").medication_order(SEDATIVE, "2025-12-31"), "000"),
        (
            lambda r: r.medication_order(SEDATIVE, "2026-02-01", days=10, bounds=("2026-02-01", None)).medication_order(
                SEDATIVE, "2026-02-01", days=10, bounds=("2026-03-01", None)
            ),
            "101",
        ),
        (lambda r: r.medication_order(BENZODIAZEPINE, "2026-02-01", refills=1), "011"),
        (
            lambda r: r.medication_order(BENZODIAZEPINE, "2026-02-01", refills=1).condition(
                demo_code("Generalized Anxiety Disorder"), "2024-01-01"
            ),
            "000",
        ),
        (
            lambda r: r.medication_order(BENZODIAZEPINE, "2026-02-01", refills=1).condition(
                demo_code("Generalized Anxiety Disorder"), "2026-02-02"
            ),
            "011",
        ),
        (lambda r: r.medication_order(ANTI_INFECTIVE, "2026-02-01", days=45, refills=1), "000"),  # 90 days
        (lambda r: r.medication_order(ANTI_INFECTIVE, "2026-02-01", days=46, refills=1), "101"),
        (lambda r: r.medication_order(SEDATIVE, "2026-02-01", refills=1, status="draft"), "000"),
    ],
)
def test_more_than_one_order(story: Story, rates: str) -> None:
    assert "".join(str(int(outcome.numerator)) for outcome in outcomes("CMS156", story(elder()))) == rates


def test_the_dose_of_a_liquid_meets_no_limit() -> None:
    solution = ("http://www.nlm.nih.gov/research/umls/rxnorm", "393245")  # 0.05 mg/mL
    record = elder()
    for when in ("2026-02-02", "2026-05-02"):
        record.medication_order(solution, when, days=10, amount=1000)
        record.resources[-1]["medicationCodeableConcept"]["coding"].append(
            {"system": "urn:openasm:demo", "code": demo_code("Digoxin Medications")[1]}
        )
    assert not outcomes("CMS156", record)[0].numerator


def test_daily_dose_of_digoxin() -> None:
    digoxin = ("http://www.nlm.nih.gov/research/umls/rxnorm", "197606")  # 0.25 mg tablets
    for amount, expected in ((15, False), (16, True)):
        record = elder()
        for when in ("2026-02-01", "2026-04-01"):
            record.medication_order(digoxin, when, days=30, amount=amount)
            record.resources[-1]["medicationCodeableConcept"]["coding"].append(
                {"system": "urn:openasm:demo", "code": demo_code("Digoxin Medications")[1]}
            )
        assert outcomes("CMS156", record)[0].numerator is expected


# --- CMS2 ----------------------------------------------------------------------------------------------------------------

ADULT, YOUNG = single("adult depression screening"), single("adolescent depression screening")
NEGATIVE, POSITIVE = single("screening negative"), single("screening positive")


def visitor(birth: str = "1980-01-01") -> Record:
    return a_patient(birth).encounter(demo_code("Encounter to Screen for Depression"), "2026-05-20")


@pytest.mark.parametrize(
    ("birth", "screen", "expected"),
    [
        ("1980-01-01", ADULT, "met"),
        ("1980-01-01", YOUNG, "not met"),
        ("2010-01-01", YOUNG, "met"),  # 16
        ("2010-01-01", ADULT, "not met"),
        ("2009-01-01", YOUNG, "met"),  # 17: either
        ("2009-01-01", ADULT, "met"),
        ("2008-01-01", YOUNG, "not met"),  # 18
        ("2014-01-02", YOUNG, "not in"),  # 11
    ],
)
def test_screen_of_the_age(birth: str, screen: tuple[str, str], expected: str) -> None:
    assert word("CMS2", visitor(birth).observation(screen, "2026-05-20", value=NEGATIVE)) == expected


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (lambda r: r.observation(ADULT, "2026-05-06", value=NEGATIVE), "met"),
        (lambda r: r.observation(ADULT, "2026-05-05", value=NEGATIVE), "not met"),
        (lambda r: r.observation(ADULT, "2026-05-21", value=NEGATIVE), "not met"),
        (lambda r: r.observation(ADULT, "2026-05-20", value=POSITIVE), "not met"),
        (
            lambda r: r.observation(ADULT, "2026-05-20", value=POSITIVE).service_order(
                demo_code("Referral for Adult Depression"), "2026-05-22"
            ),
            "met",
        ),
        (
            lambda r: r.observation(ADULT, "2026-05-20", value=POSITIVE).service_order(
                demo_code("Referral for Adult Depression"), "2026-05-23"
            ),
            "not met",
        ),
        (
            lambda r: r.observation(ADULT, "2026-05-20", value=POSITIVE).procedure(
                demo_code("Follow Up for Adult Depression"), "2026-05-20T10:15:00.000Z"
            ),
            "met",
        ),
        (
            lambda r: r.observation(ADULT, "2026-05-20", value=POSITIVE).medication_order(
                demo_code("Adult Depression Medications"), "2026-05-20", days=30
            ),
            "met",
        ),
        (
            lambda r: r.observation(ADULT, "2026-05-18", value=NEGATIVE).observation(
                ADULT, "2026-05-20", value=POSITIVE
            ),
            "not met",
        ),
        (
            lambda r: r.observation(ADULT, "2026-05-20", kind="not done", reason=single("screening declined")),
            "excepted",
        ),
        (lambda r: r.condition(demo_code("Bipolar Disorder"), "2020-01-01"), "excluded"),
        (lambda r: r.condition(demo_code("Bipolar Disorder"), "2020-01-01", encounter_diagnosis=True), "not met"),
        (lambda r: r.condition(demo_code("Bipolar Disorder"), "2026-05-20"), "not met"),
    ],
)
def test_screening_and_follow_up(story: Story, expected: str) -> None:
    assert word("CMS2", story(visitor())) == expected


# --- CMS69 ---------------------------------------------------------------------------------------------------------------

INDEX = single("body mass index")


def index(record: Record, value: float, when: str = "2026-05-20") -> Record:
    return record.observation(INDEX, when, kind="body mass index", amount=(value, "kg/m2"))


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (lambda r: r, "not met"),
        (lambda r: index(r, 18.5), "met"),
        (lambda r: index(r, 24.9), "met"),
        (lambda r: index(r, 25), "not met"),
        (lambda r: index(r, 18.4), "not met"),
        (lambda r: index(index(r, 22), 26, "2026-06-01"), "not met"),
        (
            lambda r: index(r, 31).service_order(
                demo_code("Follow Up for Above Normal BMI"), "2026-05-20", reason=demo_code("Overweight or Obese")
            ),
            "met",
        ),
        (
            lambda r: (
                index(r, 31)
                .condition(demo_code("Overweight or Obese"), "2025-01-01")
                .medication_order(demo_code("Medications for Above Normal BMI"), "2026-05-20")
            ),
            "met",
        ),
        (lambda r: index(r, 31).service_order(demo_code("Follow Up for Above Normal BMI"), "2026-05-20"), "not met"),
        (
            lambda r: (
                index(r, 31)
                .condition(demo_code("Overweight or Obese"), "2025-01-01")
                .procedure(demo_code("Follow Up for Above Normal BMI"), "2026-08-20")
            ),
            "met",
        ),
        (
            lambda r: (
                index(r, 17)
                .condition(demo_code("Underweight"), "2025-01-01")
                .procedure(demo_code("Follow Up for Below Normal BMI"), "2026-08-20")
            ),
            "not met",  # no health concern
        ),
        (
            lambda r: (
                index(r, 17)
                .condition(demo_code("Underweight"), "2025-01-01", health_concern=True)
                .procedure(demo_code("Follow Up for Below Normal BMI"), "2026-08-20")
            ),
            "met",
        ),
        (
            lambda r: index(r, 31).service_order(
                demo_code("Follow Up for Above Normal BMI"),
                "2026-05-20",
                requested=False,
                reason=demo_code("Medical Reason"),
            ),
            "excepted",
        ),
        (
            lambda r: r.observation(INDEX, "2026-05-20", kind="not done", reason=demo_code("Patient Declined")),
            "excepted",
        ),
        (lambda r: r.condition(demo_code("Pregnancy Obstetric or Maternal Diagnoses"), "2026-05-20"), "excluded"),
    ],
)
def test_index_and_follow_up(story: Story, expected: str) -> None:
    record = a_patient().encounter(demo_code("Encounter to Evaluate BMI"), "2026-05-20")
    assert word("CMS69", story(record)) == expected


def test_virtual_visits_do_not_count_for_the_index() -> None:
    record = a_patient().encounter(demo_code("Encounter to Evaluate BMI"), "2026-05-20", class_code="VR")
    assert word("CMS69", record) == "not in"


# --- reading by content --------------------------------------------------------------------------------------------------


def without_profiles(record: Record) -> Record:
    for resource in record.resources:
        resource.pop("meta", None)
    return record


def test_records_without_profiles_are_read_by_content() -> None:
    record = without_profiles(with_heart_failure())
    assert word("CMS135", record) == "not met"
    record.medication_order(ACE, "2026-02-02", requested=False, status="completed", reason=demo_code("Medical Reason"))
    without_profiles(record)
    assert word("CMS135", record) == "excepted"
    pressure = without_profiles(hypertensive().blood_pressure(120, 70, "2026-03-02"))
    assert word("CMS165", pressure) == "met"
    (patient,) = [facts(pressure, ProfileUse.TRUST)]
    assert not patient.observations  # read by profile, a resource without one is not seen


# --- versions and arithmetic ---------------------------------------------------------------------------------------------


def test_a_year_that_was_not_read_says_so() -> None:
    assert specification_for("CMS90", 2027).version == "CMS90v16 (not read; logic of CMS90v15)"
    assert not specification_for("CMS90", 2029).read
    record = hypertensive().encounter(VISIT, "2027-03-02").blood_pressure(120, 70, "2027-03-02")
    assert outcomes("CMS165", record, 2027)[0].numerator


@pytest.mark.parametrize("name", ["236", "Q236", "CMS165", "cms165", " 165 "])
def test_measures_are_found_by_either_number(name: str) -> None:
    assert find_measure(name) == "CMS165"


def test_tally() -> None:
    tally = Tally(eligible=10, met=4, exclusions=1, exceptions=2)
    assert (tally.not_met, tally.rate) == (3, Fraction(4, 7))
    assert Tally(3, 0, 2, 1).rate is None
