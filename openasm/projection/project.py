"""From a run to its projection: who is asked for, the simulation, the levers, and what it all rests on.

projection = project(read_run(Path("run")), Request(draws=2000, tin="001234567"))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from openasm import __version__
from openasm.archive.projection import (
    FORMAT,
    FORMAT_VERSION,
    Alternative,
    AlternativeEffect,
    Assumption,
    CohortProjection,
    Lever,
    ParticipantProjection,
    PracticeProjection,
    Projection,
    Spread,
)
from openasm.archive.run import Run
from openasm.base.errors import NotFound
from openasm.base.parameters import Evidence, Parameter, Rules, plain_value, value_from_plain
from openasm.base.years import payment_year
from openasm.projection.levers import LeverDraws, pull_levers
from openasm.projection.outcome import cohort_projection, histogram_of, share_above, share_below, spread_of, spreads_of
from openasm.projection.scenario import NEXT_YEAR, OWN, PUBLISHED, Scenario, assumptions_for, value_text
from openasm.projection.sensitivity import ChangedScenario, alternatives
from openasm.projection.simulate import CohortDraws, CohortModel, cohort_model, simulate
from openasm.projection.standing import Numbers, Places, Standing, standings_of
from openasm.regulation import cost, final_score, improvement, interoperability, payment, quality
from openasm.regulation.rulebook import rules_for

DETAILED = 200  # up to so many participants get histograms, levers and alternatives
LEVER_DRAWS = 1000
SENSITIVITY_DRAWS = 200
RULES_USED = frozenset(
    (
        *quality.PARAMETERS,
        *cost.PARAMETERS,
        *improvement.PARAMETERS,
        *interoperability.PARAMETERS,
        *final_score.PARAMETERS,
        *payment.PARAMETERS,
    )
)
COLLECTION_NAMES = {"ecqm": "eCQM", "cqm": "CQM", "claims": "claims"}
COHORT_NAMES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. tin, npi: None takes everybody of the run; tins: everybody of these practices; peers: `published`, `own`, or None to choose.

    year: None takes the run's performance year; assume_year: where the year has no published value, take this year's.
    """

    draws: int = 2000
    seed: int = 2027
    tin: str | None = None
    npi: str | None = None
    peers: str | None = None
    own_error: str = NEXT_YEAR
    year: int | None = None
    assume_year: int | None = None
    assumptions: tuple[Path, ...] = ()
    tins: tuple[str, ...] = ()


def project(run: Run, request: Request, *, threads: int | None = None) -> Projection:
    """The projection of the participants asked for.

    Raises NotFound when they are not in the run, RuleUnpublished for a year without values, WrongUsage when published peers
    leave no room, InputRefused for a damaged run or an unusable file of assumptions.
    """
    rules = rules_of(run, year=request.year, assume_year=request.assume_year)
    asked = _asked(standings_of(run, rules), request)
    if not asked:
        raise NotFound(_not_found(request))
    assumptions = assumptions_for(rules.year, overlays=request.assumptions)
    peers = request.peers or _fitting_peers(asked, assumptions)
    scenario = Scenario(rules, assumptions, peers, request.own_error, request.draws, request.seed)
    detailed = sum(len(places) for _, places in asked) <= DETAILED
    parts = [_cohort(standing, places, scenario, detailed=detailed, threads=threads) for standing, places in asked]
    changed = alternatives(scenario) if detailed else ()
    participants = tuple(each for part in parts for each in part.participants)
    if detailed:
        participants = _with_alternatives(participants, asked, parts, changed, scenario, threads)
    return Projection(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        program_version=__version__,
        performance_year=rules.year,
        payment_year=payment_year(rules.year),
        assumed_from_year=max(
            (each.assumed_from_year for each in rules if each.assumed_from_year is not None), default=None
        ),
        peers=peers,
        own_error=request.own_error,
        draws=request.draws,
        sensitivity_draws=min(request.draws, SENSITIVITY_DRAWS) if detailed else 0,
        seed=request.seed,
        cohorts=tuple(part.cohort for part in parts),
        practices=_practices(parts, detailed=detailed),
        participants=participants,
        alternatives=tuple(
            Alternative(each.key, each.parameter, each.title, each.base, each.changed, each.status) for each in changed
        ),
        assumptions=tuple(_assumption(each) for each in assumptions),
        unconfirmed_rules=tuple(_assumption(each) for each in rules.unconfirmed if each.name in RULES_USED),
        notes=_notes(run, scenario, parts),
    )


def rules_of(run: Run, *, year: int | None = None, assume_year: int | None = None) -> Rules:
    """The rule values a run was scored with, or those of another year with the run's own values laid over them.

    Values the user put in place of the packaged ones stay the user's.
    """
    borrowed = next((each.assumed_from_year for each in run.parameters.values() if each.assumed_from_year), None)
    rules = rules_for(year or run.year, assume_year=assume_year or borrowed)
    values = dict(rules.parameters)
    for name, used in run.parameters.items():
        parameter = values.get(name)
        if parameter is None or used.status != Evidence.USER.value or plain_value(parameter.value) == used.value:
            continue
        values[name] = replace(
            parameter,
            value=value_from_plain(used.value, parameter.type),
            citation=used.citation,
            edition=used.edition,
            status=Evidence.USER,
            assumed_from_year=None,
        )
    return Rules(rules.year, values)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One cohort's results. dollars: (participants asked for, draws)."""

    model: CohortModel
    cohort: CohortProjection
    participants: tuple[ParticipantProjection, ...]
    draws: CohortDraws
    dollars: Numbers


def _asked(standings: Sequence[Standing], request: Request) -> list[tuple[Standing, Places]]:
    found = []
    for standing in standings:
        places = np.array(
            [
                place
                for place, (tin, npi) in enumerate(zip(standing.tins, standing.npis, strict=True))
                if request.tin in (None, tin)
                and request.npi in (None, npi)
                and (not request.tins or tin in request.tins)
            ],
            dtype=np.int64,
        )
        if len(places):
            found.append((standing, places))
    return found


def _not_found(request: Request) -> str:
    wanted = " and ".join(
        f"{name} {value}" for name, value in (("TIN", request.tin), ("NPI", request.npi)) if value is not None
    )
    return f"The run has no participant with {wanted}. Its participants are in scores/scores.csv."


def _fitting_peers(asked: Sequence[tuple[Standing, Places]], assumptions: Rules) -> str:
    """The run's own participants where it holds most of each cohort asked for, else the published benchmarks."""
    sizes = assumptions["projection.participants_in_cohort"].table
    holds_most = all(2 * len(standing) >= float(str(sizes[standing.cohort])) for standing, _ in asked)
    return OWN if holds_most else PUBLISHED


def _cohort(standing: Standing, places: Places, scenario: Scenario, *, detailed: bool, threads: int | None) -> _Part:
    model = cohort_model(standing, places, scenario)
    keep = min(LEVER_DRAWS, scenario.draws) if detailed else 0
    draws = simulate(model, draws=scenario.draws, keep=keep, threads=threads)
    part_b = model.focal.standing.part_b
    dollars = draws.factor * part_b[:, None].astype(np.float32)
    levers = pull_levers(model, draws) if detailed else ()
    focal = model.focal.standing
    scores, factors, money = spreads_of(draws.final_score), spreads_of(draws.factor), spreads_of(dollars)
    participants = tuple(
        ParticipantProjection(
            tin=focal.tins[place],
            npi=focal.npis[place],
            cohort=model.cohort,
            name=focal.names[place],
            part_b_paid=float(part_b[place]),
            final_score=scores[place],
            factor=factors[place],
            dollars=money[place],
            probability_of_cut=share_below(draws.factor[place]),
            probability_of_gain=share_above(draws.factor[place]),
            point_factor=float(levers[0].factor[place]) if levers else None,
            point_dollars=float(levers[0].factor[place] * part_b[place]) if levers else None,
            final_score_histogram=histogram_of(draws.final_score[place]) if detailed else None,
            dollars_histogram=histogram_of(dollars[place]) if detailed else None,
            levers=_ranked(levers[1:], place, float(part_b[place])),
            alternatives=(),
        )
        for place in range(len(focal))
    )
    return _Part(model, cohort_projection(model, draws), participants, draws, dollars)


def _ranked(levers: Iterable[LeverDraws], place: int, part_b: float) -> tuple[Lever, ...]:
    """One participant's levers that move anything, the best first; all together last."""
    found = [
        Lever(
            each.key,
            each.title,
            float(each.score[place]),
            float(each.factor[place]),
            float(each.factor[place]) * part_b,
        )
        for each in levers
        if abs(each.score[place]) > 1e-6 or abs(each.factor[place]) > 1e-9
    ]
    return tuple(sorted(found, key=lambda each: (each.key == "all", -each.factor, -each.score, each.key)))


def _with_alternatives(
    participants: Sequence[ParticipantProjection],
    asked: Sequence[tuple[Standing, Places]],
    parts: Sequence[_Part],
    changed: Sequence[ChangedScenario],
    scenario: Scenario,
    threads: int | None,
) -> tuple[ParticipantProjection, ...]:
    draws = min(scenario.draws, SENSITIVITY_DRAWS)
    effects: list[list[AlternativeEffect]] = [[] for _ in participants]
    for each in changed:
        start = 0
        for (standing, places), part in zip(asked, parts, strict=True):
            model = cohort_model(standing, places, each.scenario)
            result = simulate(model, draws=draws, threads=threads)
            for place in range(len(places)):
                part_b = part.participants[place].part_b_paid
                base = float(np.median(part.draws.factor[place, :draws])) * part_b
                median = float(np.median(result.factor[place])) * part_b
                effects[start + place].append(AlternativeEffect(each.key, median, median - base))
            start += len(places)
    return tuple(
        replace(participant, alternatives=tuple(found))
        for participant, found in zip(participants, effects, strict=True)
    )


def _practices(parts: Sequence[_Part], *, detailed: bool) -> tuple[PracticeProjection, ...]:
    """The dollars of each TIN: the sum over its participants in the same draw, both cohorts together."""
    rows: dict[str, list[tuple[_Part, int]]] = {}
    for part in parts:
        for place, each in enumerate(part.participants):
            rows.setdefault(each.tin, []).append((part, place))
    found = []
    for tin, members in sorted(rows.items()):
        dollars: Numbers = np.asarray(
            np.sum([part.dollars[place] for part, place in members], axis=0, dtype=np.float64)
        )
        spread: Spread = spread_of(dollars)
        found.append(
            PracticeProjection(
                tin=tin,
                participants=len(members),
                part_b_paid=sum(part.participants[place].part_b_paid for part, place in members),
                dollars=spread,
                probability_of_cut=share_below(dollars),
                dollars_histogram=histogram_of(dollars) if detailed else None,
            )
        )
    return tuple(found)


def _assumption(parameter: Parameter) -> Assumption:
    return Assumption(
        parameter.name,
        parameter.title,
        value_text(parameter),
        parameter.unit,
        parameter.status.value,
        parameter.confirmed,
        parameter.citation,
        parameter.note,
    )


def _notes(run: Run, scenario: Scenario, parts: Sequence[_Part]) -> tuple[str, ...]:
    notes = []
    for part in parts:
        name = COHORT_NAMES[part.model.cohort]
        known, drawn = len(part.model.focal), part.cohort.peers_drawn
        if scenario.peers == PUBLISHED:
            years = sorted({each.year for each in part.model.sources})
            notes.append(
                f"The {name} cohort has {part.cohort.participants:,} participants: {known:,} of this run, and {drawn:,} "
                f"drawn in every draw from CMS's published MIPS benchmarks (performance years "
                f"{', '.join(map(str, years))}), which are national and not ASM's."
            )
            notes += [
                f"Measure {each.measure} by {COLLECTION_NAMES[each.collection_type]}: {each.how} (MIPS {each.year})."
                for each in part.model.sources
                if each.how != "percentiles"
            ]
        elif drawn:
            notes.append(
                f"The {name} cohort is this run's: {known:,} projected, and {drawn:,} others drawn with replacement."
            )
        else:
            notes.append(f"The {name} cohort is this run's {known:,} participants, each with its own chance.")
        if part.cohort.participants < 200:
            notes.append(
                f"With {part.cohort.participants:,} participants the {name} cohort is far smaller than CMS's; take its "
                "benchmarks and scaling factor as an illustration, and the levers as upper estimates."
            )
    if scenario.own_error == NEXT_YEAR:
        notes.append("A participant's own rates and costs are those another year of the same size may show.")
    else:
        notes.append("The participants' own rates and costs are taken as final.")
    used = run.manifest.get("cost_benchmark")
    if used not in (None, "pool"):
        notes.append(f"The run compared costs with {used}; the projection compares them with the simulated cohort.")
    return tuple(notes)
