"""From run folders of `openasm episodes` to what their report says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openasm.archive.run import Run, read_run
from openasm.base.errors import InputRefused, NotFound, WrongUsage, why_unreadable
from openasm.base.identity import masked
from openasm.base.problems import Problem, declare
from openasm.report.content import CostDriver, DriverTable
from openasm.report.episodes_content import (
    COUNTED,
    CohortEpisodes,
    CostlyEpisode,
    EpisodeGroup,
    EpisodesReport,
    ModelLine,
    Service,
    Warned,
)
from openasm.report.from_run import FEW, moment_day, rule_lines
from openasm.report.groups import Row
from openasm.report.practice_view import cost_driver, most_above_peers
from openasm.report.text import words
from openasm.report.titles import COHORT_TITLES, EXCLUSION_TITLES

DAMAGED = declare(
    "D001",
    "a file of a run of `openasm episodes` is missing or damaged",
    expected="the files as the command wrote them",
    next_step="Run `openasm episodes` again, with --replace.",
)

COMMAND = "episodes"
COSTLIEST = 10
MOST_TINS = 40  # rows of practices on a page; a workbook holds all

_TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # texts, numbers
    "cost": (("tin", "npi"), ("episodes", "score")),
    "categories": (("tin", "npi", "category"), ("episodes", "services", "dollars_a_year", "peers_dollars_a_year")),
    "mips": (("tin", "npi"), ("mips_2024_points", "mips_2025_points")),
}
_PATIENT_TABLES: Mapping[str, tuple[str, ...]] = {
    "episodes": ("episode_id", "tin", "annualized_cents", "excluded_reason"),
    "attribution": ("episode_id", "tin", "npi", "attributed"),
    "costliest": (
        *("rank", "episode_id", "beneficiary", "tin", "start_date", "days", "observed_cents", "annualized_cents"),
        *("expected_cents", "ratio", "subgroup"),
    ),
    "timeline": ("episode_id", "date", "setting", "category", "code", "npi", "cents"),
}

Patients = Mapping[str, Sequence[Mapping[str, Any]]]


def is_episodes_run(path: Path) -> bool:
    """Whether a run folder was written by `openasm episodes`. Raises as `read_run`."""
    return bool(read_run(path).manifest.get("command") == COMMAND)


def episodes_report(
    paths: Sequence[Path], *, tins: Sequence[str] = (), npi: str = "", all_tins: bool = False
) -> EpisodesReport:
    """What the report of one or several runs of `openasm episodes` says, a cohort each, of one year.

    tins: practices shown with their clinicians; npi: one clinician alone; all_tins: name every practice, however many. Raises
    NotFound for a TIN or NPI that no run holds, WrongUsage for runs that do not belong together, InputRefused (D001) with
    every file that is missing or damaged.
    """
    runs = [read_run(path) for path in paths]
    _belong_together(runs)
    tables = [_tables_of(run) for run in runs]
    problems = [problem for _, _, found in tables for problem in found]
    if problems:
        raise InputRefused(problems)
    rows = [row for found, _, _ in tables for row in found["cost"]]
    _in_the_runs(rows, tins, npi)
    numbers: dict[str, int] = {}
    return EpisodesReport(
        kind="clinician" if npi else "practice" if tins else "all",
        title=_title(runs, tins, npi),
        year=runs[0].year,
        made=moment_day(max(str(run.manifest.get("ended", "")) for run in runs)),
        program_version=str(runs[0].manifest.get("version", "")),
        cohorts=tuple(
            _cohort(
                run, found, patients, tins=tins, npi=npi, most=len(rows) if all_tins else MOST_TINS, numbers=numbers
            )
            for run, (found, patients, _) in zip(runs, tables, strict=True)
        ),
        made_up=any(row["npi"] for row in rows) and all(row["npi"].startswith("2") for row in rows if row["npi"]),
    )


def _belong_together(runs: Sequence[Run]) -> None:
    for run in runs:
        if run.manifest.get("command") != COMMAND:
            raise WrongUsage(f"{run.path.name} is no run of openasm episodes; several runs in one report must be.")
    cohorts = [str(run.manifest["settings"]["cohort"]) for run in runs]
    if len(set(cohorts)) < len(cohorts):
        raise WrongUsage("Several runs in one report must be of different cohorts.")
    if len({run.year for run in runs}) > 1:
        raise WrongUsage("Several runs in one report must be of one year.")


def _in_the_runs(rows: Sequence[Row], tins: Sequence[str], npi: str) -> None:
    known = {row["tin"] for row in rows}
    for tin in tins:
        if tin not in known:
            raise NotFound(f"TIN {tin} has no counted episode in this run.")
    if npi and not any(row["npi"] == npi and (not tins or row["tin"] in tins) for row in rows):
        raise NotFound(f"NPI {npi} has no counted episode in this run" + (" under that TIN." if tins else "."))


def _title(runs: Sequence[Run], tins: Sequence[str], npi: str) -> str:
    if npi:
        return f"NPI {npi}"
    if tins:
        return f"TIN {masked(tins[0])}" if len(tins) == 1 else f"{len(tins)} practices"
    names = [COHORT_TITLES[run.manifest["settings"]["cohort"]] for run in runs]
    return " and ".join([names[0], *(name.lower() for name in names[1:])]) + " episodes"


def _tables_of(run: Run) -> tuple[dict[str, list[Row]], Patients | None, list[Problem]]:
    """The tables of `scores/` and of `patients/` (None where that folder is not there), and what is wrong with them."""
    problems: list[Problem] = []
    found: dict[str, list[Row]] = {}
    for name, (texts, numbers) in _TABLES.items():
        file = f"scores/{name}.csv"
        if not run.has_table(name):
            problems.append(Problem(DAMAGED, file, found="no such file"))
            continue
        try:
            found[name] = list(run.table(name).rows())
        except InputRefused as refused:
            problems += refused.problems
            continue
        columns = run.table(name).columns
        problems += [
            Problem(DAMAGED, file, column=each, found="no such column")
            for each in (*texts, *numbers)
            if each not in columns
        ]
        for column in numbers:
            for place, text in enumerate(columns.get(column, ()), start=2):
                if text and not _is_number(text):
                    problems.append(Problem(DAMAGED, file, row=place, column=column, found="no number"))
                    break
    patients: dict[str, Sequence[Mapping[str, Any]]] = {}
    if not (run.path / "patients").exists():
        return found, None, problems
    for name, wanted in _PATIENT_TABLES.items():
        try:
            patients[name] = _parquet(run.path / "patients" / f"{name}.parquet", wanted)
        except (OSError, ValueError, KeyError) as error:
            problems.append(Problem(DAMAGED, f"patients/{name}.parquet", found=why_unreadable(error)))
    return found, patients, problems


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parquet(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq  # loaded only when such a report is made

    rows: list[dict[str, Any]] = pq.read_table(path).select(list(columns)).to_pylist()
    return rows


def _cohort(
    run: Run,
    tables: Mapping[str, Sequence[Row]],
    patients: Patients | None,
    *,
    tins: Sequence[str],
    npi: str,
    most: int,
    numbers: dict[str, int],
) -> CohortEpisodes:
    manifest, settings, counts = run.manifest, run.manifest["settings"], run.manifest["counts"]
    cohort = str(settings["cohort"])
    chosen = [row for row in tables["cost"] if (not tins or row["tin"] in tins) and (not npi or row["npi"] == npi)]
    shown_tins = {row["tin"] for row in chosen}
    named = bool(tins or npi)
    detailed = named or len(shown_tins) <= FEW
    groups = _groups(tables, patients, shown_tins, npi=npi, with_clinicians=detailed)
    listed = groups if detailed else groups[:most]
    drivers = _drivers(cohort, tables["categories"], groups) if detailed else ()
    return CohortEpisodes(
        cohort=cohort,
        title=COHORT_TITLES[cohort],
        run_name=str(manifest.get("name", run.path.name)),
        measure=str(settings["measure"]),
        mips_years=tuple(name[5:9] for name in _TABLES["mips"][1]),
        groups=tuple(listed),
        further=len(groups) - len(listed),
        reasons=tuple((_reason(name), int(count)) for name, count in counts["episodes_by_reason"].items()),
        national_mean=counts["national_mean_dollars"],
        mean_is_supplied=bool(counts["national_mean_supplied"]),
        models=tuple(
            ModelLine(str(each["model"]), words(str(each["basis"])), int(each["episodes"]), int(each["outliers"]))
            for each in counts["models"]
        ),
        drivers=drivers,
        differences=_differences(row for row in tables["categories"] if row["tin"] in shown_tins),
        costliest=_costliest(patients, shown_tins, npi, numbers, cohort) if patients else (),
        with_patients=patients is not None,
        demonstration=bool(settings["codes_list"]["demonstration"]),
        warnings=_warnings(manifest.get("problems", ())),
        notes=tuple(manifest.get("notes", ())),
        rules=rule_lines(run),
        inputs=tuple((str(each["name"]), str(each["sha256"])) for each in manifest.get("inputs", ())),
    )


def _reason(name: str) -> str:
    if name == "counted":
        return COUNTED
    return EXCLUSION_TITLES.get(name, f"excluded as {name}")


def _groups(
    tables: Mapping[str, Sequence[Row]],
    patients: Patients | None,
    tins: set[str],
    *,
    npi: str,
    with_clinicians: bool,
) -> list[EpisodeGroup]:
    """The practices with most episodes first, each before its clinicians."""
    points = {(row["tin"], row["npi"]): row for row in tables["mips"]}
    amounts = _amounts(patients, tins) if patients else {}
    found = []
    for row in tables["cost"]:
        if row["tin"] not in tins or (row["npi"] and (not with_clinicians or (npi and row["npi"] != npi))):
            continue
        key = (row["tin"], row["npi"])
        own = amounts.get(key, [])
        earned = points.get(key, {})
        found.append(
            EpisodeGroup(
                tin=row["tin"],
                npi=row["npi"],
                episodes=int(row["episodes"]),
                score=float(row["score"]),
                mean=sum(own) / len(own) / 100 if own else None,
                lowest=min(own) / 100 if own else None,
                highest=max(own) / 100 if own else None,
                mips=tuple(float(earned[name]) if earned.get(name) else None for name in _TABLES["mips"][1]),
            )
        )
    size = {each.tin: each.episodes for each in found if not each.npi}
    return sorted(found, key=lambda each: (-size[each.tin], each.tin, bool(each.npi), -each.episodes, each.npi))


def _amounts(patients: Patients, tins: set[str]) -> dict[tuple[str, str], list[int]]:
    """Annualized cents of the counted episodes of each TIN and clinician."""
    counted = {
        row["episode_id"]: row for row in patients["episodes"] if row["tin"] in tins and row["excluded_reason"] is None
    }
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in counted.values():
        found[row["tin"], ""].append(row["annualized_cents"])
    for row in patients["attribution"]:
        if row["attributed"] and row["episode_id"] in counted:
            found[row["tin"], row["npi"]].append(counted[row["episode_id"]]["annualized_cents"])
    return found


def _drivers(cohort: str, rows: Sequence[Row], groups: Sequence[EpisodeGroup]) -> tuple[DriverTable, ...]:
    """Services against peers of the practices shown; of their clinicians too where these are few."""
    found: dict[tuple[str, str], list[CostDriver]] = defaultdict(list)
    for row in rows:
        found[row["tin"], row["npi"]].append(cost_driver(row))
    tins = {each.tin for each in groups}
    with_clinicians = len(tins) == 1 and len(groups) <= FEW + 1
    return tuple(
        DriverTable(
            cohort,
            COHORT_TITLES[cohort],
            each.tin,
            each.npi,
            each.label,
            tuple(sorted(found[each.tin, each.npi], key=most_above_peers)),
        )
        for each in groups
        if (with_clinicians or not each.npi) and (each.tin, each.npi) in found
    )


def _differences(rows: Iterable[Row]) -> tuple[tuple[str, CostDriver], ...]:
    """The practices' categories that lie most above their peers."""
    found = [(row["tin"], cost_driver(row)) for row in rows if not row["npi"]]
    above = [(tin, driver) for tin, driver in found if driver.difference is not None and driver.difference > 0]
    return tuple(sorted(above, key=lambda each: (*most_above_peers(each[1]), each[0]))[:COSTLIEST])


def _costliest(
    patients: Patients, tins: set[str], npi: str, numbers: dict[str, int], cohort: str
) -> tuple[CostlyEpisode, ...]:
    """The costliest episodes of those shown. numbers: beneficiaries and their numbers so far, added to."""
    holders: dict[str, list[str]] = defaultdict(list)
    for row in patients["attribution"]:
        if row["attributed"]:
            holders[row["episode_id"]].append(row["npi"])
    rows = [
        row
        for row in patients["costliest"]
        if row["tin"] in tins and (not npi or npi in holders.get(row["episode_id"], ()))
    ]
    rows = sorted(rows, key=lambda row: (-row["annualized_cents"], row["tin"], row["rank"]))[:COSTLIEST]
    services: dict[str, list[Service]] = {row["episode_id"]: [] for row in rows}
    starts = {row["episode_id"]: row["start_date"] for row in rows}
    for row in patients["timeline"]:
        if row["episode_id"] in services:
            services[row["episode_id"]].append(
                Service(
                    day=(row["date"] - starts[row["episode_id"]]).days + 1,
                    setting=row["setting"],
                    category=row["category"],
                    code=row["code"] or "",
                    npi=row["npi"] or "",
                    dollars=row["cents"] / 100,
                )
            )
    return tuple(
        CostlyEpisode(
            key=f"{cohort}-{place}",
            tin=row["tin"],
            rank=row["rank"],
            patient=numbers.setdefault(row["beneficiary"], len(numbers) + 1),
            npis=tuple(sorted(holders.get(row["episode_id"], ()))),
            subgroup=row["subgroup"] or "",
            days=row["days"],
            observed=row["observed_cents"] / 100,
            annualized=row["annualized_cents"] / 100,
            expected=None if row["expected_cents"] is None else row["expected_cents"] / 100,
            ratio=row["ratio"],
            services=tuple(services[row["episode_id"]]),
        )
        for place, row in enumerate(rows, start=1)
    )


def _warnings(problems: Iterable[Mapping[str, Any]]) -> tuple[Warned, ...]:
    """Warnings of one code together, in the order in which they came."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for each in problems:
        kinds.setdefault(str(each["code"]), []).append(each)
    return tuple(
        Warned(
            code=code,
            title=str(members[0]["title"]),
            found=tuple(
                ": ".join(filter(None, (str(each.get("column") or ""), words(str(each.get("found") or "")))))
                for each in members
                if each.get("column") or each.get("found")
            ),
            expected=str(members[0].get("expected") or ""),
            next_step=str(members[0]["next_step"]),
        )
        for code, members in kinds.items()
    )
