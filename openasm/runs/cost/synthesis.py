"""A synthetic region for the codes lists in use: workbooks in, the generator's code lists out, the region written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from openasm.base.problems import Problem, Problems, declare
from openasm.claims.synthetic.block import Ground
from openasm.claims.synthetic.codelists import COHORTS, CodeLists, CohortLists, ExclusionRule, ServiceRule
from openasm.claims.synthetic.generate import Progress, write_region
from openasm.claims.synthetic.settings import Region
from openasm.episodes.specifications.codes_list import WHOLE_EPISODE
from openasm.episodes.specifications.construction import Construction, construction_for, demonstration_workbook
from openasm.episodes.specifications.lists import CodeKind, CodesList, Condition, load_codes_list
from openasm.quality.demonstration import write_demo_patients, write_demo_value_sets

WINDOWS_UNPLANNED = declare(
    "G002",
    "the codes list assigns services of a part of the episode; the truth of synthetic claims is planned for whole episodes only",
    expected="service rules whose window is the episode",
    next_step="Make the region with a list without windows; `openasm episodes` reads lists that have them.",
)


def synthetic_region(
    seed: int,
    folder: Path,
    *,
    participants: int,
    beneficiaries: int = 0,
    years: tuple[int, int] = (2025, 2027),
    formats: Sequence[str] = ("tables",),
    workbooks: Mapping[str, Path] | None = None,
    overlays: Iterable[Path] = (),
    processes: int = 1,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], list[Problem]]:
    """Make a region whose truth holds for the given workbooks; returns its manifest and what the workbooks warn of.

    workbooks: by cohort; the demonstration workbook stands in where none is given. beneficiaries: 0 for as many as the
    participants care for. Raises InputRefused for a bad workbook, WrongUsage for sizes or a folder that will not do.
    """
    problems = Problems()
    lists = code_lists_of(workbooks or {}, year=years[1], overlays=tuple(overlays), problems=problems)
    region = Region(
        seed=seed,
        participants=participants,
        beneficiaries=beneficiaries,
        first_year=years[0],
        last_year=years[1],
        lists=lists,
    )
    manifest = write_region(
        region, folder, formats=formats, processes=processes, progress=progress, also={"fhir": _write_records}
    )
    return manifest, problems.warnings


MOST_RECORDS = 1_000
"""Made-up patients written as clinical records at most; they are other people than those of the claims."""


def _write_records(ground: Ground, folder: Path) -> dict[str, int]:
    """Clinical records (a FHIR Bundle a line) and made-up value sets for the quality measures."""
    region, practices = ground.region, ground.practices
    npis = practices.npi_texts()
    hearts = np.unique(practices.pair_npi[practices.pair_cohort == 0]).tolist()
    count = min(region.beneficiaries, MOST_RECORDS)
    write_demo_patients(folder, region.seed, count, region.last_year, performers=[npis[number] for number in hearts])
    (folder / "value-sets").mkdir()
    return {"fhir/patients": count, "fhir/value-sets": write_demo_value_sets(folder / "value-sets")}


def code_lists_of(
    workbooks: Mapping[str, Path], *, year: int, overlays: Sequence[Path], problems: Problems
) -> CodeLists:
    """The generator's code lists from the workbooks and constants in use."""
    made, sources = [], []
    for cohort in COHORTS:
        construction = construction_for(cohort, year, overlays=overlays)
        path = workbooks.get(cohort, demonstration_workbook(cohort))
        sources.append(path.name)
        codes = load_codes_list(path, construction, problems)
        windowed = sum(rule.window != WHOLE_EPISODE for rule in codes.service_rules)
        if windowed:
            problems.add(
                WINDOWS_UNPLANNED,
                path.name,
                found=f"a window on {windowed:,} of {len(codes.service_rules):,} rules",
                count=windowed,
            )
        made.append(cohort_lists(codes, construction))
    problems.refuse_errors()
    return CodeLists(made[0], made[1], source=", ".join(sources))


def cohort_lists(codes: CodesList, construction: Construction) -> CohortLists:
    """One cohort's lists for the generator."""
    return CohortLists(
        cohort=construction.cohort,
        confirm_days=construction.confirm_days,
        window_days=construction.window_days,
        episode_days=construction.episode_days,
        minimum_days=construction.minimum_episode_days,
        minimum_age=construction.minimum_age,
        lookback_days=construction.lookback_days,
        share_numerator=construction.npi_share.numerator,
        share_denominator=construction.npi_share.denominator,
        prior_days=construction.prior_care_days,
        trigger_services=tuple(code for code, role in codes.triggers.items() if role.trigger),
        confirming_services=tuple(code for code, role in codes.triggers.items() if role.confirming),
        trigger_diagnoses=tuple(sorted(codes.trigger_diagnoses)),
        service_rules=tuple(
            ServiceRule(
                settings=rule.settings,
                code_type=rule.kind.value,
                code=rule.code,
                category=rule.category,
                begins=rule.condition.category,
                listed=rule.condition.listed,
                barred=" ".join(rule.condition.barred),
            )
            for rule in codes.service_rules
        ),
        exclusions=tuple(
            _exclusion(condition)
            for name in codes.exclusions
            for condition in codes.exclusion_conditions
            if condition.name == name
        ),
    )


def _exclusion(condition: Condition) -> ExclusionRule:
    return ExclusionRule(
        name=condition.name,
        diagnoses=tuple(code for kind, code in condition.codes if kind is CodeKind.DIAGNOSIS),
        services=tuple(code for kind, code in condition.codes if kind is not CodeKind.DIAGNOSIS),
        primary=condition.first_position,
        days_before=condition.days_before,
        settings=condition.settings,
    )
