"""The two shapes of CMS's ExplanationOfBenefit, told apart by profile and code systems, and where each keeps what is needed.

Codes are compared by their last path segment, lower case, with `_` for `-`: version 2 writes
`https://bluebutton.cms.gov/resources/variables/line_alowd_chrg_amt`, version 3 `CLM_LINE_ALOWD_CHRG_AMT`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """Names of amounts and codes in one version.

    Each amount is a tuple of alternatives; an alternative is a tuple of names that are added up; the first alternative with
    any of its names present counts.
    """

    version: str
    line_allowed: str
    line_paid: tuple[str, ...]
    line_shares: tuple[tuple[tuple[str, ...], ...], ...]
    claim_shares: tuple[tuple[tuple[str, ...], ...], ...]
    drug_cost: str
    drug_paid: str
    specialty: str
    tin: tuple[str, ...]
    claim_denial: str
    line_processing: str
    facility_denial: str
    place_of_service: tuple[str, ...]


V2 = Shape(
    version="v2",
    line_allowed="line_alowd_chrg_amt",
    line_paid=("line_nch_pmt_amt", "rev_cntr_pmt_amt_amt"),
    line_shares=(
        (("line_bene_ptb_ddctbl_amt",), ("rev_cntr_cash_ddctbl_amt", "rev_cntr_blood_ddctbl_amt")),
        (("line_coinsrnc_amt",), ("rev_cntr_coinsrnc_wge_adjstd_c",), ("rev_cntr_rdcd_coinsrnc_amt",)),
        (("line_bene_prmry_pyr_pd_amt",), ("rev_cntr_1st_msp_pd_amt", "rev_cntr_2nd_msp_pd_amt")),
    ),
    claim_shares=(
        (("nch_bene_ip_ddctbl_amt",), ("nch_bene_ptb_ddctbl_amt",)),
        (("nch_bene_pta_coinsrnc_lblty_amt",), ("nch_bene_ptb_coinsrnc_amt",)),
        (("nch_bene_blood_ddctbl_lblty_am",),),
        (("prpayamt",),),
    ),
    drug_cost="tot_rx_cst_amt",
    drug_paid="cvrd_d_plan_pd_amt",
    specialty="prvdr_spclty",
    tin=("tax_num",),
    claim_denial="carr_clm_pmt_dnl_cd",
    line_processing="line_prcsg_ind_cd",
    facility_denial="clm_mdcr_non_pmt_rsn_cd",
    place_of_service=("line_place_of_srvc_cd",),
)

V3 = Shape(
    version="v3",
    line_allowed="clm_line_alowd_chrg_amt",
    line_paid=("clm_line_cvrd_pd_amt",),
    line_shares=(
        (("clm_line_mdcr_ddctbl_amt", "clm_line_blood_ddctbl_amt"),),
        (("clm_line_mdcr_coinsrnc_amt",), ("clm_line_instnl_adjstd_amt",), ("clm_line_instnl_rdcd_amt",)),
        (("clm_bene_prmry_pyr_pd_amt",), ("clm_line_instnl_msp1_pd_amt", "clm_line_instnl_msp2_pd_amt")),
    ),
    claim_shares=(
        (("clm_mdcr_ip_bene_ddctbl_amt",), ("clm_mdcr_ddctbl_amt",)),
        (("clm_mdcr_coinsrnc_amt",),),
        (("clm_blood_lblty_amt",),),
        (("clm_mdcr_instnl_prmry_pyr_amt",),),
    ),
    drug_cost="tot_rx_cst_amt",
    drug_paid="clm_line_cvrd_pd_amt",
    specialty="clm_prvdr_spclty_cd",
    tin=("tax_num", "clm_rndrg_prvdr_tax_num"),
    claim_denial="clm_carr_pmt_dnl_cd",
    line_processing="clm_prcsg_ind_cd",
    facility_denial="clm_mdcr_npmt_rsn_cd",
    place_of_service=("place_of_service_code_set", "clm_pos_cd"),
)

SETTINGS = {
    "carrier": "professional",
    "dme": "dme",
    "outpatient": "outpatient",
    "inpatient": "inpatient",
    "snf": "snf",
    "hha": "home_health",
    "hospice": "hospice",
    "pde": "drug",
    "71": "professional",
    "72": "professional",
    "81": "dme",
    "82": "dme",
    "40": "outpatient",
    "60": "inpatient",
    "61": "inpatient",
    "20": "snf",
    "30": "snf",
    "10": "home_health",
    "50": "hospice",
}
"""CMS's claim type words and codes to settings; a word is believed before a code."""


@lru_cache(maxsize=4096)
def name(text: str) -> str:
    """The last path segment of a code or system, lower case, `_` for `-`.

    >>> name("https://bluebutton.cms.gov/fhir/CodeSystem/CLM-TYPE-CD")
    'clm_type_cd'
    """
    return text.rstrip("/").rsplit("/", 1)[-1].lower().replace("-", "_")


def shape_of(resource: Mapping[str, Any]) -> Shape | None:
    """The shape of a resource, None when it is neither version.

    Version 3 states a profile with a version (`|2.2.0`) and systems under `/fhir/CodeSystem`; version 2 a profile without, and
    systems under `/resources/`.
    """
    for profile in resource.get("meta", {}).get("profile") or ():
        if "C4BB-ExplanationOfBenefit" in profile:
            return V3 if "|" in profile else V2
    for coding in codings(resource.get("type")):
        system = coding.get("system", "")
        if system.startswith("https://bluebutton.cms.gov/fhir/"):
            return V3
        if system.startswith("https://bluebutton.cms.gov/resources/"):
            return V2
    return None


def codings(concept: Any) -> Iterator[Mapping[str, Any]]:
    """The codings of a CodeableConcept, none when there is none."""
    if isinstance(concept, dict):
        for coding in concept.get("coding") or ():
            if isinstance(coding, dict):
                yield coding


def extension(element: Mapping[str, Any], *names: str) -> str | None:
    """The code or value of the first extension whose url ends in one of the names."""
    for each in element.get("extension") or ():
        if name(each.get("url", "")) in names:
            for key in ("valueCoding", "valueIdentifier"):
                inner = each.get(key)
                if inner:
                    found = inner.get("code") or inner.get("value")
                    if found:
                        return str(found)
            for key in ("valueCode", "valueString", "valueDate"):
                if each.get(key):
                    return str(each[key])
    return None


__all__ = ["SETTINGS", "V2", "V3", "Shape", "codings", "extension", "name", "shape_of"]
