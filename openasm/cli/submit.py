"""`openasm submit`: a submission as files, checked; it never sends anything."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.base.problems import Problems
from openasm.cli.submit_advice import AsJson, RuleFiles, RunFolder, Tin, compare, mips, plan, words_of

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Files for CMS: prepare, check, compare, receipts. It never sends."
)

FormatFiles = Annotated[
    list[Path] | None,
    typer.Option("--formats", metavar="FILE", help="File of your own format values with citations; repeatable."),
]


app.command("plan")(plan)
app.command("compare")(compare)
app.command("mips")(mips)


@app.callback()
def _group() -> None:
    """Files for CMS: prepare, check, compare, receipts. It never sends."""


@app.command("blanks")
def blanks(
    run: RunFolder,
    tin: Tin,
    out: Annotated[Path, typer.Option("--out", help="Folder for the practice's own files.")],
    rules: RuleFiles = None,
    formats: FormatFiles = None,
) -> None:
    """Write the practice's own files with all that has to be filled in."""
    from openasm.archive.run import read_run
    from openasm.regulation.rulebook import rules_for
    from openasm.submission.blanks import write_blanks
    from openasm.submission.formats import formats_for

    source = read_run(run)
    paths = write_blanks(
        source,
        tin,
        out,
        formats=formats_for(source.year, overlays=formats or ()),
        rules=rules_for(source.year, overlays=rules or ()),
    )
    for path in paths:
        typer.echo(f"  {path}")
    typer.echo("Fill in every empty field; leave a row out where it does not apply.")
    typer.echo("Next: openasm submit counts QUALITY_RUN --tin TIN --demographics RECORDS --out supplemental.csv")


@app.command("counts")
def counts(
    quality: Annotated[
        Path,
        typer.Argument(
            metavar="QUALITY_RUN",
            help="A run of `openasm quality` with --tin, --roster or --attribution, or of `openasm run`.",
        ),
    ],
    tin: Tin,
    demographics: Annotated[
        Path, typer.Option("--demographics", help="The FHIR records, or a table: patient, sex, race, ethnicity, payer.")
    ],
    out: Annotated[Path, typer.Option("--out", help="supplemental.csv to write.")],
    attribution: Annotated[
        Path | None,
        typer.Option("--attribution", help="The file of patients that the quality run was made with, if it was."),
    ] = None,
    year: Annotated[int, typer.Option("--year", help="Performance year of the formats.")] = 2027,
) -> None:
    """Count populations by sex, race, ethnicity and payer, as QRDA III asks for."""
    from openasm.runs.handing_in.demographics import read_demographics
    from openasm.runs.handing_in.supplemental import count_supplemental, write_supplemental
    from openasm.submission.formats import formats_for

    if out.exists():
        raise WrongUsage(f"{out.name} exists; give another name with --out.")
    in_force = formats_for(year)
    problems = Problems()
    people = read_demographics(demographics, formats=in_force, problems=problems)
    problems.refuse_errors()
    found = count_supplemental(
        quality, tin=tin, demographics=people, formats=in_force, problems=problems, attribution=attribution
    )
    rows = write_supplemental(out, found)
    _echo_titled("Warnings:", [each.as_text() for each in problems.warnings])
    typer.echo(f"{out}: {rows:,} rows of {found.patients:,} patients.")
    typer.echo(f"Next: openasm submit prepare RUN --tin {tin} --inputs {shlex.quote(str(out.parent))} --out PACKAGE")


@app.command("prepare")
def prepare(
    run: RunFolder,
    tin: Tin,
    inputs: Annotated[
        Path,
        typer.Option(
            "--inputs", help="Folder with practice.csv, identifiers.csv, supplemental.csv, interoperability.csv."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Package folder to write; it must not exist yet.")],
    npi: Annotated[str, typer.Option("--npi", help="Only this clinician.")] = "",
    level: Annotated[
        str, typer.Option("--level", help="individual, tin, both, or auto: the only one there is.")
    ] = "auto",
    write: Annotated[str, typer.Option("--write", help="Kinds of files, any of qrda3,qpp,fhir.")] = "qrda3,qpp,fhir",
    zip_too: Annotated[bool, typer.Option("--zip", help="Write OUT.zip as well.")] = False,
    rules: RuleFiles = None,
    formats: FormatFiles = None,
    as_json: AsJson = False,
) -> None:
    """Check a practice's results and attestations, and write them as files for CMS."""
    from openasm.archive.run import read_run
    from openasm.regulation.rulebook import rules_for
    from openasm.submission.formats import formats_for
    from openasm.submission.gathering import FILE_KINDS, LEVELS, Wanted
    from openasm.submission.inputs import read_submission_inputs
    from openasm.submission.package import prepare as prepare_package
    from openasm.submission.package import zip_package

    wanted_files = tuple(dict.fromkeys(words_of(write)))
    if not wanted_files or not set(wanted_files) <= set(FILE_KINDS):
        raise WrongUsage(f"--write takes any of {', '.join(FILE_KINDS)}, with commas between.")
    if level not in LEVELS:
        raise WrongUsage(f"--level is one of {', '.join(LEVELS)}.")
    archive = out.with_name(f"{out.name}.zip")
    if zip_too and archive.exists():
        raise WrongUsage(f"{archive.name} exists; give another name with --out.")
    source = read_run(run)
    problems = Problems()
    in_force = formats_for(source.year, overlays=formats or ())
    package = prepare_package(
        source,
        read_submission_inputs(inputs, formats=in_force, problems=problems),
        out,
        formats=in_force,
        rules=rules_for(source.year, overlays=rules or ()),
        wanted=Wanted(tin, npi, level, wanted_files),
        moment=dt.datetime.now(dt.UTC),
        problems=problems,
    )
    if zip_too:
        zip_package(out, archive)
    if as_json:
        record = {
            "out": str(out),
            "files": [each.record() for each in package.files],
            "left_out": [{"what": each.what, "why": each.why, "cost": each.cost} for each in package.left_out],
            "warnings": [each.as_record() for each in package.warnings],
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo(f"Package {out}: {len(package.files)} files. Nothing was sent.")
    for each in package.files:
        typer.echo(f"  {each.name}: {each.about}")
    _echo_titled("Left out:", [f"{each.what}: {each.why}" for each in package.left_out])
    _echo_titled("Warnings:", [each.as_text() for each in package.warnings])
    typer.echo(
        f"Next: read {shlex.quote(str(out / 'summary.html'))}, then openasm submit check {shlex.quote(str(out))}"
    )


@app.command("check")
def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A package, its zip, a QRDA III file (.xml) or a QPP file (.json).")
    ],
    year: Annotated[int, typer.Option("--year", help="Performance year of the rules.")] = 2027,
    formats: FormatFiles = None,
    as_json: AsJson = False,
) -> None:
    """Check a package, or any QRDA III or QPP file, against CMS's rules of the year."""
    from openasm.submission.formats import formats_for
    from openasm.submission.package import check_package
    from openasm.submission.qpp_check import check_qpp
    from openasm.submission.qrda3_check import check_qrda3

    if not path.exists():
        raise NotFound(f"There is no file or folder {path.name}.")
    in_force = formats_for(year, overlays=formats or ())
    problems = Problems()
    if path.is_file() and path.suffix.lower() == ".xml":
        check_qrda3(path.read_bytes(), path.name, formats=in_force, problems=problems)
    elif path.is_file() and path.suffix.lower() == ".json":
        check_qpp(path.read_bytes(), path.name, formats=in_force, problems=problems)
    else:
        check_package(path, formats=in_force, problems=problems)
    if as_json:
        record = {"path": str(path), "good": not problems.errors, "problems": [each.as_record() for each in problems]}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        if problems.errors:
            raise typer.Exit(InputRefused.exit_code)
        return
    problems.refuse_errors()
    _echo_titled("Warnings:", [each.as_text() for each in problems.warnings])
    typer.echo(f"{path.name}: nothing is wrong with it by the rules of {year}.")


@app.command("receipt")
def receipt(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE", help="A package folder.")],
    number: Annotated[str, typer.Option("--number", help="CMS's confirmation number.")],
    at: Annotated[
        str, typer.Option("--at", help="When CMS took it, as in 2028-03-20T14:05 (UTC unless it says otherwise).")
    ],
    by: Annotated[str, typer.Option("--by", help="Who records it.")],
    note: Annotated[str, typer.Option("--note", help="A remark.")] = "",
) -> None:
    """Record by hand that CMS took a package; receipts are only ever added."""
    from openasm.submission.receipts import RECEIPTS, Receipt, add_receipt

    if not package.is_dir():
        raise NotFound(f"There is no package {package.name}.")
    try:
        moment = dt.datetime.fromisoformat(at)
    except ValueError:
        raise WrongUsage("--at takes a moment, as in 2028-03-20T14:05.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    now = dt.datetime.now(dt.UTC)
    if moment > now:
        raise WrongUsage("--at lies in the future.")
    count = add_receipt(package, Receipt(number, moment, now, by, note))
    typer.echo(f"Receipt {count} recorded in {package / RECEIPTS}.")
    typer.echo(f"Next: openasm submit check {shlex.quote(str(package))}")


def _echo_titled(title: str, lines: Sequence[str]) -> None:
    if lines:
        typer.echo(title)
        for line in lines:
            typer.echo(f"  {line}")
