"""patients/worklist.csv: the open gaps in the order of a working day, with what each is worth; scores/gap_worth.csv by measure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, fields
from datetime import date
from pathlib import Path

from openasm.archive.tables import cell_text
from openasm.base.files import written_whole
from openasm.quality.attribution import Attribution, Clinician, Owners
from openasm.quality.outputs import Lines, SortedRuns
from openasm.quality.worklist import OpenGap, Window, days_left, order_key, window
from openasm.runs.gap_worth import MeasureWorth

WORKLIST_HEADER = (
    *("window", "due", "days_left", "earliest", "kind", "measure", "group", "patient", "missing"),
    *("counts_for", "final_score_points", "dollars"),
)
Worth = Callable[[str, frozenset[Clinician]], tuple[float, float | None]]


def write_worklist(
    folder: Path,
    *,
    as_of: date | None,
    attribution: Attribution | None,
    spill: Path,
    worth: Worth | None,
) -> Mapping[str, int]:
    """Write patients/worklist.csv from patients/gaps.csv. Returns how many gaps each window holds.

    as_of: the day the windows are seen from, None for the whole year; spill: an empty folder for sorting. Worth is that of one case
    met, summed over those for whom the patient counts; the gaps of one patient and measure are ways to the same case, so theirs
    do not add up.
    """
    patients = folder / "patients"
    runs = SortedRuns(spill)
    windows = dict.fromkeys((each.value for each in Window), 0)
    with (patients / "gaps.csv").open(encoding="utf-8", newline="") as gaps:
        visits = patients / "attribution.csv"
        with visits.open("rb") if visits.is_file() else io.BytesIO() as noted:
            next(noted, None)
            owners = None if attribution is None else Owners(attribution, noted)
            batch = Lines()
            lines = csv.reader(gaps)
            next(lines)
            views: dict[tuple[str, str, str], tuple[str, Window, str]] = {}  # many gaps share kind and days
            for measure, group, patient, kind, missing, earliest, due in lines:
                view = views.get((kind, earliest, due))
                if view is None:
                    view = views[kind, earliest, due] = _view(kind, earliest, due, as_of)
                key, place, left = view
                windows[place] += 1
                counts_for = (
                    frozenset[Clinician]()
                    if owners is None
                    else owners.of(measure.encode(), group.encode(), patient.encode())
                )
                whom = " ".join(sorted(f"{each.tin}/{each.npi}" for each in counts_for))
                points = dollars = ""
                if worth is not None and group == "1" and place in (Window.OPEN, Window.LATER):
                    gained, paid = worth(measure, counts_for)
                    points, dollars = f"{gained:.4f}", "" if paid is None else f"{paid:.2f}"
                said = '"' + missing.replace('"', '""') + '"'
                text = f"{place},{due},{left},{earliest},{kind},{measure},{group},{patient},{said},{whom},{points},{dollars}\n"
                batch.populations.append(f"{key}{measure},{group},{patient},\x00{text}".encode())
                if len(batch.populations) >= 10_000:
                    runs.add(batch)
                    batch = Lines()
            runs.add(batch)
    with written_whole(patients / "worklist.csv", "wb", private=True) as stream:
        stream.write(_line(WORKLIST_HEADER).encode())
        stream.writelines(line.partition(b"\x00")[2] for line in runs.populations())
    return windows


def write_gap_worth(folder: Path, worth: Iterable[MeasureWorth]) -> None:
    """Write scores/gap_worth.csv: a row for each participant and measure. No patient is in it."""
    with written_whole(folder / "scores" / "gap_worth.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([each.name for each in fields(MeasureWorth)] + ["dollars_per_case"])
        for each in worth:
            writer.writerow([cell_text(value) for value in astuple(each)] + [cell_text(each.dollars_per_case)])


def _view(kind: str, earliest: str, due: str, as_of: date | None) -> tuple[str, Window, str]:
    """Sort key, window and days left of every gap of a kind with these days."""
    first = date.fromisoformat(earliest) if earliest else None
    gap = OpenGap("", 0, "", kind, "", first, date.fromisoformat(due) if due else None)
    left = days_left(gap, as_of)
    return order_key(gap, as_of), window(gap, as_of), "" if left is None else str(left)


def _line(cells: Iterable[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()
