"""Problems as they are read: where they stand, and in which order."""

from __future__ import annotations

from openasm.base.files import COLUMN_MISSING, VALUE_MISSING
from openasm.base.problems import Problem, Problems, in_reading_order


def test_a_missing_column_stands_in_no_row() -> None:
    assert Problem(COLUMN_MISSING, "quality.csv", 0, "met").where == "quality.csv, column met"
    assert Problem(VALUE_MISSING, "quality.csv", 3, "met").where == "quality.csv, row 3, column met"
    assert Problem(VALUE_MISSING, "rules.yaml", 3, "met").where == "rules.yaml, line 3, met"


def test_problems_are_listed_file_by_file_and_row_by_row() -> None:
    problems = Problems(per_kind=2)
    for file, rows in (("b.csv", (9, 4, 5)), ("a.csv", (2,))):
        for column in ("met", "eligible"):
            for row in rows:
                problems.add(VALUE_MISSING, file, row=row, column=column)
    problems.add(COLUMN_MISSING, "b.csv", row=0, column="tin")
    listed = [(each.file, each.row, each.column) for each in in_reading_order(problems)]
    assert listed == [
        ("b.csv", 0, "tin"),
        ("b.csv", 4, "eligible"),
        ("b.csv", 4, "met"),
        ("b.csv", 9, "eligible"),
        ("b.csv", 9, "met"),
        ("b.csv", None, "eligible"),  # further ones of the same kind
        ("b.csv", None, "met"),
        ("a.csv", 2, "eligible"),
        ("a.csv", 2, "met"),
    ]
