"""Cases of a run made of its gaps, and how many there are by measure and days: whole columns, for any number of gaps."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from openasm.app.published.patient_tables import ranks

_KINDS = ("care", "documentation", "data")  # a case is of the first kind that any of its gaps is of
_NEVER = np.iinfo(np.int64).max  # a day that is not there, while the earliest is sought; its negative for the latest
_Numbers = npt.NDArray[np.int64]


def case_table(gaps: pa.Table, scored: Mapping[int, Collection[str]]) -> pa.Table:
    """A row for each practice, patient, measure and group of some gaps, in the order of the list (see models.Case), but for id and run.

    gaps: as `published.patient_tables.gap_table` gives them, sorted by practice, patient, measure and group. scored: by practice the
    measures on which somebody there is scored; of a practice that is missing all are.
    """
    column = {name: gaps.column(name).combine_chunks() for name in gaps.column_names}
    whole = {name: column[name].to_numpy() for name in ("practice", "patient", "group")}
    measure, npis = ranks(column["measure"]), ranks(column["npis"])
    keys = (whole["practice"], whole["patient"], measure, whole["group"])
    first = _beginnings(keys)
    if not len(first):
        return _SCHEMA.empty_table()
    due, earliest = _days(column["due"]), _days(column["earliest"])
    closable = due != _NEVER
    at_once = np.maximum.reduceat(closable & (earliest == _NEVER), first)
    opens = np.minimum.reduceat(np.where(closable, earliest, _NEVER), first)
    columns = {
        **{name: values[first] for name, values in zip(("practice", "patient", "measure", "group"), keys, strict=True)},
        "kind": np.minimum.reduceat(_kinds(column["kind"]), first),
        "ways": np.diff(np.append(first, gaps.num_rows)),
        "earliest": np.where(at_once, _NEVER, opens),
        "due": np.maximum.reduceat(np.where(closable, due, -_NEVER), first),
        "npis": np.maximum.reduceat(npis, first),
    }
    columns["due"] = np.where(columns["due"] == -_NEVER, _NEVER, columns["due"])
    points, cents = (_largest(column[name], first) for name in ("points", "cents"))
    worth = np.nan_to_num(cents, nan=0.0)
    counts = _scored(columns["practice"], columns["measure"], column["measure"], scored)
    standing = np.where(counts, np.where((worth > 0) | (np.nan_to_num(points, nan=0.0) > 0), 0, 1), 2)
    order = np.lexsort(
        (
            columns["group"],
            columns["measure"],
            columns["patient"],
            -worth,
            columns["due"],
            standing,
            columns["practice"],
        )
    )
    found = {name: values[order] for name, values in columns.items()}
    return pa.table(
        {
            **{name: pa.array(found[name]) for name in ("practice", "patient")},
            "measure": _texts(column["measure"], found["measure"]),
            "group": pa.array(found["group"]),
            "kind": pa.DictionaryArray.from_arrays(pa.array(found["kind"], pa.int32()), pa.array(_KINDS)),
            "ways": pa.array(found["ways"]),
            **{name: _dates(found[name]) for name in ("earliest", "due")},
            "npis": _texts(column["npis"], found["npis"]),
            "points": pa.array(points[order], from_pandas=True),
            "cents": pc.cast(pa.array(cents[order], from_pandas=True), pa.int64()),
            "scored": pa.array(counts[order]),
        },
        schema=_SCHEMA,
    )


_SCHEMA = pa.schema(
    [
        *(("practice", pa.int64()), ("patient", pa.int64()), ("measure", pa.dictionary(pa.int32(), pa.string()))),
        *(("group", pa.int64()), ("kind", pa.dictionary(pa.int32(), pa.string())), ("ways", pa.int64())),
        *(("earliest", pa.date32()), ("due", pa.date32()), ("npis", pa.dictionary(pa.int32(), pa.string()))),
        *(("points", pa.float64()), ("cents", pa.int64()), ("scored", pa.bool_())),
    ]
)


def _scored(
    practice: _Numbers, measure: _Numbers, column: pa.DictionaryArray, scored: Mapping[int, Collection[str]]
) -> npt.NDArray[np.bool_]:
    """Whether somebody of each case's practice is scored on its measure: each different pair is looked up once."""
    texts = sorted(column.dictionary.to_pylist())
    practices, place = np.unique(practice, return_inverse=True)
    pairs, which = np.unique(place * len(texts) + measure, return_inverse=True)
    found = []
    for pair in pairs.tolist():
        whose, text = divmod(pair, len(texts))
        measures = scored.get(int(practices[whose]))
        found.append(measures is None or texts[text] in measures)
    return np.array(found, bool)[which]


def count_table(cases: pa.Table) -> pa.Table:
    """How many cases of a practice and measure have the same days, and the sum of their worth: what pages add up for any day."""
    names = ("practice", "measure", "earliest", "due", "cents", "scored")
    column = {name: cases.column(name).combine_chunks() for name in names}
    keys: Mapping[str, _Numbers] = {
        "practice": column["practice"].to_numpy(),
        "measure": ranks(column["measure"]),
        "earliest": _days(column["earliest"]),
        "due": _days(column["due"]),
    }
    order = np.lexsort(tuple(reversed(list(keys.values()))))
    found = {name: values[order] for name, values in keys.items()}
    first = _beginnings(tuple(found.values()))
    cents = column["cents"].fill_null(0).to_numpy()[order]
    return pa.table(
        {
            "practice": pa.array(found["practice"][first]),
            "measure": _texts(column["measure"], found["measure"][first]),
            "earliest": _dates(found["earliest"][first]),
            "due": _dates(found["due"][first]),
            "cases": pa.array(np.diff(np.append(first, cases.num_rows))[: len(first)]),
            "cents": pa.array(np.add.reduceat(cents, first) if len(first) else cents),
            "scored": column["scored"].take(pa.array(order[first])),
        }
    )


def _beginnings(keys: tuple[_Numbers, ...]) -> _Numbers:
    """Places at which a row differs from the one before in any of its keys."""
    if not len(keys[0]):
        return np.empty(0, np.int64)
    changed = np.ones(len(keys[0]), bool)
    changed[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(changed)


def _days(column: pa.Array) -> _Numbers:
    return np.asarray(column.cast(pa.int32()).cast(pa.int64()).fill_null(_NEVER).to_numpy())


def _dates(days: _Numbers) -> pa.Array:
    missing = days == _NEVER
    return pa.array(np.where(missing, 0, days).astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())


def _kinds(column: pa.DictionaryArray) -> _Numbers:
    """The place of each gap's kind; one that is not known counts as the last."""
    known = {kind: place for place, kind in enumerate(_KINDS)}
    last = len(_KINDS) - 1
    places = np.array([known.get(kind, last) for kind in column.dictionary.to_pylist()], np.int64)
    return np.asarray(places[column.indices.to_numpy()])


def _texts(column: pa.DictionaryArray, rank: _Numbers) -> pa.Array:
    """The texts of ranks among a column's different texts."""
    texts = pa.array(sorted(column.dictionary.to_pylist()), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(rank.astype(np.int32)), texts)


def _largest(column: pa.Array, first: _Numbers) -> npt.NDArray[np.float64]:
    """The largest value from each place to the next, missing ones left out; not a number where all are missing."""
    values = column.cast(pa.float64()).fill_null(np.nan).to_numpy()
    return np.asarray(np.fmax.reduceat(values, first))
