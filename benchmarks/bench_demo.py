"""The demonstration at its usual size: a group of 40 clinicians with its peers, from made-up claims to the report."""

from __future__ import annotations

from benchmarks.demonstrations import row_of_fresh_clone, rows_of_demo
from benchmarks.measure import Row


def run() -> list[Row]:
    """Promised: within three minutes on two cores, installation included, of which the run may take 75 seconds."""
    return [*rows_of_demo("practice", limit_seconds=75), row_of_fresh_clone(limit_seconds=180)]
