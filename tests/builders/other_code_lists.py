"""Code lists quite unlike the demonstration ones: separate roles, other days, rules for every setting."""

from __future__ import annotations

from dataclasses import replace

from openasm.claims.synthetic.codelists import CodeLists, ExclusionRule, ServiceRule, demonstration_lists


def other_code_lists() -> CodeLists:
    """Heart failure with trigger-only and confirm-only services and a wide assignment; low back pain with odd lengths."""
    lists = demonstration_lists()
    heart = replace(
        lists.heart_failure,
        confirm_days=45,
        window_days=90,
        episode_days=120,
        minimum_days=100,
        lookback_days=60,
        share_numerator=1,
        share_denominator=4,
        prior_days=40,
        trigger_services=("99204", "99205"),
        confirming_services=("99214", "99215", "99304"),
        service_rules=(
            ServiceRule(("outpatient",), "hcpcs", "", "All outpatient", "I50", barred="I509"),
            ServiceRule(("professional", "dme"), "hcpcs", "99205", "Visits", "I50"),
            ServiceRule(("professional", "dme"), "hcpcs", "99214", "Visits"),
            ServiceRule(("professional", "dme"), "hcpcs", "C8929", "Imaging", "I50"),
            ServiceRule(("dme",), "hcpcs", "E1390", "Oxygen", "I11", "I110"),
            ServiceRule(("inpatient",), "drg", "291", "Stays", "I50"),
            ServiceRule(("inpatient",), "drg", "226", "Stays", "I50"),
            ServiceRule(("snf",), "hcpcs", "", "After care", "I50"),
            ServiceRule(("home_health",), "hcpcs", "G0299", "After care", "I50"),
            ServiceRule(("hospice",), "hcpcs", "", "Hospice", "I50"),
            ServiceRule(("drug",), "ndc", "00000000101", "Drugs"),
        ),
        exclusions=(
            ExclusionRule("TRANSPLANT", (), services=("001",), days_before=30, settings=("inpatient",)),
            ExclusionRule("DIALYSIS", ("N186",), settings=("outpatient", "professional")),
        ),
    )
    back = replace(lists.low_back_pain, confirm_days=10, window_days=31, episode_days=40, minimum_days=41)
    return CodeLists(heart, back, source="other lists")
