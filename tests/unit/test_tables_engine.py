"""The engine door: limits always set, files whole and private, equal bytes."""

from __future__ import annotations

import builtins
import hashlib
from pathlib import Path

import duckdb
import narwhals as nw
import pyarrow as pa
import pytest

from openasm.base.errors import WrongUsage
from openasm.base.problems import Problems
from openasm.tables import engine as door
from openasm.tables.contracts import ColumnContract, Kind, TableContract, check_table
from openasm.tables.engine import open_engine
from openasm.tables.fixed_width import Field, FieldKind, FieldReader, Reading, WrongRecordLength, read_batches

SMALL = 256 * 1024**2


def setting(engine, name: str) -> str:
    return engine.execute(f"SELECT current_setting('{name}')")[0][0]


def test_limits_and_spill_folder_are_always_set(tmp_path: Path) -> None:
    with open_engine() as engine:
        assert engine.execute("SELECT current_setting('threads')")[0][0] == door.default_threads()
        assert "GiB" in setting(engine, "memory_limit")
        assert Path(setting(engine, "temp_directory")).is_dir()
    with open_engine(memory_bytes=SMALL, threads=1, spill_folder=tmp_path / "spill") as engine:
        assert setting(engine, "memory_limit") == "256.0 MiB"
        spill = Path(setting(engine, "temp_directory"))
        assert spill.parent == tmp_path / "spill"
        assert spill.stat().st_mode & 0o077 == 0
    assert not spill.exists()


def test_a_lent_table_is_read_where_it_lies_by_every_handle_that_looks() -> None:
    with open_engine(memory_bytes=SMALL, threads=1) as engine:
        before = engine.beside()
        table = pa.table({"code": ["I50", None, "M54"], "cents": [1, 2, 3]})
        engine.lend("lent", table)
        engine.execute("CREATE VIEW dear AS SELECT * FROM lent WHERE cents > 1")
        with pytest.raises(duckdb.CatalogException):
            before.execute("SELECT * FROM dear")
        before.see_lent()
        after = engine.beside()
        after.see_lent()
        for handle in (engine, before, after):
            assert handle.execute("SELECT code, cents FROM dear ORDER BY cents") == [(None, 2), ("M54", 3)]
        for handle in (before, after):
            handle.connection.close()
        assert engine.execute("SELECT count(*) FROM duckdb_tables()") == [(0,)]  # nothing was copied


def test_work_larger_than_memory_spills(tmp_path: Path) -> None:
    with open_engine(memory_bytes=128 * 1024**2, threads=2, spill_folder=tmp_path) as engine:
        wide = engine.sql(
            "SELECT range AS a, md5(range::VARCHAR) AS b, md5((range * 7)::VARCHAR) AS c FROM range(2000000)"
        )
        assert engine.sink_parquet(wide, tmp_path / "sorted.parquet", order_by=("b", "a")) == 2_000_000


def test_equal_rows_give_equal_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    digests = set()
    for threads in (1, 2, 3):
        with open_engine(memory_bytes=SMALL * 2, threads=threads) as engine:
            frame = engine.sql("SELECT (range * 7919) % 300000 AS a, range % 77 AS b FROM range(300000)")
            path = tmp_path / f"{threads}.parquet"
            engine.sink_parquet(frame, path, order_by=("a",))
            digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
            assert path.stat().st_mode & 0o777 == 0o600
    assert len(digests) == 1


def test_reading_and_holding(tmp_path: Path) -> None:
    with open_engine(memory_bytes=SMALL) as engine:
        rows = engine.from_rows({"a": [2, None, 1], "t": ["x", "y", None]}, {"a": nw.Int64(), "t": nw.String()})
        held = engine.held(rows)
        engine.sink_parquet(held.filter(nw.col("a") == 1), tmp_path / "t" / "one.parquet", private=False)
        engine.sink_parquet(held.filter(nw.col("a") == 2), tmp_path / "t" / "two.parquet")
        whole = engine.to_arrow(engine.read_parquet(tmp_path / "t").sort("a"))
        assert whole.to_pylist() == [{"a": 1, "t": None}, {"a": 2, "t": "x"}]
        (tmp_path / "c.csv").write_text('n,words\n007,"a, ""b"""\n')
        assert engine.to_arrow(engine.read_csv(tmp_path / "c.csv")).to_pylist() == [{"n": "007", "words": 'a, "b"'}]
        with pytest.raises(FileNotFoundError):
            engine.read_parquet(tmp_path / "nothing.parquet")


def test_columns_are_matched_by_name_whatever_their_order(tmp_path: Path) -> None:
    orders = {"same": ("a, t", "a, t"), "other": ("a, t", "t, a"), "fewer": ("a", "a, t")}
    for name, columns in orders.items():
        with open_engine(memory_bytes=SMALL) as engine:
            for number, each in enumerate(columns):
                rows = engine.sql(f"SELECT {each} FROM (SELECT {number} AS a, 'text {number}' AS t)")
                engine.sink_parquet(rows, tmp_path / name / f"{number}.parquet")
            found = engine.to_arrow(engine.read_parquet(tmp_path / name).select("a", "t").sort("a")).to_pylist()
            assert found[1] == {"a": 1, "t": "text 1"}
            assert found[0] == {"a": 0, "t": None if name == "fewer" else "text 0"}


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    with open_engine(memory_bytes=SMALL) as engine:
        path = tmp_path / "t.parquet"
        engine.sink_parquet(engine.sql("SELECT 1 AS a"), path)
        before = path.read_bytes()
        with pytest.raises(Exception, match="no number"):
            engine.sink_parquet(engine.sql("SELECT error('no number') AS a FROM range(10)"), path)
        assert path.read_bytes() == before
        assert [each.name for each in tmp_path.iterdir()] == ["t.parquet"]


def test_wrong_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongUsage, match="duckdb or spark"):
        open_engine("abacus")
    with pytest.raises(WrongUsage, match="64 MiB"):
        open_engine(memory_bytes=1)
    with pytest.raises(WrongUsage, match="thread"):
        open_engine(threads=0)
    real = builtins.__import__

    def without_pyspark(name, *rest, **more):
        if name.startswith("pyspark"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_pyspark)
    with pytest.raises(WrongUsage, match=r"openasm\[spark\]"):
        open_engine("spark")


VISITS = TableContract(
    "visits",
    "A table for this test.",
    (
        ColumnContract("id", Kind.INTEGER, "Key.", low=1),
        ColumnContract("kind", Kind.TEXT, "Word.", words=("a", "b")),
        ColumnContract("code", Kind.TEXT, "Form.", may_be_null=True, form="[A-Z][0-9]{2}"),
    ),
    ("id",),
)


def test_contracts_count_what_breaks_them() -> None:
    with open_engine(memory_bytes=SMALL) as engine:
        frame = engine.sql(
            "SELECT * FROM (VALUES (1, 'a', 'A01'), (1, 'c', 'secret'), (0, NULL, NULL)) AS t(id, kind, code)"
        )
        problems = Problems()
        found = check_table(frame, VISITS, problems)
        assert (found.rows, found.key_repeats, found.nulls["kind"]) == (3, 2, 1)
        assert {(each.kind.code, each.column, each.count) for each in problems} == {
            ("T004", "kind", 1),
            ("T005", "kind", 1),
            ("T006", "id", 1),
            ("T007", "id", 2),
            ("T008", "code", 1),
        }
        assert "secret" not in "".join(each.as_text() for each in problems)
        problems = Problems()
        check_table(engine.sql("SELECT 'x' AS id, 'a' AS kind, 1 AS more"), VISITS, problems)
        assert [each.kind.code for each in problems] == ["T002", "T001", "T003"]


FIELDS = [
    Field("code", 1, 3, FieldKind.TEXT, lambda text: text if text.isalpha() else None),
    Field("name", 4, 12, FieldKind.TEXT),
    Field("day", 16, 10, FieldKind.DATE),
    Field("pay", 26, 10, FieldKind.CENTS),
    Field("count", 36, 3, FieldKind.INTEGER),
]


def read(path: Path) -> tuple[list[dict], Reading]:
    reading = Reading(path)
    rows = [
        row
        for batch in read_batches(reading, FieldReader(FIELDS, frozenset({"1000-01-01"})), record_length=38, threads=2)
        for row in batch.to_pylist()
    ]
    return rows, reading


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_fixed_width_values(tmp_path: Path, end: str, last: bool) -> None:
    lines = [
        "abc" + "first       " + "2027-03-31" + "     12.30" + "  7",
        "12 " + "            " + "1000-01-01" + "-    12.30" + "007",
        "   " + " inner b    " + "          " + "          " + "   ",
        "x  " + "whole length" + "2028-02-29" + "12.3      " + "7  ",
        "y  " + "Zoë         " + "2027-02-29" + "      1e10" + " 7a",
        "z  " + "large       " + "2027-01-01" + "9999999.99" + "-12",
        "z  " + "zeros       " + "2027-01-01" + "0000000.05" + "  0",
        "z  " + "no point    " + "2027-01-01" + "        12" + "  0",
    ]
    assert all(len(line) == 38 for line in lines)
    path = tmp_path / "f"
    path.write_bytes((end.join(lines) + (end if last else "")).encode("latin-1"))
    rows, reading = read(path)
    assert [(r["code"], r["name"], str(r["day"]), r["pay"], r["count"]) for r in rows] == [
        ("abc", "first", "2027-03-31", 1230, 7),
        (None, None, "None", -1230, 7),
        (None, "inner b", "None", None, None),
        ("x", "whole length", "2028-02-29", 1230, 7),
        ("z", "large", "2027-01-01", 999999999, -12),
        ("z", "zeros", "2027-01-01", 5, 0),
        ("z", "no point", "2027-01-01", 1200, 0),
    ]
    assert (reading.records, reading.broken_records) == (8, 1)
    assert reading.broken == {"day": 1, "pay": 1, "count": 1}
    assert {each.record for each in reading.first_broken} == {5}
    assert reading.unusable == {"code": 1}


def test_fixed_width_lengths(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"")
    assert read(path)[0] == []
    for text in ("x" * 37 + "\n", "x" * 38 + "\n" + "x" * 10, "x" * 38 + "\n\n" + "x" * 38 + "\n", "x" * 77 + "\n"):
        path.write_text(text)
        with pytest.raises(WrongRecordLength):
            read(path)
