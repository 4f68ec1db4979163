"""Line templates: every kind of line the region bills, with what it is to each cohort decided once, when it is made.

A template fixes setting, code, diagnoses and price. Because the plan places templates, never loose codes, it knows of every
line whether it qualifies and which category takes it without looking at a claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from openasm.claims.synthetic.codelists import COHORTS, CodeLists, CohortLists, ExclusionRule, ServiceRule
from openasm.claims.synthetic.people import CONDITIONS
from openasm.claims.synthetic.settings import Ints

HEADER = 6
"""Most diagnoses a template itself brings to its claim's header."""

LAYOUTS = ("first", "second", "line only", "fifth", "twice")
"""Where a visit's trigger diagnosis stands: first in the header, second, on the line alone, fifth, or doubled."""

_OTHER = ("Z0000", "R079", "I10", "E785", "J069", "K219", "N390", "H2513", "L570", "R5383")
"""Diagnoses of care that belongs to neither cohort."""


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of line. cents: median price; spread: sigma of its logarithm; header: diagnoses it brings to the claim."""

    setting: str
    code: str
    code_type: str
    line_diagnosis: str
    header: tuple[str, ...]
    cents: int
    spread: float = 0.25
    place: str = ""
    revenue_center: str = ""


@dataclass
class Catalogue:
    """All templates, and pools of them by purpose (numbers of templates).

    category[cohort]: number of the category that takes the line or -1; categories: their names.
    """

    lists: CodeLists
    templates: list[Template] = field(default_factory=list)
    pools: dict[str, Ints] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    category: tuple[Ints, Ints] = field(init=False)
    _rules: tuple[dict[str, list[tuple[int, ServiceRule]]], ...] = field(init=False)

    def __post_init__(self) -> None:
        made = []
        for lists in self.lists.cohorts:
            index: dict[str, list[tuple[int, ServiceRule]]] = {}
            for place, rule in enumerate(lists.service_rules):
                index.setdefault(rule.code, []).append((place, rule))
            made.append(index)
        self._rules = tuple(made)

    def add(self, pool: str, templates: Sequence[Template]) -> None:
        """Add templates under a pool's name, but none that would bring about an exclusion; an empty pool stays empty."""
        if "/exclusion/" not in pool:
            templates = [template for template in templates if not self.excluded_by(template)]
        first = len(self.templates)
        self.templates.extend(templates)
        new = np.arange(first, len(self.templates), dtype=np.int64)
        self.pools[pool] = np.concatenate([self.pools[pool], new]) if pool in self.pools else new

    def excluded_by(self, template: Template) -> list[tuple[int, int]]:
        """The exclusion rules, as cohort and number, that a claim of this line meets."""
        carried = list(dict.fromkeys([*template.header, template.line_diagnosis]))
        codes = (template.code, template.revenue_center)
        return [
            (cohort, number)
            for cohort, lists in enumerate(self.lists.cohorts)
            for number, rule in enumerate(lists.exclusions)
            if rule.met_by(setting=template.setting, codes=codes, diagnoses=carried)
        ]

    def category_of(
        self, cohort: int, *, setting: str, code: str, code_type: str, diagnoses: Sequence[str]
    ) -> str | None:
        """The category of the first rule, in the order of the list, that takes such a line; None when none does."""
        index = self._rules[cohort]
        about = index.get(code, []) + (index.get("", []) if code else [])
        for _, rule in sorted(about, key=lambda pair: pair[0]):
            if (not rule.code or rule.code_type == code_type) and rule.takes(
                setting=setting, code=code, diagnoses=diagnoses
            ):
                return rule.category
        return None

    def close(self) -> None:
        """Decide for every template which category of each cohort takes it."""
        numbers: dict[str, int] = {}
        both = []
        for cohort in range(len(COHORTS)):
            found = np.full(len(self.templates), -1, dtype=np.int64)
            for number, template in enumerate(self.templates):
                category = self.category_of(
                    cohort,
                    setting=template.setting,
                    code=template.code,
                    code_type=template.code_type,
                    diagnoses=[*template.header, *([template.line_diagnosis] if template.line_diagnosis else [])],
                )
                if category is not None:
                    found[number] = numbers.setdefault(category, len(numbers))
            both.append(found)
        self.category = (both[0], both[1])
        self.categories = list(numbers)


def make_catalogue(lists: CodeLists) -> Catalogue:
    """Every template of a region made for these lists; no randomness."""
    catalogue = Catalogue(lists)
    named = tuple({prefix for cohort in lists.cohorts for prefix in cohort.named_diagnoses()})
    plain = [code for code in _OTHER if not any(code.startswith(p) or p.startswith(code) for p in named)] or ["Z0000"]
    ruled = lists.heart_failure.ruled_codes() | lists.low_back_pain.ruled_codes()
    for cohort, other in ((0, 1), (1, 0)):
        _visits(catalogue, lists.cohorts[cohort], lists.cohorts[other], plain, ruled)
        _services(catalogue, lists.cohorts[cohort], lists.cohorts[other])
    _background(catalogue, plain, ruled, lists)
    catalogue.close()
    return catalogue


def usable_conditions(lists: CodeLists) -> list[bool]:
    """Which of CONDITIONS mean nothing to either cohort and may stand on any claim."""
    named = tuple({prefix for cohort in lists.cohorts for prefix in cohort.named_diagnoses()})
    return [not any(code.startswith(p) or p.startswith(code) for p in named) for code, _, _ in CONDITIONS]


def trigger_diagnoses(mine: CohortLists, other: CohortLists, most: int = 12) -> list[str]:
    """Trigger diagnoses safe to use everywhere: no exclusion names them and they say nothing to the other cohort."""
    foreign = tuple(other.named_diagnoses())
    safe = [code for code in mine.safe_diagnoses() if not (foreign and code.startswith(foreign))]
    return _spread(safe, most)


def _spread(codes: Sequence[str], most: int) -> list[str]:
    """At most so many of the codes, evenly over the list."""
    if len(codes) <= most:
        return list(codes)
    return [codes[index * len(codes) // most] for index in range(most)]


def _visits(
    catalogue: Catalogue, mine: CohortLists, other: CohortLists, plain: Sequence[str], ruled: frozenset[str]
) -> None:
    """Visits that trigger, confirm or both, with the trigger diagnosis in every layout.

    Layouts that would leave open which diagnosis the service assignment looks at are made with codes no rule names.
    """
    diagnoses = trigger_diagnoses(mine, other)
    taken = _first_taken(mine)
    trigger, confirming = set(mine.trigger_services), set(mine.confirming_services)
    roles = {
        "both": [code for code in mine.trigger_services if code in confirming],
        "trigger": [code for code in mine.trigger_services if code not in confirming],
        "confirm": [code for code in mine.confirming_services if code not in trigger],
    }
    for role, codes in roles.items():
        for code in _spread(codes, 24):
            for rank, diagnosis in enumerate(diagnoses):
                pool = f"{mine.cohort}/{role}"
                base = 6_000 + 2_500 * (sum(map(ord, code)) % 7)
                place = "31" if role == "confirm" else "11"
                clear = code not in ruled and "" not in ruled
                for layout, header, line in _layouts(diagnosis, plain[rank % len(plain)]):
                    if layout in ("first", "twice") or clear:
                        template = Template("professional", code, "hcpcs", line, header, base, place=place)
                        catalogue.add(f"{pool}/{layout}", [template])
                        if (code, diagnosis[:3]) in taken and layout == "first":
                            catalogue.add(f"{pool}/taken", [template])


def _first_taken(mine: CohortLists) -> set[tuple[str, str]]:
    """Pairs of a service code and a three-character category that some professional rule includes."""
    return {
        (rule.code, prefix[:3])
        for rule in mine.service_rules
        if "professional" in rule.settings
        for prefix in (rule.begins or rule.listed,)
    }


def _layouts(diagnosis: str, other: str) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        ("first", (diagnosis,), diagnosis),
        ("second", (other, diagnosis), other),
        ("line only", (other,), diagnosis),
        ("fifth", (other, "I10" if other != "I10" else "E785", "R5383", "K219", diagnosis), other),
        ("twice", (diagnosis, diagnosis), diagnosis),
    ]


# Settings of rules and the price of one line when nothing better is known: cents and spread.
_PRICES: dict[str, tuple[int, float]] = {
    "professional": (9_500, 0.35),
    "dme": (11_000, 0.5),
    "outpatient": (42_000, 0.6),
    "inpatient": (1_150_000, 0.35),
    "snf": (980_000, 0.5),
    "home_health": (260_000, 0.4),
    "hospice": (520_000, 0.4),
    "drug": (6_500, 0.9),
}
_PLACE_OF_SERVICE = {"professional": "11", "dme": "12"}
_REVENUE_CENTER = {"outpatient": "0450"}


def _services(catalogue: Catalogue, mine: CohortLists, other: CohortLists) -> None:
    """Services the rules take, by setting, and their look-alikes that no rule takes (`/beside`)."""
    cohort = catalogue.lists.cohorts.index(mine)
    safe = trigger_diagnoses(mine, other, most=200)
    excluded = {code for rule in mine.exclusions for code in rule.diagnoses}
    qualifying = {
        *mine.trigger_services,
        *mine.confirming_services,
        *other.trigger_services,
        *other.confirming_services,
    }
    per_setting: dict[str, int] = {}
    for rule in mine.service_rules:
        setting = rule.settings[0]
        if per_setting.get(setting, 0) >= 60 or (setting in ("professional", "dme") and rule.code in ("", *qualifying)):
            continue
        forbidden = excluded if setting in _exclusion_settings(mine) else set()
        for diagnosis in _rule_diagnoses(rule, safe, forbidden)[: 1 if setting == "drug" else 3]:
            header = () if setting == "drug" else (diagnosis,)
            line = diagnosis if setting in ("professional", "dme") else ""
            taken = catalogue.category_of(
                cohort, setting=setting, code=rule.code, code_type=rule.code_type, diagnoses=[diagnosis]
            )
            if taken is not None:
                per_setting[setting] = per_setting.get(setting, 0) + 1
                catalogue.add(f"{mine.cohort}/{setting}", [_line(setting, rule.code, rule.code_type, line, header)])
    # Care of the pathway that the lists leave out: it costs, but no episode.
    for setting, codes in _PATHWAY[mine.cohort].items():
        kind = "drg" if setting == "inpatient" else "ndc" if setting == "drug" else "hcpcs"
        lines = [
            _line(
                setting,
                code,
                kind,
                safe[0] if setting in ("professional", "dme") else "",
                () if setting == "drug" else (safe[0],),
            )
            for code in codes
            if code not in qualifying
        ]
        catalogue.add(f"{mine.cohort}/{setting}/beside", lines)
    for number, excluding in enumerate(mine.exclusions):
        _exclusion(catalogue, mine, number, excluding)


def _exclusion(catalogue: Catalogue, mine: CohortLists, number: int, rule: ExclusionRule) -> None:
    """The claim that brings about one exclusion and no other; left out where a single line cannot."""
    setting = "professional" if rule.services and "professional" in rule.settings else rule.settings[0]
    neutral = {"inpatient": "999", "professional": "G0463", "dme": "E0601", "drug": "00000000999"}.get(setting, "G0463")
    code = rule.services[0] if rule.services else neutral
    kind = {3: "drg", 11: "ndc"}.get(len(code), "hcpcs")
    line = rule.diagnoses[0] if rule.diagnoses and setting in ("professional", "dme") else ""
    template = _line(setting, code, kind, line, rule.diagnoses[:HEADER])
    if catalogue.excluded_by(template) == [(catalogue.lists.cohorts.index(mine), number)]:
        catalogue.add(f"{mine.cohort}/exclusion/{number}", [template])


def _exclusion_settings(mine: CohortLists) -> set[str]:
    return {setting for rule in mine.exclusions for setting in rule.settings}


def _rule_diagnoses(rule: ServiceRule, safe: Sequence[str], forbidden: set[str]) -> list[str]:
    """Diagnoses with which the rule takes its service and no exclusion begins."""
    found = [code for code in safe if rule.is_free or rule.fits(code)]
    return found or ([rule.listed] if rule.listed and rule.listed not in forbidden and rule.fits(rule.listed) else [])


def _line(setting: str, code: str, kind: str, line_diagnosis: str, header: tuple[str, ...]) -> Template:
    cents, spread = _PRICES[setting]
    return Template(
        setting,
        code,
        kind,
        line_diagnosis,
        header,
        cents,
        spread,
        _PLACE_OF_SERVICE.get(setting, ""),
        _REVENUE_CENTER.get(setting, ""),
    )


# What the two pathways use besides what the lists name: HCPCS level II, DRGs and made-up drug codes.
_PATHWAY: dict[str, dict[str, tuple[str, ...]]] = {
    "heart_failure": {
        "professional": ("G0399", "G0422", "C8929", "J1940"),
        "outpatient": ("C8929", "G0378", "G0422"),
        "inpatient": ("226", "280", "308"),
        "snf": ("",),
        "home_health": ("G0299",),
        "hospice": ("Q5001",),
        "dme": ("E1390", "E0431"),
        "drug": ("00000000101", "00000000102"),
    },
    "low_back_pain": {
        "professional": ("G0283", "C8931", "G0260", "J1040"),
        "outpatient": ("C8931", "G0260", "C1767"),
        "inpatient": ("459", "460", "519"),
        "snf": ("",),
        "home_health": ("G0151",),
        "hospice": ("Q5001",),
        "dme": ("L0631", "E0730"),
        "drug": ("00000000201", "00000000202"),
    },
}

_BACKGROUND: dict[str, tuple[tuple[str, str, int, float], ...]] = {
    # pool: (code, kind, median cents, spread)
    "office": (("99213", "hcpcs", 9_200, 0.2), ("99214", "hcpcs", 13_000, 0.2), ("G0439", "hcpcs", 12_500, 0.2)),
    "ancillary": (("G0008", "hcpcs", 3_000, 0.2), ("J3420", "hcpcs", 900, 0.6), ("G0444", "hcpcs", 1_800, 0.3)),
    "laboratory": (("G0103", "hcpcs", 1_900, 0.4), ("P9612", "hcpcs", 300, 0.3), ("G0306", "hcpcs", 1_100, 0.4)),
    "imaging": (("G0202", "hcpcs", 13_500, 0.3), ("C8900", "hcpcs", 21_000, 0.4)),
    "outpatient": (("G0463", "hcpcs", 11_500, 0.4), ("G0378", "hcpcs", 28_000, 0.8), ("J3490", "hcpcs", 7_000, 1.0)),
    "dme": (("E0601", "hcpcs", 6_000, 0.6), ("A4253", "hcpcs", 1_500, 0.6), ("K0001", "hcpcs", 4_200, 0.6)),
    "inpatient": (("194", "drg", 980_000, 0.4), ("470", "drg", 1_420_000, 0.3), ("871", "drg", 1_510_000, 0.5)),
    "snf": (("", "hcpcs", 980_000, 0.5),),
    "home_health": (("G0299", "hcpcs", 260_000, 0.4),),
    "hospice": (("Q5001", "hcpcs", 520_000, 0.4),),
    "drug": (("00000000301", "ndc", 1_600, 1.0), ("00000000302", "ndc", 4_800, 1.1), ("00000000303", "ndc", 900, 0.7)),
}
_BACKGROUND_SETTING = {
    "office": "professional",
    "ancillary": "professional",
    "laboratory": "professional",
    "imaging": "professional",
}


def _background(catalogue: Catalogue, plain: Sequence[str], ruled: frozenset[str], lists: CodeLists) -> None:
    """Care that has to do with neither cohort, including the rules' own codes with other diagnoses."""
    qualifying = {code for each in lists.cohorts for code in (*each.trigger_services, *each.confirming_services)}
    qualifying |= {code for each in lists.cohorts for rule in each.exclusions for code in rule.services}
    for pool, rows in _BACKGROUND.items():
        setting = _BACKGROUND_SETTING.get(pool, pool)
        templates = []
        for code, kind, cents, spread in rows:
            if pool == "ancillary" and (code in qualifying or not ruled.isdisjoint({code, ""})):
                continue  # these stand on the claims of visits, beside the trigger diagnosis
            for diagnosis in plain if setting not in ("drug",) else [""]:
                line = diagnosis if setting in ("professional", "dme") else ""
                header = (diagnosis,) if diagnosis else ()
                place = {"laboratory": "81", "imaging": "22", "dme": "12"}.get(pool, "11" if line else "")
                revenue = {"outpatient": "0510"}.get(setting, "")
                template = Template(setting, code, kind, line, header, cents, spread, place, revenue)
                if not _taken_by_any(template, catalogue):
                    templates.append(template)
        catalogue.add(f"background/{pool}", templates)


def _taken_by_any(template: Template, catalogue: Catalogue) -> bool:
    return any(
        catalogue.category_of(
            cohort,
            setting=template.setting,
            code=template.code,
            code_type=template.code_type,
            diagnoses=list(template.header),
        )
        is not None
        for cohort in range(len(COHORTS))
    )


__all__ = ["COHORTS", "Catalogue", "Template", "make_catalogue", "trigger_diagnoses", "usable_conditions"]
