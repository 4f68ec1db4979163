"""The page *What-if*: a form of levers, and the answer below it; htmx fetches the answer alone, the form works without it too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.look.templatetags.look import points, signed_dollars, signed_points, tone, words
from openasm.app.look.widgets import escaped
from openasm.app.people.models import Practice
from openasm.app.published.models import PracticeResult, Run
from openasm.app.what_if.cohorts import Cohorts, cohorts_of
from openasm.base.errors import OpenAsmError
from openasm.projection.what_if import Wish, what_if
from openasm.report.titles import measure_title

ACTIVITIES = (("", "As in the run"), ("0", "None"), ("1", "One"), ("2", "Both"))


@dataclass(frozen=True, slots=True)
class Slider:
    """One lever of the form: name, title, help, its range and where it stands, in percent."""

    name: str
    title: str
    text: str
    least: int
    most: int
    value: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One participant before and after. Dollars a year; score None without a final score."""

    name: str
    npi: str
    cohort: str
    score_before: float | None
    score_after: float | None
    dollars_before: float
    dollars_after: float

    @property
    def points(self) -> float | None:
        """Points gained."""
        return None if self.score_before is None or self.score_after is None else self.score_after - self.score_before

    @property
    def dollars(self) -> float:
        """Dollars gained."""
        return self.dollars_after - self.dollars_before


@access(Permission.SEE_SCORES)
@require_GET
def what_if_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """Levers and what they do to the practice's clinicians."""
    run = Run.objects.newest_of(practice)
    if run is None:
        return render(request, "practices/no_run.html")
    try:
        base = cohorts_of(run, practice)
        known = {each.key for each in base.alternatives}
        alternative = request.GET.get("value", "") if request.GET.get("value", "") in known else ""
        used = cohorts_of(run, practice, alternative) if alternative else base
    except OpenAsmError as error:
        return render(request, "what_if/cannot.html", {"run": run, "why": str(error)})
    sliders = list(_sliders(request.GET, base))
    activities = request.GET.get("activities", "")
    activities = activities if activities in dict(ACTIVITIES) else ""
    wish = _wish(sliders, activities, request.GET)
    outcomes = list(_outcomes(base, used, wish))
    context = {
        "run": run,
        "sliders": sliders,
        "activities": activities,
        "activity_choices": ACTIVITIES,
        "interoperability": "" if wish.interoperability is None else f"{wish.interoperability:g}",
        "alternatives": base.alternatives,
        "alternative": alternative,
        "chosen": next((each for each in base.alternatives if each.key == alternative), None),
        "outcomes": outcomes,
        "rows": _table_rows(outcomes),
        "before": sum(each.dollars_before for each in outcomes),
        "after": sum(each.dollars_after for each in outcomes),
        "scored_cents": PracticeResult.objects.get(run=run, practice=practice).change_cents,
        "gained": sum(each.dollars for each in outcomes),
        "peers": base.peers,
        "peers_moved": wish.peers_better != 0,
        "unconfirmed": sorted(map(str, run.facts.get("unconfirmed", ()))),
    }
    template = "what_if/answer.html" if request.htmx else "what_if/what_if.html"
    return render(request, template, context)


def _sliders(asked: QueryDict, cohorts: Cohorts) -> Iterator[Slider]:
    def at(name: str, least: int, most: int) -> int:
        try:
            return min(max(int(asked.get(name, "0") or 0), least), most)
        except ValueError:
            return 0

    for measure, lower in cohorts.measures:
        text = "fewer of them (lower is better)" if lower else "of the open gaps closed"
        yield Slider(
            f"m{measure}", f"{measure} {measure_title(measure)}", f"Percent {text}", 0, 100, at(f"m{measure}", 0, 100)
        )
    yield Slider("cost", "Episode cost", "Percent lower; below zero: higher", -20, 30, at("cost", -20, 30))
    yield Slider(
        "peers",
        "Peers",
        "Points of a rate by which the others are better; below zero: worse",
        -10,
        10,
        at("peers", -10, 10),
    )


def _wish(sliders: list[Slider], activities: str, asked: QueryDict) -> Wish:
    values = {each.name: each.value / 100 for each in sliders}
    try:
        score = float(asked.get("interoperability", ""))
        interoperability = min(max(score, 0.0), 100.0) if score == score else None
    except ValueError:
        interoperability = None
    return Wish(
        gaps_closed={name[1:]: share for name, share in values.items() if name.startswith("m") and share},
        activities=int(activities) if activities else None,
        interoperability=interoperability,
        cost_lower=values["cost"],
        peers_better=values["peers"],
    )


def _outcomes(base: Cohorts, used: Cohorts, wish: Wish) -> Iterator[Outcome]:
    """Before: as the run and the rules stand. After: with the wish, under the chosen value."""
    moved = used.unmoved if wish == Wish() else [what_if(model, draws, wish) for model, draws in used.parts]
    for (model, _), before, after in zip(base.parts, base.unmoved, moved, strict=True):
        standing = model.focal.standing
        for place, npi in enumerate(standing.npis):
            paid = float(standing.part_b[place])
            yield Outcome(
                standing.names[place],
                npi,
                model.cohort,
                _or_none(before.score_before[place]),
                _or_none(after.score_after[place]),
                float(before.factor_before[place]) * paid,
                float(after.factor_after[place]) * paid,
            )


def _table_rows(outcomes: Iterable[Outcome]) -> SafeString:
    """The rows of the table, hundreds with six numbers each: a template takes ten times as long to write them."""

    def number(text: str, tone: str = "") -> str:
        return f'<td class="{f"number {tone}" if tone else "number"}">{escaped(text)}</td>'

    return SafeString(
        "".join(
            f'<tr><th scope="row">{escaped(each.name or each.npi)}'
            f'<span class="sub">{escaped(words(each.cohort))} · NPI {escaped(each.npi)}</span></th>'
            f"{number(points(each.score_before))}{number(points(each.score_after))}"
            f"{number(signed_points(each.points), tone(each.points))}"
            f"{number(signed_dollars(each.dollars_before))}{number(signed_dollars(each.dollars_after))}"
            f"{number(signed_dollars(each.dollars), tone(each.dollars))}</tr>"
            for each in outcomes
        )
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
