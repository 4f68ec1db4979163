"""The bill of a block: claims and their lines as plain columns, collected part by part."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from openasm.claims.synthetic.practices import Practices
from openasm.claims.synthetic.settings import Flags, Ints, Reals
from openasm.claims.synthetic.templates import Catalogue

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines of a block, ordered by beneficiary, claim and line. Money in cents, days as numbers.

    claim: number of the claim in the block; template: kind of line; pair: who billed it or NOBODY; tin: number of the TIN or
    NOBODY; specialty: True where the clinician's second specialty code stands; site: number of the ZIP or NOBODY; extra: how
    many of the person's other conditions stand on the claim; visit: number of the planned visit or -1.
    """

    beneficiary: Ints
    claim: Ints
    line: Ints
    template: Ints
    from_day: Ints
    thru_day: Ints
    pair: Ints
    tin: Ints
    specialty: Flags
    site: Ints
    extra: Ints
    allowed: Ints
    paid: Ints
    visit: Ints

    def __len__(self) -> int:
        return len(self.beneficiary)


@dataclass
class Ledger:
    """Collects claims while a block is made; `close` gives the bill."""

    catalogue: Catalogue
    practices: Practices
    rng: np.random.Generator
    claims: int = 0
    _parts: dict[str, list[Ints]] = field(default_factory=dict)
    _prices: Reals = field(init=False)
    _spreads: Reals = field(init=False)
    _setting: list[str] = field(init=False)

    def __post_init__(self) -> None:
        templates = self.catalogue.templates
        self._prices = np.log(np.array([template.cents for template in templates], dtype=np.float64))
        self._spreads = np.array([template.spread for template in templates])
        self._setting = [template.setting for template in templates]

    def add(
        self,
        beneficiary: Ints,
        day: Ints,
        template: Ints,
        *,
        pair: Ints | None = None,
        thru: Ints | None = None,
        with_tin: Flags | None = None,
        visit: Ints | None = None,
        tin: Ints | None = None,
        scale: Reals | None = None,
        lines: Ints | None = None,
        pool: Ints | None = None,
    ) -> Ints:
        """One claim a row; returns the claims' numbers.

        pair: who billed (NOBODY where nobody is named); tin: the TIN where `pair` does not say it; with_tin: False leaves the
        TIN out; scale: multiplies the price; lines: lines a claim, those after the first drawn from `pool`, or, without one, small
        parts of the same service.
        """
        count = len(beneficiary)
        number = self.claims + np.arange(count, dtype=np.int64)
        self.claims += count
        who = np.full(count, NOBODY, dtype=np.int64) if pair is None else pair
        under = np.where(who >= 0, self.practices.pair_tin[who], NOBODY) if tin is None else tin
        if with_tin is not None:
            under = np.where(with_tin, under, NOBODY)
        extra = np.minimum(4, self.rng.geometric(0.45, count) - 1)
        columns: dict[str, Ints] = {
            "beneficiary": beneficiary,
            "claim": number,
            "line": np.ones(count, dtype=np.int64),
            "template": template,
            "from_day": day,
            "thru_day": day if thru is None else thru,
            "pair": who,
            "tin": under,
            "extra": extra,
            "visit": np.full(count, -1, dtype=np.int64) if visit is None else visit,
            "log_scale": np.zeros(count, dtype=np.int64) if scale is None else (np.log(scale) * 1e6).astype(np.int64),
        }
        self._store(columns)
        if lines is not None and (pool is None or len(pool)):
            again = np.repeat(np.arange(count), np.maximum(lines - 1, 0))
            if len(again):
                further = {name: column[again] for name, column in columns.items()}
                first = np.cumsum(np.maximum(lines - 1, 0)) - np.maximum(lines - 1, 0)
                further["line"] = 2 + np.arange(len(again)) - first[again]
                if pool is None:
                    further["log_scale"] = further["log_scale"] - 3_000_000
                else:
                    further["template"] = pool[self.rng.integers(0, len(pool), len(again))]
                further["visit"] = np.full(len(again), -1, dtype=np.int64)
                self._store(further)
        return number

    def _store(self, columns: dict[str, Ints]) -> None:
        for name, column in columns.items():
            self._parts.setdefault(name, []).append(np.asarray(column, dtype=np.int64))

    def close(self) -> Bill:
        """Price every line and put the lines in order."""
        columns = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        # One sortable key: block sizes keep it far below 2^63.
        order = np.argsort((columns["beneficiary"] * self.claims + columns["claim"]) * 64 + columns["line"])
        columns = {name: column[order] for name, column in columns.items()}
        template, count = columns["template"], len(order)
        allowed, paid = self._money(template, columns["log_scale"], count)
        pair, tin = columns["pair"], columns["tin"]
        split = np.array(
            [a != b for a, b in zip(self.practices.pair_specialty, self.practices.pair_second, strict=True)], dtype=bool
        )
        site = np.where(tin >= 0, self.practices.tin_sites[np.maximum(tin, 0), columns["claim"] % 3], NOBODY)
        return Bill(
            beneficiary=columns["beneficiary"],
            claim=columns["claim"],
            line=columns["line"],
            template=template,
            from_day=columns["from_day"],
            thru_day=columns["thru_day"],
            pair=pair,
            tin=tin,
            specialty=split[np.maximum(pair, 0)] & (pair >= 0) & (self.rng.random(self.claims)[columns["claim"]] < 0.4),
            site=site,
            extra=columns["extra"],
            allowed=allowed,
            paid=paid,
            visit=columns["visit"],
        )

    def _money(self, template: Ints, log_scale: Ints, count: int) -> tuple[Ints, Ints]:
        """Allowed and paid cents: lognormal prices, Medicare's share by setting, deductibles, a few lines at zero."""
        rng = self.rng
        price = np.exp(self._prices[template] + self._spreads[template] * rng.standard_normal(count) + log_scale / 1e6)
        allowed = np.floor(price).astype(np.int64)
        allowed[rng.random(count) < 0.004] = 0
        share = np.array([_PAID_SHARE[setting] for setting in self._setting], dtype=np.int64)[template]
        paid = allowed * share // 100
        deductible = np.array([setting == "inpatient" for setting in self._setting], dtype=bool)[template]
        paid = np.where(deductible, np.maximum(0, allowed - 167_600), paid)
        paid = np.where((share == 80) & (rng.random(count) < 0.03), 0, paid)  # the year's deductible took it all
        return allowed, paid


_PAID_SHARE = {
    "professional": 80,
    "dme": 80,
    "outpatient": 80,
    "inpatient": 100,
    "snf": 100,
    "home_health": 100,
    "hospice": 100,
    "drug": 75,
}
"""Medicare's or the plan's percentage of the allowed amount (42 CFR 410.152 for Part B; the drug share is made up)."""
