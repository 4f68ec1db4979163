"""Patients' rows of a run as whole columns: millions of gaps and episodes without an object of Python for each.

Tables of Arrow whose columns are named like the fields of their models. Practices, patients and texts become the identifiers of their
rows: each different one is looked up once a block.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from openasm.app.published.reading import WRONG_WORKLIST, Source, in_cents, number, patients_file
from openasm.base.errors import InputRefused
from openasm.base.problems import Problem

Find = Callable[[str], int]  # the identifier of a row by a text
_Places = npt.NDArray[np.int64]

_WORKLIST = (
    *("earliest", "kind", "measure", "group", "patient", "missing", "counts_for", "final_score_points"),
    "dollars",
)
_DUE = ("by_when", "due")  # its name now, and in runs made before
_BLOCK_BYTES = 16 << 20
_MOST_NPIS = 20


def gap_table(path: Path, *, practice_of: Mapping[str, int], patient_id: Find, kind_id: Find) -> pa.Table:
    """Gaps but for id and run, one for each practice of this run that a line counts for, by practice, patient, measure and group.

    Lines that count for nobody here are left out: nobody could see them. InputRefused (A001) names the first line that is wrong.
    """
    blocks = [_EMPTY_GAPS]
    whom = _Whom(practice_of)
    before = 0
    for block in _blocks(path):
        try:
            blocks.append(_gaps_of(block, whom, patient_id, kind_id))
        except pa.ArrowException:
            row = before + _first_wrong(block)
            raise InputRefused([Problem(WRONG_WORKLIST, path.name, row=row)]) from None
        before += block.num_rows
    table = pa.concat_tables(blocks).unify_dictionaries().combine_chunks()
    by_key = ("group", "measure", "patient", "practice")
    return table.take(pa.array(np.lexsort([_sortable(table.column(name)) for name in by_key])))


def _blocks(path: Path) -> Iterator[pa.RecordBatch]:
    """The file in blocks of texts; `due` under that name."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header = set(next(csv.reader(stream), []))
        due = next((name for name in _DUE if name in header), "")
        if not due or not header.issuperset(_WORKLIST):
            raise InputRefused([Problem(WRONG_WORKLIST, path.name)])
        columns = [due, *_WORKLIST]
        converting = pa_csv.ConvertOptions(
            include_columns=columns, column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        )
        with pa_csv.open_csv(
            path,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=converting,
        ) as opened:
            for block in opened:
                yield block.rename_columns(["due", *_WORKLIST])
    except pa.ArrowException:
        raise InputRefused([Problem(WRONG_WORKLIST, path.name)]) from None


class _Whom:
    """The places a line counts for, by its text `tin/npi tin/npi`: each different text is taken apart once."""

    def __init__(self, practice_of: Mapping[str, int]) -> None:
        self._practice_of = practice_of
        self._known: dict[str, tuple[tuple[int, str], ...]] = {}

    def places(self, texts: pa.Array) -> tuple[_Places, _Places, pa.Array]:
        """For lines: which line each place is of, its practice, and its NPIs."""
        coded = texts.dictionary_encode()
        found = [self._of(text) for text in coded.dictionary.to_pylist()]
        codes = coded.indices.to_numpy()
        many = np.array([len(each) for each in found], np.int64)
        first = np.cumsum(many) - many
        counts = many[codes]
        lines = np.repeat(np.arange(len(codes)), counts)
        within = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
        flat = np.repeat(first[codes], counts) + within
        practices = np.array([practice for each in found for practice, _ in each], np.int64)[flat]
        npis = pa.array([npis for each in found for _, npis in each], pa.string()).take(pa.array(flat))
        return lines, practices, npis

    def _of(self, text: str) -> tuple[tuple[int, str], ...]:
        known = self._known.get(text)
        if known is None:
            found: dict[int, list[str]] = {}
            for each in text.split():
                tin, _, npi = each.partition("/")
                if tin in self._practice_of:
                    found.setdefault(self._practice_of[tin], []).extend([npi] if npi else [])
            known = tuple((practice, spaced(npis)) for practice, npis in found.items())
            self._known[text] = known
        return known


def spaced(npis: Sequence[str]) -> str:
    """NPIs with a space on both ends of each, so that one can be found in the text; at most twenty are kept.

    >>> spaced(["2999000013", "2999000005", "2999000013"])
    ' 2999000005 2999000013 '
    """
    return f" {' '.join(sorted(set(npis))[:_MOST_NPIS])} " if npis else ""


_GAP_TYPES: Mapping[str, pa.DataType] = {
    "practice": pa.int64(),
    "patient": pa.int64(),
    "measure": pa.dictionary(pa.int32(), pa.string()),
    "group": pa.int64(),
    "kind": pa.dictionary(pa.int32(), pa.string()),
    "missing": pa.int64(),
    "earliest": pa.date32(),
    "due": pa.date32(),
    "npis": pa.dictionary(pa.int32(), pa.string()),
    "points": pa.float64(),
    "cents": pa.int64(),
}
_EMPTY_GAPS = pa.table({name: pa.array([], kind) for name, kind in _GAP_TYPES.items()})


def _gaps_of(block: pa.RecordBatch, whom: _Whom, patient_id: Find, kind_id: Find) -> pa.Table:
    lines, practices, npis = whom.places(block.column("counts_for"))
    some = block.take(pa.array(lines))
    dollars = _numbers(some.column("dollars"))
    columns = {
        "practice": pa.array(practices),
        "patient": looked_up(some.column("patient"), patient_id),
        "measure": some.column("measure").dictionary_encode(),
        "group": pc.cast(some.column("group"), pa.int64()),
        "kind": some.column("kind").dictionary_encode(),
        "missing": looked_up(some.column("missing"), kind_id),
        "earliest": pc.cast(_or_null(some.column("earliest")), pa.date32()),
        "due": pc.cast(_or_null(some.column("due")), pa.date32()),
        "npis": npis.dictionary_encode(),
        "points": _numbers(some.column("final_score_points")),
        "cents": pc.cast(pc.floor(pc.add(pc.multiply(dollars, 100.0), 0.5)), pa.int64()),  # as reading.in_cents
    }
    return pa.table(columns, schema=_EMPTY_GAPS.schema)


def looked_up(texts: pa.Array | pa.ChunkedArray, find: Find) -> pa.Array:
    """The identifier of each text's row; every different text is looked up once."""
    coded = (
        texts.combine_chunks().dictionary_encode() if isinstance(texts, pa.ChunkedArray) else texts.dictionary_encode()
    )
    return pa.array([find(text) for text in coded.dictionary.to_pylist()], pa.int64()).take(coded.indices)


def _or_null(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _numbers(texts: pa.Array) -> pa.Array:
    return pc.cast(_or_null(texts), pa.float64())


def _first_wrong(block: pa.RecordBatch) -> int:
    """The place, from 1, of the first line of a block that cannot be read."""
    columns = ("group", "final_score_points", "dollars", "earliest", "due")
    for place, line in enumerate(zip(*(block.column(name).to_pylist() for name in columns), strict=True), start=1):
        group, points, dollars, *days = line
        try:
            int(group), number(points), in_cents(dollars)
            for day in days:
                pc.cast(pa.array([day or None], pa.string()), pa.date32())
        except (ValueError, OverflowError):  # of Arrow too
            return place
    return 1


def numbered(rows: pa.Table, *, run: int, first: int) -> pa.Table:
    """Rows with their identifiers, rising from the first free one, and their run."""
    ids = pa.array(np.arange(first, first + rows.num_rows))
    return rows.add_column(0, "run", pa.array(np.full(rows.num_rows, run))).add_column(0, "id", ids)


def _sortable(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column as numbers of the same order; texts by their rank."""
    array = column.combine_chunks()
    if not isinstance(array, pa.DictionaryArray):
        return np.asarray(array.to_numpy(zero_copy_only=False))
    return ranks(array)


def ranks(array: pa.DictionaryArray) -> _Places:
    """The rank of each text among the different ones of a column without missing values, from 0."""
    order = np.argsort(np.array(array.dictionary.to_pylist(), object), kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place[array.indices.to_numpy()] if len(order) else np.empty(0, np.int64)


# Of each episode its clinicians and its cost by service category, as pages read them.
_EPISODES = """
WITH clinician AS (
  SELECT episode_id, ' ' || array_to_string(list_sort(list(DISTINCT npi))[:20], ' ') || ' ' AS npis
  FROM attribution WHERE attributed GROUP BY episode_id
), cost AS (
  SELECT each.episode_id, '{' || string_agg(name.quoted || ': ' || each.cents::VARCHAR, ', ' ORDER BY each.category) || '}' AS costs
  FROM (SELECT episode_id, category, sum(cents) AS cents FROM episode_costs GROUP BY ALL) AS each
  JOIN name ON name.category = each.category GROUP BY each.episode_id
)
SELECT place.practice, episode.beneficiary::VARCHAR AS patient, episode.episode_id::VARCHAR AS episode,
       episode.cohort::VARCHAR AS cohort, episode.start_date::DATE AS start, episode.end_date::DATE AS "end",
       episode.days::BIGINT AS days, episode.observed_cents::BIGINT AS observed_cents,
       episode.annualized_cents::BIGINT AS annualized_cents, episode.expected_cents::BIGINT AS expected_cents,
       episode.ratio::DOUBLE AS ratio, coalesce(episode.excluded_reason::VARCHAR, '') AS excluded_reason,
       coalesce(episode.subgroup::VARCHAR, '') AS subgroup, coalesce(clinician.npis, '') AS npis,
       coalesce(cost.costs, '{}') AS costs
FROM episodes AS episode
JOIN place ON place.tin = episode.tin
LEFT JOIN clinician ON clinician.episode_id = episode.episode_id
LEFT JOIN cost ON cost.episode_id = episode.episode_id
ORDER BY place.practice, episode.annualized_cents DESC, episode.cohort, episode.episode_id
"""
_PARQUET: Mapping[str, Sequence[str]] = {
    "episodes": (
        *("cohort", "episode_id", "beneficiary", "tin", "start_date", "end_date", "days", "observed_cents"),
        *("annualized_cents", "expected_cents", "ratio", "excluded_reason", "subgroup"),
    ),
    "attribution": ("episode_id", "npi", "attributed"),
    "episode_costs": ("episode_id", "category", "cents"),
}
_ABSENT: Mapping[str, pa.DataType] = {"attributed": pa.bool_(), "cents": pa.int64()}  # of a file that is not there


def episode_table(source: Source, *, practice_of: Mapping[str, int], patient_id: Find) -> pa.Table | None:
    """Episodes but for id and run, of practices of this run, the dearest of a practice first; `costs` as JSON text.

    None when the run has no episodes; InputRefused (A001) when a file is not one that this program writes.
    """
    path = patients_file(source, "episodes.parquet")
    if path is None:
        return None
    import duckdb  # heavy: loaded only here

    try:
        tables = {name: _parquet(path.parent / f"{name}.parquet", columns) for name, columns in _PARQUET.items()}
        names = [name for name in pc.unique(tables["episode_costs"].column("category")).to_pylist() if name is not None]
        tables["name"] = pa.table(
            {"category": pa.array(names, pa.string()), "quoted": pa.array(map(json.dumps, names))}
        )
        tables["place"] = pa.table({"tin": pa.array(practice_of), "practice": pa.array(practice_of.values())})
        with duckdb.connect() as base:
            for name, each in tables.items():
                base.register(name, each)
            found = base.sql(_EPISODES).to_arrow_table()
    except (pa.ArrowException, duckdb.Error, KeyError):
        raise InputRefused([Problem(WRONG_WORKLIST, path.name)]) from None
    patients = looked_up(found.column("patient"), patient_id)
    return found.set_column(found.schema.get_field_index("patient"), "patient", patients)


_SERVICES = ("episode_id", "date", "setting", "category", "code", "npi", "cents")


def service_table(source: Source, episodes: pa.Table) -> pa.Table | None:
    """Services of the timelines but for id and run, of those episodes that are here (numbered, as loaded).

    None when the run has none; InputRefused (A001) when the file is not one that this program writes.
    """
    path = patients_file(source, "timeline.parquet")
    if path is None:
        return None
    try:
        rows = pq.read_table(path, columns=list(_SERVICES))
        known = episodes.column("episode").combine_chunks()
        known = known.dictionary_decode() if isinstance(known, pa.DictionaryArray) else known
        place = pc.index_in(rows.column("episode_id").cast(pa.string()), value_set=known.cast(pa.string()))
        here = pc.is_valid(place)
        rows, place = rows.filter(here), pc.drop_null(place)
        texts = {
            name: pc.fill_null(rows.column(name).cast(pa.string()), "").combine_chunks().dictionary_encode()
            for name in ("setting", "category", "code", "npi")
        }
        return pa.table(
            {
                "episode": episodes.column("id").combine_chunks().take(place.combine_chunks()),
                "date": pc.cast(rows.column("date"), pa.date32()),
                **texts,
                "cents": pc.cast(rows.column("cents"), pa.int64()),
            }
        )
    except (pa.ArrowException, KeyError):
        raise InputRefused([Problem(WRONG_WORKLIST, path.name)]) from None


def _parquet(path: Path, columns: Sequence[str]) -> pa.Table:
    if not path.is_file():
        return pa.table({name: pa.array([], _ABSENT.get(name, pa.string())) for name in columns})
    return pq.read_table(path, columns=list(columns))
