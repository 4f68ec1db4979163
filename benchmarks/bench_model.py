"""The whole model: all participants and their claims, some 100 million lines, from made-up claims to the report."""

from __future__ import annotations

from benchmarks.demonstrations import rows_of_demo
from benchmarks.measure import Row


def run() -> list[Row]:
    """Promised: within 15 minutes and 10 GB of memory on two cores."""
    return rows_of_demo("model", limit_seconds=15 * 60, limit_mb=10 * 1024)
