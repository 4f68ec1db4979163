"""Why a payment change has two figures, in plain words: scored once as the data stand, and projected over simulated cohorts."""

from __future__ import annotations

from openasm.app.published.models import Run


def drawn_words(run: Run) -> str:
    """How the projection of a run was drawn, as far as the run says."""
    method = run.facts.get("projection", {})
    draws = f"{int(method['draws']):,} simulated cohorts" if "draws" in method else "many simulated cohorts"
    return f"Everybody is scored and paid anew in {draws}. {_peers(method.get('peers'))} {_own(method.get('own_error'))}".strip()


def why_two(run: Run) -> str:
    """Why the figure scored today and the projected one can differ, even in sign: one sentence."""
    method = run.facts.get("projection", {})
    other = (
        "measures against peers drawn from CMS's published MIPS benchmarks, not against those in the run,"
        if method.get("peers") == "published"
        else "draws the peers of the run anew each time"
    )
    own = " and lets the own rates and costs fall as another year of the same size may bring them"
    return (
        "“If the year ended now” scores the data once, as they are, against the peers in the run; “expected” "
        f"{other}{own if method.get('own_error', 'next_year') == 'next_year' else ''}: "
        "so the two can differ, even in sign."
    )


def _peers(peers: str | None) -> str:
    if peers == "published":
        return "Peers are drawn from CMS's published MIPS benchmarks: they are national, and not those in the run."
    return "Peers are those in the run, drawn with replacement." if peers == "own" else ""


def _own(own_error: str | None) -> str:
    if own_error == "next_year":
        return "The own rates and costs fall as another year of the same size may bring them."
    return "The own rates and costs are taken as final." if own_error == "none" else ""
