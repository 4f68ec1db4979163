"""A practice's participants within their simulated cohort, made ready once and kept in memory for a few runs and scenarios.

No patient is in it: everything comes from the kept copy of the run's `scores/`. No claims engine is used. What is kept is bounded by
`KEPT` scenarios; the one used longest ago goes first. Somebody who asks for one in the making waits for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from openasm.app.people.models import Practice
from openasm.app.published.models import Run
from openasm.archive.run import read_run
from openasm.base.errors import NotFound
from openasm.projection.levers import Effect
from openasm.projection.project import rules_of
from openasm.projection.scenario import NO_ERROR, OWN, PUBLISHED, Scenario, assumptions_for
from openasm.projection.sensitivity import alternatives
from openasm.projection.simulate import CohortDraws, CohortModel, cohort_model, simulate
from openasm.projection.standing import standings_of
from openasm.projection.what_if import Wish, what_if
from openasm.regulation.quality import is_inverse, measures_of

KEPT = 8
DRAWS = 60  # peers drawn so often: chance moves a mean by less than the figures show
SMALL_COHORT = 400  # from here on the run's own participants are the peers


@dataclass(frozen=True, slots=True)
class Alternative:
    """A value nobody has confirmed, or is assumed of the peers, and what it may be instead."""

    key: str
    title: str
    base: str
    changed: str


@dataclass(frozen=True, slots=True, eq=False)
class Cohorts:
    """The practice in its cohorts. unmoved: of each cohort, how things stand; measures: codes and whether lower is better."""

    parts: tuple[tuple[CohortModel, CohortDraws], ...]
    unmoved: tuple[Effect, ...]
    alternatives: tuple[Alternative, ...]
    measures: tuple[tuple[str, bool], ...]
    peers: str


_kept: OrderedDict[tuple[str, str, str], Cohorts] = OrderedDict()
_lock = threading.Lock()
_making: dict[tuple[str, str, str], threading.Lock] = {}


def cohorts_of(run: Run, practice: Practice, alternative: str = "") -> Cohorts:
    """The cohorts of a practice in a run, under one alternative value or as the rules stand.

    NotFound when the kept copy of the run is gone, holds nobody of the practice, or the alternative is not known.
    """
    key = (run.key, practice.tin, alternative)
    with _lock:
        found = _kept.get(key)
        if found is not None:
            _kept.move_to_end(key)
            return found
        making = _making.setdefault(key, threading.Lock())
    try:
        with making:
            with _lock:
                found = _kept.get(key)
            if found is None:
                found = _made(run, practice, alternative)
                with _lock:
                    _kept[key] = found
                    while len(_kept) > KEPT:
                        _kept.popitem(last=False)
    finally:
        with _lock:
            _making.pop(key, None)
    return found


def _made(run: Run, practice: Practice, alternative: str) -> Cohorts:
    folder = read_run(run.folder)
    rules = rules_of(folder)
    asked = [
        (standing, places)
        for standing in standings_of(folder, rules)
        if len(places := np.flatnonzero(np.array([tin == practice.tin for tin in standing.tins])))
    ]
    if not asked:
        raise NotFound("The run holds no participant of this practice.")
    peers = OWN if all(len(standing) >= SMALL_COHORT for standing, _ in asked) else PUBLISHED
    scenario = Scenario(rules, assumptions_for(rules.year), peers, NO_ERROR, draws=DRAWS)
    others = alternatives(scenario)
    if alternative:
        chosen = next((each.scenario for each in others if each.key == alternative), None)
        if chosen is None:
            raise NotFound("This value has no such alternative.")
        scenario = chosen
    parts = []
    for standing, places in asked:
        model = cohort_model(standing, places, scenario)
        parts.append((model, simulate(model, draws=DRAWS, keep=DRAWS, threads=1)))
    measures = dict.fromkeys(
        (measure, is_inverse(measure, rules))
        for standing, _ in asked
        for measure in measures_of(standing.cohort, rules)
    )
    return Cohorts(
        tuple(parts),
        tuple(what_if(model, draws, Wish()) for model, draws in parts),
        tuple(Alternative(each.key, each.title, each.base, each.changed) for each in others),
        tuple(measures),
        peers,
    )
