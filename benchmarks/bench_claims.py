"""Loading claims: CCLF against the same bytes read as one column of text, FHIR against parsing it, tables against writing them.

Two CCLF deliveries: clinicians' lines alone (CCLF5, 388 characters, one claim in a hundred cancelled), and a whole synthetic
delivery of every kind of file with its history. Three promises stand on them, each twice the time of making one text column of
the same bytes: reading (to columns the engine can query), of each kind and of a whole delivery; and the whole load, which hashes
the bytes, matches cancellations, orders the lines and writes Parquet besides. What hashing, ordering and writing alone take is
measured beside it. Sizes: `OPENASM_BENCH_CCLF_LINES` (default 4,000,000),
`OPENASM_BENCH_DELIVERY_PEOPLE` (default 5,500, about a million claim lines) and `OPENASM_BENCH_EOB_RESOURCES` (default
60,000). OPENASM_BENCH_FOLDER keeps the synthetic delivery for the next time.
"""

from __future__ import annotations

import datetime as dt
import gzip
import os
import tempfile
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import duckdb
import numpy as np
import orjson

from benchmarks.measure import Row, Took, measured
from benchmarks.regions import BENEFICIARIES_A_PARTICIPANT, SEED, claim_lines, deliveries
from openasm.base.problems import Problems
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.loading import load_claims
from openasm.claims.sources.cclf.files import CclfFile, find_files
from openasm.claims.sources.cclf.layout import layout
from openasm.claims.sources.cclf.load import NEEDED_FIELDS
from openasm.claims.sources.cclf.reading import read_kind
from openasm.claims.sources.cclf.usual import read_usual
from openasm.claims.sources.delivery import beside, hash_beside
from openasm.runs.cost.synthesis import synthetic_region
from openasm.tables.duckdb_engine import DuckDbEngine
from openasm.tables.engine import default_threads, open_engine
from tests.builders import cclf

TEXT_COLUMN = "DuckDB making a table of the same bytes as one text column"
SMALLEST_MEASURED = 1_000_000  # bytes of a kind of file below which nothing but fixed costs would show
LINES_A_MINUTE = 2_000_000
WRITING = "DuckDB writing the same tables ordered by their keys, nothing checked"
LAST_DAY = dt.date(2100, 12, 31)
PATTERN = 10_000  # distinct claims numbers and amounts are laid over this many different records


def write_lines(path: Path, lines: int) -> None:
    """A CCLF5 file: records of a pattern with numbers, persons and amounts of their own."""
    layout = dict(_places("CCLF5"))
    records = [
        cclf.record(
            "CCLF5",
            cclf.visit(
                1,
                each % 3 + 1,
                "1SA0A00AA00",
                CLM_RNDRG_PRVDR_TAX_NUM=f"{each % 500 + 1:09d}",
                RNDRG_PRVDR_NPI_NUM=f"2999{each % 2000:06d}",
                CLM_LINE_FROM_DT=f"2026-{each % 12 + 1:02d}-{each % 28 + 1:02d}",
                CLM_LINE_HCPCS_CD=f"99{each % 400:03d}",
                CLM_LINE_ALOWD_CHRG_AMT=cclf.money(each * 7 % 90_000),
                CLM_DGNS_2_CD="E119",
            ),
        )
        + "\n"
        for each in range(PATTERN)
    ]
    block = np.frombuffer("".join(records).encode(), dtype=np.uint8).reshape(PATTERN, -1).copy()
    with path.open("wb") as stream:
        for start in range(0, lines, PATTERN):
            rows = min(PATTERN, lines - start)
            claims = (start + np.arange(rows)) // 3 + 1
            _digits(block[:rows], layout["CUR_CLM_UNIQ_ID"], 13, claims)
            _digits(block[:rows], layout["CLM_CNTL_NUM"], 13, np.where(claims % 100 == 1, claims - 1, claims))
            _digits(block[:rows], layout["BENE_MBI_ID"] + 2, 9, claims % (lines // 60 + 1))
            kind = np.where(claims % 100 == 1, ord("1"), ord("0"))
            block[:rows, layout["CLM_ADJSMT_TYPE_CD"]] = kind
            stream.write(block[:rows].tobytes())


def _places(kind: str) -> list[tuple[str, int]]:
    places, at = [], 0
    for label, length in cclf.FIELDS[kind]:
        places.append((label, at))
        at += length
    return places


def _digits(block: np.ndarray, at: int, width: int, numbers: np.ndarray) -> None:
    for place in range(width):
        block[:, at + width - 1 - place] = numbers // 10**place % 10 + ord("0")


def run() -> list[Row]:
    """Whole loads (read, cancel, order, write, hash) and, of the delivery, the reading of each kind of file."""
    with tempfile.TemporaryDirectory(prefix="openasm-bench-") as place:
        folder = Path(place)
        kept = os.environ.get("OPENASM_BENCH_FOLDER")
        rows = _clinicians(folder / "clinicians")
        rows.append(_synthetic(folder / "region"))
        region = deliveries(
            Path(kept) if kept else folder, int(os.environ.get("OPENASM_BENCH_DELIVERY_PEOPLE", "5500"))
        )
        rows += _delivery(region / "cclf", folder / "out")
        rows += _explanations(region / "eob", folder)
        rows.append(_tables(region / "tables", folder))
    return rows


def _one_text_column(files: Sequence[Path]) -> None:
    """What any reader must do at least: DuckDB makes a table of the records, each one text."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT * FROM read_csv($1, header = false, columns = {'record': 'VARCHAR'}, delim = '\x01', "
            "quote = '', escape = '', auto_detect = false)",
            [[str(file) for file in files]],
        )


def _write_ordered(tables: Path, folder: Path) -> None:
    """What any load must do at the end: DuckDB writes the four tables in the order of their keys."""
    with duckdb.connect() as connection:
        for name, contract in CLAIMS_TABLES.items():
            connection.execute(
                f"COPY (SELECT * FROM read_parquet('{tables / name}.parquet') ORDER BY {', '.join(contract.key)}) "
                f"TO '{folder / name}.parquet' (FORMAT parquet, COMPRESSION zstd)"
            )


def _rest(name: str, paths: Sequence[Path], tables: Path, folder: Path, theirs: Took) -> Row:
    """Hashing the bytes beside ordering and writing what they become: a load without any reading or matching."""
    folder.mkdir(exist_ok=True)

    def rest() -> None:
        inputs = hash_beside(paths)
        _write_ordered(tables, folder)
        inputs()

    ours = measured(rest, repeat=2)
    return Row(
        name=f"{name}: hashing, ordering and writing alone",
        what="SHA-256 of the files beside DuckDB ordering and writing the tables they become; nothing read or matched",
        took=ours,
        reference=TEXT_COLUMN,
        reference_took=theirs,
        note="what a load takes with the engine's own writer if reading costs nothing",
    )


def _clinicians(folder: Path) -> list[Row]:
    lines = int(os.environ.get("OPENASM_BENCH_CCLF_LINES", "4000000"))
    (folder / "in").mkdir(parents=True)
    write_lines(folder / "in" / "CCLF5", lines)
    theirs = measured(lambda: _one_text_column([folder / "in" / "CCLF5"]), repeat=2)
    files, paths = find_files([folder / "in"], folder, Problems())
    reading = _reading(f"CCLF5 of {lines:,} lines", files, theirs)
    ours = measured(lambda: load_claims("cclf", [folder / "in"], folder / "out", replace=True), repeat=2)
    load = Row(
        name="CCLF5 load",
        what=f"{lines:,} lines of CCLF5 to the four tables, ordered and hashed",
        took=ours,
        reference=TEXT_COLUMN,
        reference_took=theirs,
        limit_seconds=2 * theirs.seconds,
        note=f"{_processor(ours, theirs)}; promise: at most twice the time of the reference. Bound by processor time: a third "
        "of it goes by cutting the records into words and looking up their codes, SHA-256 of the input beside it, a third "
        "ordering and writing Parquet, the rest records that others cancel (through the engine)",
    )
    rest = _rest("CCLF5", paths, folder / "out", folder / "written", theirs)
    (folder / "in" / "CCLF5").unlink()
    return [reading, load, rest]


def _synthetic(folder: Path) -> Row:
    people = int(os.environ.get("OPENASM_BENCH_DELIVERY_PEOPLE", "5500"))
    participants = max(1, people // BENEFICIARIES_A_PARTICIPANT)
    took = measured(
        lambda: synthetic_region(
            SEED, folder, participants=participants, beneficiaries=people, processes=default_threads()
        ),
        repeat=1,
    )
    lines = claim_lines(folder / "tables")
    return Row(
        name="synthetic claims",
        what=f"{lines:,} claim lines of {people:,} people with their truth, as tables",
        took=took,
        limit_seconds=60 * lines / LINES_A_MINUTE,
        note=f"{60 * lines / took.seconds / 1e6:,.1f} million lines a minute; promise: millions",
    )


def _delivery(source: Path, out: Path) -> list[Row]:
    files, paths = find_files([source], out.parent, Problems())
    size = sum(path.stat().st_size for path in paths)
    theirs = measured(lambda: _one_text_column(paths), repeat=2)
    ours = measured(lambda: load_claims("cclf", [source], out, replace=True), repeat=2)
    rows = [
        Row(
            name="CCLF load, whole delivery",
            what=f"{size / 1e6:,.0f} MB in {len(paths)} files, {claim_lines(out):,} claim lines kept",
            took=ours,
            reference=TEXT_COLUMN,
            reference_took=theirs,
            limit_seconds=2 * theirs.seconds,
            note=f"{_processor(ours, theirs)}; one record in thirty cancelled, adjusted, denied or repeated. Bound by what the "
            "engine does with text: kinds other than CCLF5 go through it. Of the processor time some 30 % is reading and hashing, "
            "25 % telling the fate of every record, the rest enrollment, ordering and writing",
        ),
        _rest("CCLF, whole delivery", paths, out, out.parent / "written", theirs),
        _reading("CCLF, whole delivery", [file for file in files if file.kind in NEEDED_FIELDS], theirs),
    ]
    for kind in NEEDED_FIELDS:
        of_kind = [file for file in files if file.kind == kind]
        if not of_kind or sum(file.path.stat().st_size for file in of_kind) < SMALLEST_MEASURED:
            continue
        of_text = measured(partial(_one_text_column, [file.path for file in of_kind]), repeat=5)
        rows.append(_reading(kind, of_kind, of_text))
    return rows


def _reading(name: str, files: Sequence[CclfFile], theirs: Took) -> Row:
    """Reading alone, as a load does it: clinicians' lines to codes beside all other kinds to tables that SQL can query."""
    layouts = layout()
    kinds = dict.fromkeys(file.kind for file in files)
    records = 0

    def read() -> None:
        nonlocal records
        counts = [0]

        def short() -> None:
            of_kind = [file for file in files if file.kind == "CCLF5"]
            found = read_usual(of_kind, layouts["CCLF5"], {}, LAST_DAY, threads=default_threads())
            assert found is not None, "these deliveries take the short way"
            counts.append(
                found.kept + sum(count for _, _, count, _ in found.dropped) + sum(len(each) for each in found.others)
            )

        wait = beside(short) if "CCLF5" in kinds else None
        others = [kind for kind in kinds if kind != "CCLF5"]
        if others:
            with open_engine("duckdb") as engine:
                assert isinstance(engine, DuckDbEngine)
                for kind in others:
                    of_kind = [file for file in files if file.kind == kind]
                    fields = layouts[kind].chosen(*NEEDED_FIELDS[kind])
                    account, _ = read_kind(
                        engine,
                        kind.lower(),
                        of_kind,
                        layouts[kind],
                        fields,
                        threads=default_threads(),
                        problems=Problems(),
                        held=True,
                    )
                    counts.append(account.records)
        if wait:
            wait()
        records = sum(counts)

    ours = measured(read, repeat=5 if theirs.seconds < 1 else 2)
    size = sum(file.path.stat().st_size for file in files)
    return Row(
        name=f"{name}, reading alone",
        what=f"{records:,} records, {size / 1e6:,.0f} MB",
        took=ours,
        reference=TEXT_COLUMN,
        reference_took=theirs,
        limit_seconds=2 * theirs.seconds,
        note=f"{_processor(ours, theirs)}; {size / ours.seconds / 1e6:,.0f} MB a second; promise: at most twice the time of the "
        "reference",
    )


def _explanations(source: Path, folder: Path) -> list[Row]:
    resources = int(os.environ.get("OPENASM_BENCH_EOB_RESOURCES", "60000"))
    given = folder / "eob"
    given.mkdir()
    name = "ExplanationOfBenefit.ndjson.gz"
    with gzip.open(source / name) as whole, gzip.open(given / name, "wb", compresslevel=1) as part:
        part.writelines(islice(whole, resources))

    def parse() -> None:
        with gzip.open(given / name) as lines:
            for line in lines:
                orjson.loads(line)

    theirs = measured(parse, repeat=1)
    rows = []
    for jobs in dict.fromkeys((1, default_threads())):
        ours = measured(partial(load_claims, "eob", [given], folder / "out", replace=True, threads=jobs), repeat=1)
        rows.append(
            Row(
                name=f"EOB load, {jobs} process{'es' if jobs > 1 else ''}",
                what=f"{resources:,} ExplanationOfBenefit resources, gzip NDJSON, to the four tables",
                took=ours,
                reference="unpack and parse the same file, one process",
                reference_took=theirs,
                note=f"{resources / ours.seconds:,.0f} resources a second; {_processor(ours, theirs)}; bound by walking the "
                "parsed resources in Python",
            )
        )
    return rows


def _tables(source: Path, folder: Path) -> Row:
    theirs = measured(partial(_write_ordered, source, folder), repeat=2)
    ours = measured(lambda: load_claims("tables", [source], folder / "out", replace=True), repeat=2)
    return Row(
        name="plain tables load",
        what=f"{claim_lines(source):,} claim lines as Parquet, checked, to the four tables",
        took=ours,
        reference=WRITING,
        reference_took=theirs,
        note=f"{_processor(ours, theirs)}; every text column is checked against its form once and brought to it once more when "
        "written; the rest is ordering and writing",
    )


def _processor(ours: Took, theirs: Took) -> str:
    return f"{ours.cpu_seconds / theirs.cpu_seconds:.1f} times the reference's processor time"
