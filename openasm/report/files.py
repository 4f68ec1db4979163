"""Report files: the page, the workbook and the PDF of a run, written whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.report import episodes_page, episodes_workbook, html, workbook
from openasm.report.from_episodes import episodes_report
from openasm.report.from_run import report_of

FORMATS = ("html", "xlsx", "pdf")
EPISODES_FORMATS = ("html", "xlsx")


def write_report(
    run: Path,
    *,
    form: str = "html",
    tins: Sequence[str] = (),
    npi: str = "",
    out: Path | None = None,
    run_name: str = "",
    pages: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write a run's report and return its path (`report.html` or `report.xlsx` in the run unless `out` says otherwise).

    run_name: how commands printed in it name the run; pages: files beside the page and their titles, which it links to. Raises NotFound for a TIN or NPI that is not in it.
    """
    if form not in FORMATS:
        raise WrongUsage(f"There is no report format {form}; choose one of {', '.join(FORMATS)}.")
    report = report_of(run, tins=tins, npi=npi)
    target = out or run / f"report.{form}"
    if form == "xlsx":
        workbook.write(report, target)
    elif form == "pdf":
        from openasm.report import pdf  # loads ReportLab: not needed by the others

        pdf.write(report, target, run_name=run_name or run.name)
    else:
        with written_whole(target) as stream:
            stream.write(html.render(report, run_name=run_name or run.name, pages=pages))
    return target


def write_episodes_report(
    runs: Sequence[Path],
    *,
    form: str = "html",
    tins: Sequence[str] = (),
    npi: str = "",
    out: Path | None = None,
    run_name: str = "",
) -> Path:
    """Write the report on one or several runs of `openasm episodes` (a cohort each) and return its path, in the first run unless `out` says otherwise.

    It tells of patients, though it names none: its owner alone may read it (mode 0600). Raises as `episodes_report`.
    """
    if form not in EPISODES_FORMATS:
        raise WrongUsage(f"The report on episodes is written as {' or '.join(EPISODES_FORMATS)}, not as {form}.")
    report = episodes_report(runs, tins=tins, npi=npi, all_tins=form == "xlsx")
    target = out or runs[0] / f"report.{form}"
    if form == "xlsx":
        episodes_workbook.write(report, target)
    else:
        with written_whole(target, private=True) as stream:
            stream.write(episodes_page.render(report, run_name=run_name or runs[0].name))
    return target
