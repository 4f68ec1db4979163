"""A block's columns as Arrow: the four claims tables and the truth tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from openasm.base.identity import stable_hash
from openasm.claims.synthetic import identifiers
from openasm.claims.synthetic.block import Block, Ground, header_diagnoses
from openasm.claims.synthetic.codelists import COHORTS
from openasm.claims.synthetic.people import NEVER, People
from openasm.claims.synthetic.practices import ABROAD, PLACES, zip_codes
from openasm.claims.synthetic.settings import Flags, Ints, Region, first_days, months_of
from openasm.claims.synthetic.truth import REASONS, SETTINGS

Table = Any  # pyarrow has no types


def worded(index: Ints, words: Sequence[str]) -> Any:
    """Text by number; a number below zero and the empty word give null."""
    numbers = np.asarray([place if word else -1 for place, word in enumerate(words)] or [-1], dtype=np.int32)
    chosen = np.where(index >= 0, numbers[np.maximum(index, 0)], -1).astype(np.int32)
    indices = pa.array(chosen, mask=chosen < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(words) or [""], type=pa.string()))


def dated(days: Ints, missing: Flags | None = None) -> Any:
    """Day numbers as dates."""
    return pa.array(days.astype(np.int32), mask=missing).cast(pa.date32())


def claim_texts(block: int, claims: Ints) -> Any:
    """Claim keys: a minus sign and twelve digits (block, claim), as no real claim has; they fit CCLF's thirteen characters."""
    text = np.empty((len(claims), 13), dtype=np.uint8)
    text[:, 0] = ord("-")
    text[:, 1:6] = identifiers.digits(np.full(len(claims), block + 1, dtype=np.int64), 5)
    text[:, 6:] = identifiers.digits(claims, 7)
    offsets = np.arange(len(claims) + 1, dtype=np.int32) * 13
    return pa.StringArray.from_buffers(len(claims), pa.py_buffer(offsets), pa.py_buffer(text.tobytes()))


def beneficiary_texts(people: People) -> list[str]:
    """The current number of each person of the block."""
    return [identifiers.beneficiary(people.first + place) for place in range(len(people))]


def claim_lines(ground: Ground, block: Block) -> Table:
    """The table `claim_lines` of a block."""
    bill, templates, practices = block.bill, ground.catalogue.templates, ground.practices
    coded = {
        kind: [template.code if template.code_type == kind else "" for template in templates]
        for kind in ("hcpcs", "drg", "ndc")
    }
    professional = np.array([template.setting == "professional" for template in templates])[bill.template]
    words = sorted(set(practices.pair_specialty) | set(practices.pair_second))
    usual = np.array([words.index(code) for code in practices.pair_specialty])
    other = np.array([words.index(code) for code in practices.pair_second])
    pair = np.maximum(bill.pair, 0)
    specialty = np.where(bill.specialty, other[pair], usual[pair])
    specialty = np.where((bill.pair >= 0) & professional, specialty, -1)
    second_visit = np.where(professional & (bill.line > 1), 0, -1)
    return pa.table(
        {
            "beneficiary": worded(bill.beneficiary, beneficiary_texts(block.people)),
            "claim_id": claim_texts(block.number, bill.claim),
            "line": pa.array(bill.line.astype(np.int32)),
            "setting": worded(bill.template, [template.setting for template in templates]),
            "from_date": dated(bill.from_day),
            "thru_date": dated(bill.thru_day),
            "hcpcs": worded(bill.template, coded["hcpcs"]),
            "modifiers": worded(second_visit, ["25"]),
            "line_diagnosis": worded(bill.template, [template.line_diagnosis for template in templates]),
            "place_of_service": worded(bill.template, [template.place for template in templates]),
            "specialty": worded(specialty, words),
            "npi": worded(np.where(bill.pair >= 0, practices.pair_npi[pair], -1), practices.npi_texts()),
            "tin": worded(bill.tin, practices.tin_texts()),
            "service_zip": worded(bill.site, zip_codes()),
            "drg": worded(bill.template, coded["drg"]),
            "revenue_center": worded(bill.template, [template.revenue_center for template in templates]),
            "ndc": worded(bill.template, coded["ndc"]),
            "allowed_cents": pa.array(bill.allowed),
            "paid_cents": pa.array(bill.paid),
            "cost_cents": pa.array(bill.allowed),
            "cost_basis": worded(np.zeros(len(bill), dtype=np.int64), ["allowed"]),
        }
    )


def claim_diagnoses(ground: Ground, block: Block) -> Table:
    """The table `claim_diagnoses` of a block."""
    header = header_diagnoses(ground, block)
    return pa.table(
        {
            "beneficiary": worded(block.bill.beneficiary[header.row], beneficiary_texts(block.people)),
            "claim_id": claim_texts(block.number, block.bill.claim[header.row]),
            "position": pa.array(header.position.astype(np.int32)),
            "code": worded(header.code, header.codes),
        }
    )


def enrollment(region: Region, people: People) -> Table:
    """The table `enrollment`: a row a person and month with coverage."""
    months = np.arange(region.first_month, region.last_month + 1)
    who, place = np.nonzero((months >= people.cover_from[:, None]) & (months <= people.cover_to[:, None]))
    month = months[place]
    lapsed = (month >= people.lapse[who]) & (month < people.lapse[who] + people.lapse_months[who])
    return pa.table(
        {
            "beneficiary": worded(who, beneficiary_texts(people)),
            "month": dated(first_days(month)),
            "part_a": pa.array(np.ones(len(who), dtype=bool)),
            "part_b": pa.array(~lapsed),
            "part_c": pa.array((month >= people.part_c_from[who]) & (month <= people.part_c_to[who])),
            "part_d": pa.array((month >= people.part_d_from[who]) & (month <= people.part_d_to[who])),
            "esrd": pa.array(people.esrd[who]),
            "dual": pa.array(people.dual[who]),
            "disabled_origin": pa.array(people.disabled[who]),
            "institutional": pa.array(people.institutional[who]),
        }
    )


def residence(people: People) -> tuple[list[str], list[str]]:
    """County and ZIP of each person."""
    counties, zips = [], []
    for place, choice, abroad in zip(people.place, people.zip_choice, people.abroad, strict=True):
        county, codes, _ = PLACES[int(place)]
        counties.append(ABROAD[0] if abroad else county)
        zips.append(ABROAD[1] if abroad else codes[int(choice) % len(codes)])
    return counties, zips


def beneficiaries(people: People) -> Table:
    """The table `beneficiaries` of a block."""
    counties, zips = residence(people)
    alive = people.death >= NEVER
    return pa.table(
        {
            "beneficiary": pa.array(beneficiary_texts(people)),
            "birth_date": dated(people.birth, ~people.has_birth),
            "death_date": dated(np.where(alive, 0, people.death), alive),
            "sex": worded(np.where(people.female, 0, 1), ["female", "male"]),
            "county_fips": pa.array(counties),
            "zip": pa.array(zips),
        }
    )


def truth_key(cohort: str, tin: str, beneficiary: str, start: str) -> str:
    """The key of an expected episode, stable over runs and machines."""
    return stable_hash(cohort, tin, beneficiary, start)


def truth_tables(ground: Ground, block: Block) -> dict[str, Table]:
    """Expected episodes, attribution and episode costs of a block."""
    truth, region, practices = block.truth, ground.region, ground.practices
    names, tins = beneficiary_texts(block.people), practices.tin_texts()
    starts = truth.start.astype("datetime64[D]").astype(str)
    keys = [
        truth_key(COHORTS[int(cohort)], tins[int(tin)], names[int(who)], start)
        for cohort, tin, who, start in zip(truth.cohort, truth.tin, truth.beneficiary, starts, strict=True)
    ]
    reasons = [
        ""
        if not reason
        else region.lists.cohorts[int(cohort)].exclusions[int(rule)].name
        if REASONS[int(reason)] == "measure"
        else REASONS[int(reason)]
        for reason, rule, cohort in zip(truth.reason, truth.rule, truth.cohort, strict=True)
    ]
    scripts = [script.name for script in ground.planned]
    planned = [scripts[int(who)] if block.number == 0 and who < len(scripts) else "" for who in truth.beneficiary]
    held = np.bincount(truth.share_episode[truth.share_attributed], minlength=len(keys))
    episodes = pa.table(
        {
            "episode": pa.array(keys, type=pa.string()),
            "cohort": worded(truth.cohort, COHORTS),
            "beneficiary": worded(truth.beneficiary, names),
            "tin": worded(truth.tin, tins),
            "start_date": dated(truth.start),
            "end_date": dated(truth.end),
            "days": pa.array((truth.end - truth.start + 1).astype(np.int32)),
            "year": pa.array((months_of(truth.end) // 12 + 1970).astype(np.int32)),
            "excluded_reason": pa.array([reason or None for reason in reasons], type=pa.string()),
            "observed_cents": pa.array(truth.cents),
            "clinicians": pa.array(held.astype(np.int32)),
            "edge": pa.array([name or None for name in planned], type=pa.string()),
        }
    )
    attribution = pa.table(
        {
            "episode": worded(truth.share_episode, keys),
            "tin": worded(truth.tin[truth.share_episode], tins),
            "npi": worded(practices.pair_npi[truth.share_pair], practices.npi_texts()),
            "qualifying_lines": pa.array(truth.share_lines),
            "all_lines": pa.array(truth.share_all),
            "attributed": pa.array(truth.share_attributed),
        }
    )
    costs = pa.table(
        {
            "episode": worded(truth.cost_episode, keys),
            "category": worded(truth.cost_category, ground.catalogue.categories),
            "setting": worded(truth.cost_setting, SETTINGS),
            "lines": pa.array(truth.cost_lines),
            "cents": pa.array(truth.cost_cents),
        }
    )
    return {"episodes": episodes, "attribution": attribution, "episode_costs": costs}
