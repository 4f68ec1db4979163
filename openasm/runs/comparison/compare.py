"""`openasm compare`: what changed between two runs, and why, in parts that add up to the whole change.

    comparison = compare_runs(Path("march"), Path("june"), tin="001234567")

A score has four causes: one's own rows, the peers' rows (benchmarks, midpoint, pool of money), the rule values, and the program.
Each is exchanged while the others stay, by scoring the runs' own rows again:

- program: what this program makes of a run's rows under the run's own rule values, against what the run says; the second
  run's difference less the first's.
- rule values: the first run's against the second's rules, once on the first run's rows and once on the second's, halved.
- data: the rest, that is the first's against the second's rows under either rules, halved; split once more into own rows
  (exchanged among the first's and among the second's peers, halved) and peers.

No order of the causes is better than another, so each takes the average over the orders (the Owen value of own and peers as one
union); exchanging the runs therefore only turns every sign. What arises from several causes together is in the parts in equal
shares, and told besides (`together`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from openasm.archive.comparison import (
    CohortChange,
    Comparison,
    OneRunOnly,
    ParticipantChange,
    RunNamed,
    Split,
)
from openasm.archive.run import Run, read_run
from openasm.base.errors import NotFound
from openasm.runs.comparison.details import measure_changes, name_of, step_changes, stored_row
from openasm.runs.comparison.inputs import input_changes, rule_changes
from openasm.runs.comparison.scoring import (
    CohortRows,
    Key,
    Outcome,
    Side,
    cohort_rows,
    cost_benchmark_of,
    scored,
    side_of,
)
from openasm.runs.scoring.inputs import COHORTS

DETAIL = (
    40  # participants whose data are taken apart into own and peers where nobody is named: two to four scorings each
)
SMALLEST = {"final_score": 2.0**-26, "factor": 2.0**-36, "dollars": 2.0**-13}  # a difference below is one of arithmetic

Values = dict[Key, Outcome]
Corners = dict[tuple[str, str, str], Values]  # own rows of, peers' rows of, rules of: each `first` or `second`


def compare_runs(
    first: Path,
    second: Path,
    *,
    tin: str | None = None,
    npi: str | None = None,
    tins: Sequence[str] = (),
    detail: int = DETAIL,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Comparison:
    """Compare two runs of `openasm score` or `openasm run`; the first is the earlier state.

    tin, npi: only these participants, all of them taken apart; otherwise the `detail` with the largest change of dollars are.
    tins: only participants of these practices, everybody where none is named; of them too the `detail` with the largest change.
    progress: told how many participants have been taken apart, and of how many.
    Raises NotFound for a run without scores or a participant that is in neither, InputRefused for a damaged run.
    """
    before, after = side_of(read_run(first)), side_of(read_run(second))
    chosen = _chosen(before, after, tin, npi, tins)
    both = [key for key in chosen if key in before.stored and key in after.stored]
    rows = {cohort: cohort_rows(before, after, cohort) for cohort in COHORTS}
    corners = _corners(before, after)
    pending = [key for key in both if rows[key[0]].own_rows_changed(key) and rows[key[0]].others_changed(key)]
    if tin is None and npi is None:
        pending.sort(key=lambda key: (-abs(after.stored[key].dollars - before.stored[key].dollars), key))
        left_out = set(pending[detail:])
    else:
        left_out = set()
    doing = [key for key in pending if key not in left_out]
    apart: dict[Key, Corners] = {}
    for done, key in enumerate(doing):
        progress(done, len(doing))
        apart[key] = _exchanged(rows[key[0]], key, before, after)
    with_steps = set(both) if len(both) <= detail or tin or npi else set(doing)
    participants = tuple(
        _participant(
            key,
            before,
            after,
            corners=corners | apart.get(key, {}) if key in apart else corners,
            rows=rows[key[0]],
            taken_apart=key not in left_out,
            with_steps=key in with_steps,
        )
        for key in both
    )
    return Comparison(
        first=_named(before.run),
        second=_named(after.run),
        cohorts=tuple(_cohorts(before, after, corners)),
        participants=participants,
        one_run_only=tuple(_one_run_only(chosen, before, after)),
        inputs=tuple(
            each
            for each in input_changes(before.inputs, after.inputs, tin=tin)
            if each.added or each.removed or each.changed
        ),
        rules=rule_changes(before.run, after.run, settings=_settings),
        not_taken_apart=len(left_out),
        notes=tuple(_notes(before, after, len(left_out))),
    )


def _settings(run: Run) -> dict[str, object]:
    return {"performance year": run.year, "cost benchmark": cost_benchmark_of(run)}


def _named(run: Run) -> RunNamed:
    manifest = run.manifest
    return RunNamed(
        str(manifest.get("name", run.path.name)),
        run.year,
        str(manifest.get("version", "")),
        str(manifest.get("ended", "")),
    )


def _chosen(before: Side, after: Side, tin: str | None, npi: str | None, tins: Sequence[str]) -> list[Key]:
    keys = {
        key
        for side in (before, after)
        for key in side.stored
        if (tin is None or key[1] == tin) and (npi is None or key[2] == npi) and (not tins or key[1] in tins)
    }
    if not keys:
        wanted = " and ".join(f"{name} {value}" for name, value in (("TIN", tin), ("NPI", npi)) if value is not None)
        raise NotFound(f"Neither run has a participant with {wanted}." if wanted else "Neither run has a participant.")
    return sorted(keys, key=lambda key: (COHORTS.index(key[0]) if key[0] in COHORTS else len(COHORTS), *key))


def _corners(before: Side, after: Side) -> Corners:
    """Both runs' rows under both runs' rules."""
    same_rows = before.inputs.participants == after.inputs.participants and all(
        getattr(before.inputs, name) == getattr(after.inputs, name) for name in ("quality", "cost", "attestations")
    )
    same_rules = before.same_rules(after)
    found: Corners = {}
    for data, side in (("first", before), ("second", after)):
        for rules, ruled_by in (("first", before), ("second", after)):
            if same_rows and data == "second":
                found[data, data, rules] = found["first", "first", rules]
            elif same_rules and rules == "second":
                found[data, data, rules] = found[data, data, "first"]
            else:
                found[data, data, rules] = scored(side.inputs, ruled_by)
    return found


def _exchanged(rows: CohortRows, key: Key, before: Side, after: Side) -> Corners:
    """One participant's own rows among the other run's peers, under both rules."""
    same_rules = before.same_rules(after)
    found: Corners = {}
    for own, peers in (("second", "first"), ("first", "second")):
        inputs = rows.exchanged(key, own_of_second=own == "second")
        for rules, side in (("first", before), ("second", after)):
            if same_rules and rules == "second":
                found[own, peers, rules] = found[own, peers, "first"]
            else:
                found[own, peers, rules] = {key: scored(inputs, side)[key]}
    return found


def _participant(
    key: Key,
    before: Side,
    after: Side,
    *,
    corners: Corners,
    rows: CohortRows,
    taken_apart: bool,
    with_steps: bool,
) -> ParticipantChange:
    own, others = rows.own_rows_changed(key), rows.others_changed(key)
    corners = dict(corners)
    if taken_apart:
        for rules in ("first", "second"):
            # Where nobody else, or nothing of one's own, differs, an exchange is one of the runs as it stands.
            for one, other in (("first", "second"), ("second", "first")):
                if (one, other, rules) not in corners:
                    corners[one, other, rules] = corners[(other if others else one,) * 2 + (rules,)]
    splits = {
        quantity: _split(
            [getattr(side.stored[key], quantity) for side in (before, after)],
            {corner: getattr(values[key], quantity) for corner, values in corners.items()},
            smallest=SMALLEST[quantity],
        )
        for quantity in ("final_score", "factor", "dollars")
    }
    factor, dollars = splits["factor"], splits["dollars"]
    assert factor is not None
    assert dollars is not None  # only a final score can be missing
    stored = [stored_row(side.run, key) for side in (before, after)]
    return ParticipantChange(
        *key,
        name=name_of(after.run, key),
        final_score_before=before.stored[key].final_score,
        final_score_after=after.stored[key].final_score,
        status_before=stored[0]["status"],
        status_after=stored[1]["status"],
        final_score=splits["final_score"],
        factor=factor,
        dollars=dollars,
        own_rows_changed=own,
        steps=tuple(step_changes(*stored)) if with_steps else (),
        measures=tuple(measure_changes(before.run, after.run, key)) if with_steps else (),
    )


def _split(
    stored: Sequence[float | None], corners: dict[tuple[str, str, str], float | None], *, smallest: float
) -> Split | None:
    """A quantity's parts; None where it is missing somewhere. All amounts are on one grid, so every step here is exact."""
    known = {corner: value for corner, value in corners.items() if value is not None}
    first, second = ("first", "first"), ("second", "second")
    if None in stored or len(known) < len(corners):
        return None
    again_first, again_second = known[*first, "first"], known[*second, "second"]
    # A last digit that another processor or library rounds otherwise is no change of the program.
    start, end = (
        again if abs(value - again) <= smallest else value
        for value, again in zip(stored, (again_first, again_second), strict=True)
        if value is not None
    )
    program = (end - again_second) - (start - again_first)
    rules = sum(known[*data, "second"] - known[*data, "first"] for data in (first, second)) / 2
    data = sum(known[*second, rule] - known[*first, rule] for rule in ("first", "second")) / 2
    taken_apart = ("second", "first", "first") in known
    own = (
        sum(
            known["second", peers, rule] - known["first", peers, rule]
            for rule in ("first", "second")
            for peers in ("first", "second")
        )
        / 4
        if taken_apart
        else None
    )
    alone = known[*first, "second"] - again_first
    if taken_apart:
        alone += known["second", "first", "first"] + known["first", "second", "first"] - 2 * again_first
    else:
        alone += known[*second, "first"] - again_first
    return Split(
        before=start,
        after=end,
        data=data,
        own=own,
        peers=None if own is None else data - own,
        rules=rules,
        program=program,
        together=(again_second - again_first) - alone,
    )


def _cohorts(before: Side, after: Side, corners: Corners) -> list[CohortChange]:
    found = []
    for cohort in COHORTS:
        keys = [key for key in before.stored if key[0] == cohort and key in after.stored]
        if not keys:
            continue
        splits = []
        for key in keys:
            split = _split(
                [side.stored[key].dollars for side in (before, after)],
                {corner: values[key].dollars for corner, values in corners.items()},
                smallest=SMALLEST["dollars"],
            )
            assert split is not None  # dollars are never missing
            splits.append(split)
        changes = [split.change for split in splits]
        found.append(
            CohortChange(
                cohort,
                len(keys),
                sum(change > 0 for change in changes),
                sum(change < 0 for change in changes),
                Split(
                    before=sum(split.before for split in splits),
                    after=sum(split.after for split in splits),
                    data=sum(split.data for split in splits),
                    own=None,
                    peers=None,
                    rules=sum(split.rules for split in splits),
                    program=sum(split.program for split in splits),
                    together=sum(split.together or 0.0 for split in splits),
                ),
            )
        )
    return found


def _one_run_only(chosen: Sequence[Key], before: Side, after: Side) -> list[OneRunOnly]:
    found = []
    for key in chosen:
        inside = [(name, side) for name, side in (("first", before), ("second", after)) if key in side.stored]
        if len(inside) == 1:
            [(name, side)] = inside
            outcome = side.stored[key]
            found.append(OneRunOnly(name, *key, name_of(side.run, key), outcome.final_score, outcome.dollars))
    return found


def _notes(before: Side, after: Side, left_out: int) -> list[str]:
    notes = []
    if before.rules.year != after.rules.year:
        notes.append(
            f"The runs are of performance years {before.rules.year} and {after.rules.year}: periods of attestations were moved "
            "to the other year where its rules were applied."
        )
    for side in (before, after):
        unknown = sorted(set(side.run.parameters) - set(side.rules.parameters))
        if unknown:
            notes.append(
                f"{side.run.path.name} names rule values this program does not know ({', '.join(unknown)}); what they do "
                "counts as the program's part."
            )
    if left_out:
        notes.append(
            f"Of {left_out:,} participants the data were not taken apart into own and peers, as each takes up to four scorings of the "
            "cohort. Choose participants with --tin or --npi, or a larger --detail."
        )
    return notes
