"""The command `openasm`: finds the asked-for command and runs it; each command is a file beside this one.

Command modules are loaded only when called, so that `openasm --help` starts quickly. A module holds one Typer `app` with one
or more commands of its own.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from openasm import __version__
from openasm.base.duckdb_end import let_go_of_duckdb
from openasm.base.errors import InputRefused, OpenAsmError
from openasm.base.problems import in_reading_order

# command -> (module holding its Typer `app`, one line for the list of commands)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("openasm.cli.demo", "A made-up practice through the whole path, with its report."),
    "run": ("openasm.cli.run", "The whole chain from a configuration; only what changed is computed again."),
    "lookup": ("openasm.cli.lookup", "Am I in: by NPI, name, practice, state, ZIP or county."),
    "roster": ("openasm.cli.roster", "Which of my clinicians are in, under which TIN: a roster against the list."),
    "eligibility": ("openasm.cli.eligibility", "Who takes part by the claims: the four tests with their numbers."),
    "data": ("openasm.cli.data", "Official public files: add, fetch, list, verify, compare."),
    "report": ("openasm.cli.report", "A run as a page (HTML), a workbook (XLSX) or a PDF."),
    "policy": ("openasm.cli.policy", "Whole cohorts: who gains and loses, and what changed rules would do."),
    "rules": ("openasm.cli.rules", "Every rule value: unit, citation, evidence status."),
    "claims": ("openasm.cli.claims", "Medicare claims: load them into one shape, check them."),
    "episodes": ("openasm.cli.episodes", "Episodes and cost measure scores from claims."),
    "synth": ("openasm.cli.synth", "Made-up claims with a truth file, for trying things out."),
    "quality": ("openasm.cli.quality", "eCQM populations, rates and gaps from FHIR records."),
    "admissions": ("openasm.cli.admissions", "Observed cardiovascular admissions from claims, beside measure 492."),
    "functional-status": (
        "openasm.cli.functional_status",
        "Functional status change of treatment episodes (measure 220).",
    ),
    "cds-hooks": ("openasm.cli.cds_hooks", "A CDS Hooks service: open gaps while the patient's chart is open."),
    "score": ("openasm.cli.score", "Final scores and payment adjustments of a folder of inputs."),
    "explain": ("openasm.cli.explain", "The trail behind one participant's numbers, in words."),
    "trend": ("openasm.cli.trend", "Rates and cost over time, and where they may stand at the end of the year."),
    "export": ("openasm.cli.export", "A run for sharing: pseudonyms, moved dates, small counts hidden."),
    "compare": ("openasm.cli.compare", "What changed between two runs, and why."),
    "submit": ("openasm.cli.submit", "Files for CMS: prepare, check, compare levels, record receipts. It never sends."),
    "project": ("openasm.cli.project", "What the payment may be, how sure that is, and what would help."),
    "serve": ("openasm.cli.serve", "The workbench: a web application for a practice's every day."),
    "publish": ("openasm.cli.publish", "A finished run into the workbench."),
    "audit": ("openasm.cli.audit", "The workbench's events: verify the chain, export them."),
    "remind": ("openasm.cli.remind", "Mails about what is due in the readiness plans."),
    "backup": ("openasm.cli.backup", "A copy of the workbench's data, taken while it runs."),
    "restore": ("openasm.cli.restore", "A backup into a new data folder."),
}


class _LazyGroup(TyperGroup):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the signature is Typer's)
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module_name, summary = COMMANDS[cmd_name]
        if not _running(ctx, cmd_name):
            return _Summary(cmd_name, summary)
        command = typer.main.get_command(importlib.import_module(module_name).app)
        command.name = cmd_name
        return command


def _running(ctx: Any, cmd_name: str) -> bool:
    """Whether the command is about to run, rather than only being listed in the help."""
    return cmd_name in sys.argv[1:] or bool(getattr(ctx, "resilient_parsing", False))


class _Summary(typer.core.TyperCommand):
    """What the list of commands shows of one that has not been loaded."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name=name, help=summary, rich_help_panel=None)


app = typer.Typer(
    cls=_LazyGroup,
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: laying it out with rich costs more than everything else together
    help="OpenASM: the open engine for CMS's Ambulatory Specialty Model (42 CFR part 512 subpart G).",
)


def _print_version(asked: bool) -> None:
    """Runs while the options are read: later a group without a command is wrong usage already."""
    if asked:
        typer.echo(f"openasm {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; every failure ends with its exit code and no traceback."""
    atexit.register(_end)
    code = _exit_code_of_failure()
    # The failure and its frames are gone by now, so that `_end` can let go of what they held, an engine's connection above all.
    sys.exit(code)


def _end() -> None:
    """Spare the interpreter its last search of all it holds for cycles: a tenth of a second for nothing, engines apart."""
    let_go_of_duckdb()
    gc.freeze()


def _exit_code_of_failure() -> int:
    """Run the command and say what went wrong; a command that goes well ends the program by itself."""
    try:
        app()
    except InputRefused as refused:
        count = len(refused.problems)
        print(f"Input refused: {count} problem{'s' if count != 1 else ''}; nothing was written.", file=sys.stderr)  # noqa: T201
        for problem in in_reading_order(refused.problems):
            print(f"  {problem.as_text()}", file=sys.stderr)  # noqa: T201
        return refused.exit_code
    except OpenAsmError as error:
        print(str(error), file=sys.stderr)  # noqa: T201
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except MemoryError:
        print("Not enough memory. Close other programs or give a smaller input.", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        name = os.path.basename(error.filename) if isinstance(error.filename, str) else "a file"
        print(f"Cannot read or write {name}: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return 3
    except Exception as error:
        if os.environ.get("OPENASM_DEBUG"):
            raise
        print(  # noqa: T201
            f"A defect of OpenASM ({type(error).__name__}); earlier results are untouched. Please report the command and "
            "the version; OPENASM_DEBUG=1 shows details, which may hold data: look before sending them.",
            file=sys.stderr,
        )
        return 1
    return 0
