"""`openasm explain`: how one participant's numbers came about, step by step."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.archive.explanation import explain_participant
from openasm.archive.run import read_run

app = typer.Typer(add_completion=False)


@app.command()
def explain(
    run: Annotated[Path, typer.Argument(help="Run folder written by `openasm score`.")],
    tin: Annotated[str, typer.Option("--tin", help="TIN, nine digits.")],
    npi: Annotated[str, typer.Option("--npi", help="NPI, ten digits.")],
    cohort: Annotated[
        str | None, typer.Option("--cohort", help="heart_failure or low_back_pain; both if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Explain one participant: every step with its numbers, its citation and how sure the rule is."""
    explanations = explain_participant(read_run(run), tin=tin, npi=npi, cohort=cohort)
    if as_json:
        records = [each.as_record() for each in explanations]
        typer.echo(json.dumps({"explanations": records}, ensure_ascii=False, indent=2))
        return
    for each in explanations:
        typer.echo(each.as_text())
        typer.echo("")
    typer.echo(f"Next: openasm project {shlex.quote(str(run))} --tin {tin} --npi {npi}")
