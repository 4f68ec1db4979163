"""How sure a participant's payment is, in the steps of the explanation: range, chance of a cut, a point's worth, stake, levers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from openasm.app.clinicians.steps import Line, ShownStep
from openasm.app.look.templatetags.look import chance, dollars, signed_dollars, signed_points
from openasm.app.practices.method import drawn_words, why_two
from openasm.app.published.models import ParticipantResult, Run
from openasm.archive.trail import digits

_ENDS = (
    ("lower end", "p5", "5th percentile of the payment changes over the draws"),
    ("middle", "median", "50th percentile"),
    ("upper end", "p95", "95th percentile"),
)


def sure_steps(
    run: Run, result: ParticipantResult, document: Mapping[str, Any], risk_level: float | None
) -> tuple[ShownStep, ...]:
    """Steps from the projection's own record of the participant. risk_level: of the cohort, None where the run does not say it."""
    return tuple(_steps(run, result, document, risk_level))


def _steps(
    run: Run, result: ParticipantResult, document: Mapping[str, Any], risk_level: float | None
) -> Iterator[ShownStep]:
    spread, paid = document["dollars"], float(document["part_b_paid"])
    draws = int(run.facts.get("projection", {}).get("draws", 0))
    if spread["median"] is not None:
        ends = tuple(Line(name, formula, "", signed_dollars(spread[key])) for name, key, formula in _ENDS)
        yield ShownStep("Likely range", (drawn_words(run), why_two(run)), ends, ())
        cut = float(document["probability_of_cut"])
        counted = f"{round(cut * draws):,} of {draws:,}" if draws else ""
        line = Line("chance of a cut", "draws with a payment change below 0 / all draws", counted, chance(cut))
        yield ShownStep("Chance of a cut", (), (line,), ())
    if document["point_dollars"] is not None:
        filled = f"{digits(document['point_factor'])} x {dollars(paid)}"
        words = (
            "The factor a point brings is a mean over the draws, near where the final score falls in each of them.",
        )
        line = Line("one more point", "factor of one more point x Part B", filled, dollars(document["point_dollars"]))
        yield ShownStep("One more point of final score", words, (line,), ())
    if risk_level is not None:
        filled = f"{digits(risk_level)} x {dollars(result.part_b_cents / 100)}"
        stake = Line("at stake", "risk level x Part B", filled, dollars(risk_level * result.part_b_cents / 100))
        yield ShownStep(
            "At stake", ("No factor is below the negative of the risk level: more cannot be lost.",), (stake,), ()
        )
    if document["levers"]:
        words = (
            "Each lever is changed alone in every draw and everything is scored again; shown is the mean difference. "
            "They do not add up, as two levers can earn the same points.",
        )
        lines = tuple(
            Line(each["title"], "mean of (with it - without it)", "", _gain(each["score"], each["dollars"]))
            for each in document["levers"]
        )
        yield ShownStep("What would help", words, lines, ())


def _gain(score: float, gained: float) -> str:
    return f"{signed_points(score)} points, {signed_dollars(gained)} a year"
