"""Cold start: how long a person waits for `openasm --help`."""

from __future__ import annotations

import sys

from benchmarks.measure import Row, measured_command


def run() -> list[Row]:
    """The command's help in a fresh interpreter, against an interpreter that imports the same command-line library."""
    help_page = measured_command(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['openasm', '--help']; from openasm.cli.main import main; main()",
        ],
        repeat=10,
    )
    typer = measured_command([sys.executable, "-c", "import typer.main"], repeat=10)
    return [
        Row(
            name="openasm --help",
            what="fresh interpreter, all commands listed",
            took=help_page,
            reference="a fresh interpreter that imports typer",
            reference_took=typer,
            limit_seconds=0.3,
            note="bound by the start of the interpreter and the import of typer; no engine or array library is loaded",
        )
    ]
