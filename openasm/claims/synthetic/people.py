"""The beneficiaries of one block: who they are, when they were enrolled, how sick they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openasm.claims.synthetic.practices import PLACES
from openasm.claims.synthetic.settings import BLOCK, Flags, Ints, Reals, Region, first_days, months_of

NEVER = 1 << 30
"""A day or month number later than any other."""

# Other conditions people have: ICD-10-CM code (all in CMS-HCC V24), share of people, effect on the use of care.
CONDITIONS: tuple[tuple[str, float, float], ...] = (
    ("E119", 0.20, 1.10),
    ("E1122", 0.09, 1.25),
    ("J449", 0.13, 1.30),
    ("N184", 0.04, 1.35),
    ("I4891", 0.12, 1.20),
    ("F330", 0.08, 1.15),
    ("C50911", 0.02, 1.40),
    ("M069", 0.03, 1.20),
    ("G309", 0.04, 1.15),
    ("D696", 0.03, 1.15),
)
EXTRA = 4
"""At most so many other conditions stand on one claim."""


@dataclass(frozen=True, slots=True)
class People:
    """Columns by beneficiary of the block; `first` is the region-wide number of the first.

    Days and months are numbers (settings). care_from, care_to: first and last day on which claims can fall; death: NEVER
    while alive; cover_from, cover_to: months with Part A and B; lapse: month without Part B or NEVER; lapse_months: how many;
    part_c_from, part_c_to and part_d_from, part_d_to: months; conditions (n, EXTRA): indexes into CONDITIONS or -1;
    frailty: multiplier on the use of care, caused by the conditions; stale: enrollment goes on after death by mistake.
    """

    first: int
    birth: Ints
    has_birth: Flags
    death: Ints
    female: Flags
    place: Ints
    abroad: Flags
    zip_choice: Ints
    esrd: Flags
    dual: Flags
    disabled: Flags
    institutional: Flags
    cover_from: Ints
    cover_to: Ints
    lapse: Ints
    lapse_months: Ints
    part_c_from: Ints
    part_c_to: Ints
    part_d_from: Ints
    part_d_to: Ints
    stale: Flags
    care_from: Ints
    care_to: Ints
    conditions: Ints
    frailty: Reals
    new_mbi: Ints

    def __len__(self) -> int:
        return len(self.birth)


def make_people(region: Region, block: int) -> People:
    """The beneficiaries of a block, from the region's seed and the block's number alone."""
    rng, knobs = region.generator(1, block), region.realism
    first = block * BLOCK
    count = min(BLOCK, region.beneficiaries - first)
    start, end = region.first_day, region.last_day

    def chance(share: float) -> Flags:
        return np.asarray(rng.random(count) < share)

    disabled = chance(knobs.under_65)
    child = chance(knobs.children)
    age_days = np.where(disabled, rng.integers(30 * 365, 65 * 365, count), rng.integers(65 * 365, 92 * 365, count))
    age_days = np.minimum(
        age_days, 65 * 365 + np.asarray(rng.gamma(2.2, 4.6 * 365, count), dtype=np.int64) + 400 * disabled
    )
    age_days = np.where(child, rng.integers(10 * 365, 18 * 365, count), age_days)
    birth = start - age_days
    conditions, frailty = _conditions(rng, count)
    days = end - start + 1
    death = np.where(
        rng.random(count) < np.minimum(0.6, knobs.died * frailty / 1.3), start + rng.integers(0, days, count), NEVER
    )
    months = region.last_month - region.first_month + 1
    kind = rng.random(count)
    later, before, late = (
        kind < knobs.part_c_later,
        (kind >= knobs.part_c_later) & (kind < knobs.part_c_later + knobs.part_c_before),
        kind > 1 - knobs.enrolled_later,
    )
    turn = region.first_month + rng.integers(1, max(2, months), count)
    cover_from = np.where(late, turn, region.first_month)
    part_c_from = np.where(later, turn, np.where(before, region.first_month, NEVER))
    part_c_to = np.where(later, region.last_month, np.where(before, np.minimum(turn, region.last_month), -1))
    stale = chance(0.5)
    death_month = np.where(death < NEVER, months_of(np.minimum(death, end)), region.last_month)
    cover_to = np.where(stale, region.last_month, np.minimum(death_month, region.last_month))
    care_from = np.where(late, first_days(cover_from), start)
    care_from = np.where(before, first_days(part_c_to + 1), care_from)
    care_to = np.minimum(np.where(later, first_days(np.minimum(part_c_from, region.last_month + 1)) - 1, end), death)
    drug = rng.random(count)
    partly = (drug >= knobs.part_d_always) & (drug < knobs.part_d_always + knobs.part_d_partly)
    part_d_from = np.where(
        drug < knobs.part_d_always,
        region.first_month,
        np.where(partly, region.first_month + rng.integers(1, max(2, months), count), NEVER),
    )
    lapse = np.where(chance(knobs.part_b_lapse), region.first_month + rng.integers(0, months, count), NEVER)
    weights = np.array([share for _, _, share in PLACES])
    return People(
        first=first,
        birth=birth,
        has_birth=~chance(knobs.no_birth_date),
        death=death,
        female=chance(0.55),
        place=rng.choice(len(PLACES), size=count, p=weights / weights.sum()),
        abroad=chance(knobs.abroad),
        zip_choice=rng.integers(0, 6, count),
        esrd=chance(knobs.esrd) | child,
        dual=chance(knobs.dual) | (disabled & chance(0.3)),
        disabled=disabled | chance(0.06),
        institutional=chance(knobs.institutional),
        cover_from=cover_from,
        cover_to=cover_to,
        lapse=lapse,
        lapse_months=rng.integers(1, 4, count),
        part_c_from=part_c_from,
        part_c_to=part_c_to,
        part_d_from=part_d_from,
        part_d_to=np.where(part_d_from < NEVER, cover_to, -1),
        stale=stale,
        care_from=care_from,
        care_to=care_to,
        conditions=conditions,
        frailty=frailty,
        new_mbi=np.where(chance(knobs.new_mbi), start + rng.integers(30, max(31, days - 30), count), -1),
    )


def _conditions(rng: np.random.Generator, count: int) -> tuple[Ints, Reals]:
    """Each person's other conditions, packed to the left, and the frailty they cause."""
    shares = np.array([share for _, share, _ in CONDITIONS])
    effects = np.log(np.array([effect for _, _, effect in CONDITIONS]))
    has = rng.random((count, len(CONDITIONS))) < shares
    frailty = np.exp(has @ effects) * np.exp(rng.normal(-0.08, 0.4, count))
    rank = np.cumsum(has, axis=1)
    packed = np.full((count, EXTRA), -1, dtype=np.int64)
    rows, columns = np.nonzero(has & (rank <= EXTRA))
    packed[rows, rank[rows, columns] - 1] = columns
    return packed, np.asarray(frailty)
