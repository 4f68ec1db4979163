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


def measure_title(measure: str) -> str:
    """The short title; an unknown measure is its own title."""
    return MEASURE_TITLES.get(measure, measure)
