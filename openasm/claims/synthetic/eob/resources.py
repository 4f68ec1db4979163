"""The resources of a block, one after another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from openasm.claims.synthetic.block import Block, Ground, header_diagnoses
from openasm.claims.synthetic.cclf.history import History, histories
from openasm.claims.synthetic.columns import beneficiary_texts, claim_texts, residence
from openasm.claims.synthetic.eob import words
from openasm.claims.synthetic.eob.words import BLUE, CLAIM_KINDS, Json, adjudication, extension, variable
from openasm.claims.synthetic.people import NEVER
from openasm.claims.synthetic.practices import zip_codes
from openasm.claims.synthetic.templates import Template

_EPOCH = dt.date(1970, 1, 1)


@lru_cache(maxsize=50_000)
def day_text(day: int) -> str:
    """A day number as an ISO date."""
    return (_EPOCH + dt.timedelta(days=day)).isoformat()


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One line as the resources need it. denied: the line; place: its row in the bill."""

    template: Template
    number: int
    row: int
    allowed: int
    paid: int
    denied: bool


class Resources:
    """Makes the resources of one block."""

    def __init__(self, ground: Ground, block: Block) -> None:
        self.ground, self.block, self.bill = ground, block, block.bill
        self.people = beneficiary_texts(block.people)
        practices = ground.practices
        self.npis, self.tins, self.zips = practices.npi_texts(), practices.tin_texts(), zip_codes()
        bill = block.bill
        self.pair, self.tin, self.site = bill.pair.tolist(), bill.tin.tolist(), bill.site.tolist()
        self.person, self.claim_number, self.second = (
            bill.beneficiary.tolist(),
            bill.claim.tolist(),
            bill.specialty.tolist(),
        )
        self.pair_npi = practices.pair_npi.tolist()
        found = header_diagnoses(ground, block)
        self.header: dict[int, list[str]] = {}
        for row, code in zip(found.row.tolist(), found.code.tolist(), strict=True):
            self.header.setdefault(self.claim_number[row], []).append(found.codes[code])

    def patients(self) -> Iterator[Json]:
        """A Patient for everybody."""
        people = self.block.people
        counties, zips = residence(people)
        for place, name in enumerate(self.people):
            patient: Json = {
                "resourceType": "Patient",
                "id": name,
                "identifier": [{"system": "http://hl7.org/fhir/sid/us-mbi", "value": name}],
                "name": [{"use": "usual", "family": f"Beneficiary {people.first + place + 1}", "given": ["Test"]}],
                "gender": "female" if people.female[place] else "male",
                "address": [{"district": counties[place], "state": counties[place][:2], "postalCode": zips[place]}],
            }
            if people.has_birth[place]:
                patient["birthDate"] = day_text(int(people.birth[place]))
            if people.death[place] < NEVER:
                patient["deceasedDateTime"] = day_text(int(people.death[place]))
            yield patient

    def coverages(self) -> Iterator[Json]:
        """A Coverage for every person, part and year, month by month as CMS states it."""
        people, region = self.block.people, self.ground.region
        for place, name in enumerate(self.people):
            low, high = int(people.cover_from[place]), int(people.cover_to[place])
            gap = int(people.lapse[place])
            lapsed = range(gap, gap + int(people.lapse_months[place]))
            managed = range(int(people.part_c_from[place]), int(people.part_c_to[place]) + 1)
            drugs = range(int(people.part_d_from[place]), int(people.part_d_to[place]) + 1)
            facts = [
                extension("esrd_ind", "Y" if people.esrd[place] else "0"),
                extension("orec", "1" if people.disabled[place] else "0"),
            ]
            dual = "02" if people.dual[place] else "NA"
            for year in range(region.first_year, region.last_year + 1):
                january = (year - 1970) * 12
                months = range(january, january + 12)
                known = [month for month in months if low <= month <= high]
                if not known:
                    continue
                stated: dict[str, list[Json]] = {
                    "Part A": [extension(f"buyin{m - january + 1:02d}", "1" if m in lapsed else "3") for m in known],
                    "Part C": [
                        extension(f"ptc_cntrct_id_{m - january + 1:02d}", "H9999" if m in managed else "0")
                        for m in known
                    ],
                    "Part D": [
                        extension(f"ptdcntrct{m - january + 1:02d}", "S9999" if m in drugs else "0") for m in known
                    ],
                }
                stated["Part B"] = stated["Part A"]
                duals = [extension(f"dual_{m - january + 1:02d}", dual) for m in known]
                for part in ("Part A", "Part B", "Part C", "Part D"):
                    yield _coverage(name, part, year, [*facts, *duals, *stated[part]])

    def claims(self) -> Iterator[Json]:
        """Every claim that stands, with denied lines on some, and denied or cancelled claims beside them."""
        bill, templates = self.bill, self.ground.catalogue.templates
        starts = np.flatnonzero(np.append(True, bill.claim[1:] != bill.claim[:-1]))
        ends = np.append(starts[1:], len(bill))
        texts = claim_texts(self.block.number, bill.claim[starts]).to_pylist()
        template, number = bill.template.tolist(), bill.line.tolist()
        allowed, paid = bill.allowed.tolist(), bill.paid.tolist()
        for text, start, end in zip(texts, starts.tolist(), ends.tolist(), strict=True):
            lines = [
                ClaimLine(templates[template[row]], number[row], row, allowed[row], paid[row], denied=False)
                for row in range(start, end)
            ]
            yield self.claim(text, lines, int(bill.from_day[start]), int(bill.thru_day[start]))
        yield from self.phantoms()

    def phantoms(self) -> Iterator[Json]:
        """Visits that were denied or cancelled: kept by mistake they would change windows."""
        bill, templates = self.bill, self.ground.catalogue.templates
        rng = self.ground.region.generator(6, self.block.number)
        rows = np.flatnonzero(bill.visit >= 0)
        history: History = histories(bill, rows, rng, facility=False, paid=bill.paid[rows], phantoms=rows)
        never_stood = np.flatnonzero((history.claim >= 4_000_000) & (history.claim < 5_000_000))
        texts = claim_texts(self.block.number, history.claim[never_stood]).to_pylist()
        for text, place in zip(texts, never_stood.tolist(), strict=True):
            row, denied = int(history.row[place]), bool(history.denied[place])
            line = ClaimLine(templates[bill.template[row]], 1, row, 0, 0, denied=denied)
            day = int(history.day[place])
            yield self.claim(text, [line], day, day, denied=denied, cancelled=not denied)

    def claim(
        self, text: str, lines: list[ClaimLine], first: int, last: int, *, denied: bool = False, cancelled: bool = False
    ) -> Json:
        """One ExplanationOfBenefit."""
        head, row = lines[0].template, lines[0].row
        setting, who = head.setting, self.people[self.person[row]]
        number, kind, _, profile = CLAIM_KINDS[setting]
        header = list(self.header.get(self.claim_number[row], []))
        codes = header + [
            code
            for code in dict.fromkeys(line.template.line_diagnosis for line in lines)
            if code and code not in header
        ]
        resource: Json = {
            "resourceType": "ExplanationOfBenefit",
            "id": f"{kind.lower()}-{text}",
            "meta": {"lastUpdated": f"{day_text(last + 30)}T00:00:00Z", "profile": [f"{words.PROFILE}-{profile}"]},
            "identifier": [
                {
                    "type": words.coding(f"{words.CARIN}/C4BBIdentifierType", "uc"),
                    "system": variable("clm_id" if number else "pde_id"),
                    "value": text,
                }
            ],
            "status": "cancelled" if cancelled else "active",
            "type": words.claim_type(setting),
            "use": "claim",
            "patient": {"reference": f"Patient/{who}"},
            "billablePeriod": {"start": day_text(first), "end": day_text(last)},
            "created": f"{day_text(last + 30)}T00:00:00Z",
            "insurer": {"identifier": {"value": "CMS"}},
            "outcome": "complete",
            "item": [],
        }
        if setting in ("professional", "dme"):
            resource["extension"] = [extension("carr_clm_pmt_dnl_cd", "0" if denied else "1")]
        if codes:
            resource["diagnosis"] = [
                words.diagnosis(place + 1, code, principal=place == 0) for place, code in enumerate(codes)
            ]
        pair = self.pair[row]
        if pair >= 0:
            role = {"professional": "performing", "dme": "performing", "drug": "prescribing"}.get(setting, "attending")
            practices = self.ground.practices
            specialty = ""
            if setting == "professional":
                both = practices.pair_second if self.second[row] else practices.pair_specialty
                specialty = both[pair]
            resource["careTeam"] = [words.clinician(self.npis[self.pair_npi[pair]], role, specialty)]
        if setting == "inpatient":
            category = words.coding(f"{BLUE}/codesystem/information", variable("clm_drg_cd"))
            resource["supportingInfo"] = [
                {"sequence": 1, "category": category, "code": words.coding(variable("clm_drg_cd"), head.code)}
            ]
        resource["item"] = [self.item(line, first, last, codes) for line in lines]
        paid, allowed = sum(line.paid for line in lines), sum(line.allowed for line in lines)
        if setting not in ("professional", "dme", "drug"):
            resource["payment"] = {"amount": words.money(paid)}
            resource["benefitBalance"] = _balance(setting, allowed - paid)
        elif setting != "drug":
            resource["payment"] = {"amount": words.money(paid)}
        return resource

    def item(self, line: ClaimLine, first: int, last: int, codes: list[str]) -> Json:
        """One line."""
        template, row = line.template, line.row
        item: Json = {"sequence": line.number}
        if self.pair[row] >= 0:
            item["careTeamSequence"] = [1]
        share = line.allowed - line.paid
        if template.setting == "drug":
            item["productOrService"] = words.coding("http://hl7.org/fhir/sid/ndc", template.code)
            item["servicedDate"] = day_text(first)
            item["adjudication"] = [
                adjudication("benefit", "cvrd_d_plan_pd_amt", line.paid),
                adjudication("paidbypatient", "ptnt_pay_amt", share, carin=True),
                adjudication("drugcost", "tot_rx_cst_amt", line.allowed, carin=True),
            ]
            return item
        item["servicedPeriod"] = {"start": day_text(first), "end": day_text(last)}
        if template.code and template.code_type == "hcpcs":
            item["productOrService"] = words.coding(f"{BLUE}/codesystem/hcpcs", template.code)
        else:
            item["productOrService"] = words.coding(f"{words.TERMINOLOGY}/data-absent-reason", "not-applicable")
        if template.setting in ("professional", "dme"):
            self._clinician_item(item, line, codes, share)
        else:
            revenue = template.revenue_center or "0120"
            item["revenue"] = words.coding(variable("rev_cntr"), revenue)
            if template.setting == "outpatient":
                item["adjudication"] = [
                    adjudication("coinsurance", "rev_cntr_coinsrnc_wge_adjstd_c", share, carin=True),
                    adjudication("deductible", "rev_cntr_cash_ddctbl_amt", 0),
                    adjudication("paidtoprovider", "rev_cntr_prvdr_pmt_amt", line.paid, carin=True),
                    adjudication("paidbypatient", "rev_cntr_ptnt_rspnsblty_pmt", share, carin=True),
                    adjudication("submitted", "rev_cntr_pmt_amt_amt", line.paid),
                ]
            else:
                item["adjudication"] = [adjudication("submitted", "rev_cntr_tot_chrg_amt", 2 * line.allowed)]
        return item

    def _clinician_item(self, item: Json, line: ClaimLine, codes: list[str], share: int) -> None:
        template, row = line.template, line.row
        item["extension"] = [extension("line_prcsg_ind_cd", "D" if line.denied else "A")]
        if self.tin[row] >= 0:
            item["extension"].append(extension("tax_num", self.tins[self.tin[row]]))
        if template.line_diagnosis in codes:
            item["diagnosisSequence"] = [codes.index(template.line_diagnosis) + 1]
        if line.number > 1 and template.setting == "professional":
            item["modifier"] = [words.coding(f"{BLUE}/codesystem/hcpcs", "25")]
        place = words.coding(variable("line_place_of_srvc_cd"), template.place)
        if self.site[row] >= 0:
            place["extension"] = [extension("prvdr_zip", f"{self.zips[self.site[row]]}0000")]
        item["locationCodeableConcept"] = place
        item["adjudication"] = [
            adjudication("benefit", "line_nch_pmt_amt", line.paid),
            adjudication("deductible", "line_bene_ptb_ddctbl_amt", share if line.paid == 0 else 0),
            adjudication("coinsurance", "line_coinsrnc_amt", 0 if line.paid == 0 else share, carin=True),
            adjudication("priorpayerpaid", "line_bene_prmry_pyr_pd_amt", 0, carin=True),
            adjudication("submitted", "line_sbmtd_chrg_amt", 2 * line.allowed),
            adjudication("eligible", "line_alowd_chrg_amt", line.allowed),
        ]


def _balance(setting: str, share: int) -> list[Json]:
    """What the patient owes on a facility bill."""
    name = "nch_bene_ptb_coinsrnc_amt" if setting == "outpatient" else "nch_bene_ip_ddctbl_amt"
    kind = words.coding(f"{BLUE}/codesystem/benefit-balance", variable(name))
    return [
        {
            "category": words.coding(f"{words.TERMINOLOGY}/ex-benefitcategory", "1"),
            "financial": [{"type": kind, "usedMoney": words.money(share)}],
        }
    ]


def _coverage(name: str, part: str, year: int, facts: list[Json]) -> Json:
    kind = f"{words.TERMINOLOGY}/coverage-class"
    return {
        "resourceType": "Coverage",
        "id": f"{part.lower().replace(' ', '-')}-{name}-{year}",
        "status": "active",
        "extension": [{"url": variable("rfrnc_yr"), "valueDate": str(year)}, *facts],
        "beneficiary": {"reference": f"Patient/{name}"},
        "subscriberId": name,
        "relationship": words.coding(f"{words.TERMINOLOGY}/subscriber-relationship", "self"),
        "payor": [{"identifier": {"value": "Centers for Medicare and Medicaid Services"}}],
        "class": [
            {"type": words.coding(kind, "group"), "value": "Medicare"},
            {"type": words.coding(kind, "plan"), "value": part},
        ],
    }
