"""Letting go of DuckDB before the interpreter ends."""

from __future__ import annotations

import gc
import sys


def let_go_of_duckdb() -> None:
    """Let go of connections and of DuckDB's type objects while the interpreter still can; nothing may use DuckDB afterwards.

    Left to the end of the process they outlive it and DuckDB's binding layer fills standard error with a report of leaks
    (seen with duckdb 2.0 and narwhals 2.29).
    """
    held = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith(("duckdb", "_duckdb", "narwhals._duckdb")) and vars(module)
    ]
    if not held:
        return
    gc.collect()  # connections in cycles
    for module in held:
        vars(module).clear()
