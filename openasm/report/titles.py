"""Short titles of measures, cohorts and statuses, as people call them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COHORT_TITLES: Mapping[str, str] = MappingProxyType(
    {"heart_failure": "Heart failure", "low_back_pain": "Low back pain"}
)

MEASURE_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "492": "Acute cardiovascular admissions",
        "008": "Beta-blocker in heart failure",
        "005": "ACE inhibitor, ARB or ARNI in heart failure",
        "236": "Controlling high blood pressure",
        "377": "Functional status assessments",
        "238": "High-risk medicines in older adults",
        "134": "Depression screening and follow-up",
        "128": "BMI screening and follow-up",
        "220": "Functional status change, low back",
        "COST_HF_1": "Heart failure episode cost",
        "COST_LBP_1": "Low back pain episode cost",
    }
)

STATUS_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "scored": "Scored",
        "zero_minimum_submission": "Zero: no quality measure reported completely enough",
        "zero": "Zero after all adjustments",
        "no_final_score": "No score: payments unchanged",
    }
)


EXCLUSION_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "outlier": "an outlier of the cost model",
        "death": "the patient died",
        "no_birth_date": "no date of birth",
        "not_in_parts_a_and_b": "not in Parts A and B throughout",
        "part_c": "in a Medicare Advantage plan",
        "residence": "lives outside the area of the measure",
        "under_age": "under age",
        "too_short": "too short",
        "no_expected_cost": "no expected cost could be worked out",
    }
)
"""Why an episode is not counted in the cost measure, by the reason in `episodes.parquet`; the codes list's own have its names."""

OF_RECORDS: Mapping[str, str] = MappingProxyType(
    {
        "CMS2": "134",
        "CMS69": "128",
        "CMS90": "377",
        "CMS135": "005",
        "CMS144": "008",
        "CMS156": "238",
        "CMS165": "236",
    }
)
"""Measures as runs of records name them, and the numbers under which they are scored."""


def measure_title(measure: str) -> str:
    """The short title; an unknown measure is its own title."""
    return MEASURE_TITLES.get(OF_RECORDS.get(measure, measure), measure)


ITEM_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "IA_1": "Connecting to primary care, and screening for social needs",
        "IA_2": "Collaborative care arrangements with primary care",
        "CEHRT": "Certified EHR technology",
        "CEHRT period": "Certified EHR technology for long enough",
        "PI_EP_1": "e-Prescribing",
        "PI_EP_2": "Query of the prescription drug monitoring program",
        "PI_HIE_1": "Sending health information with referrals",
        "PI_HIE_4": "Receiving and reconciling health information",
        "PI_HIE_5": "Two-way health information exchange",
        "PI_HIE_6": "Exchange under TEFCA",
        "PI_PEA_1": "Patients' electronic access",
        "PI_PHCDRR_1": "Immunization registry reporting",
        "PI_PHCDRR_2": "Syndromic surveillance reporting",
        "PI_PHCDRR_3": "Electronic case reporting",
        "PI_PHCDRR_4": "Public health registry reporting",
        "PI_PHCDRR_5": "Clinical data registry reporting",
        "PI_PHCDRR_6": "Public health reporting using TEFCA",
        "PI_PPHI_1": "Security risk analysis",
        "PI_PPHI_2": "SAFER guide of high priority practices",
        "PI_INFBLO_1": "No information blocking",
        "PI_ONCDIR_1": "Cooperation with direct reviews",
        "health_information_exchange": "One way of health information exchange",
        "public_health": "Public health reporting",
        "bonus": "Public health bonus",
    }
)


def item_title(item: str) -> str:
    """The short title of an attested item; an unknown item is its own title."""
    return ITEM_TITLES.get(item, item)


SPECIALTY_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "05": "Anesthesiology",
        "06": "Cardiology",
        "09": "Interventional pain management",
        "14": "Neurosurgery",
        "20": "Orthopedic surgery",
        "25": "Physical medicine and rehabilitation",
        "72": "Pain management",
    }
)


def specialty_title(code: str) -> str:
    """A Medicare specialty code with its name, where the model names the specialty.

    >>> specialty_title("06"), specialty_title("99")
    ('06 Cardiology', '99')
    """
    name = SPECIALTY_TITLES.get(code)
    return f"{code} {name}" if name else code
