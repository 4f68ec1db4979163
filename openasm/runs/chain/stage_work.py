"""What each stage of a configured run does: the same functions as the commands, on the stages before it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from openasm.archive.projection import write_projection
from openasm.archive.run import read_run
from openasm.archive.tables import read_csv
from openasm.base.fields import Column
from openasm.base.files import COLUMN_UNKNOWN, read_table, tin, written_whole
from openasm.base.problems import Problems
from openasm.claims.folder import open_claims
from openasm.claims.loading import load_claims
from openasm.episodes.primary_care import asm_beneficiaries, primary_care_rules
from openasm.participants.roster import ROSTER_COLUMNS as ELIGIBILITY_ROSTER
from openasm.projection.project import Request, project
from openasm.quality.attribution import AttributedCounts, CountKey
from openasm.quality.on_spark import results_of_units
from openasm.quality.populations import Tally
from openasm.quality.specification import specification_for
from openasm.quality.worklist import Worth, worklist_text
from openasm.regulation.rulebook import rules_for
from openasm.runs.chain.configuration import Configuration
from openasm.runs.chain.joined_inputs import Sources, join_inputs
from openasm.runs.chain.stage_graph import Outcome, Work
from openasm.runs.comparison.looking_back import write_change, write_trends
from openasm.runs.cost.claims_watch import practice_months, write_practice_months
from openasm.runs.cost.episodes import run_episodes
from openasm.runs.cost.primary_care import screenings_of_records, write_primary_care
from openasm.runs.handing_in.submission import write_level_choices
from openasm.runs.measures.admissions import run_admissions
from openasm.runs.measures.gap_worth import worth_for_patients, worth_of_gaps, write_gap_worth
from openasm.runs.measures.quality import run_quality
from openasm.runs.measures.whose_patients import ROSTER_COLUMNS as QUALITY_ROSTER
from openasm.runs.measures.whose_patients import WhosePatients
from openasm.runs.scoring.run import score_folder
from openasm.runs.who_is_in.eligibility import run_eligibility
from openasm.runs.who_is_in.sources import EligibilityInputs
from openasm.tables.engine import open_engine
from openasm.tables.spark_engine import SparkEngine

COHORTS = ("heart_failure", "low_back_pain")


@dataclass(frozen=True, slots=True)
class Means:
    """How the work is done; changes no result. jobs: processes and threads; memory: bytes; shown_as: how commands in the
    report name the run; step: told what a stage is at."""

    now: Callable[[], dt.datetime]
    engine: str = "duckdb"
    jobs: int = 1
    memory: int | None = None
    spill: Path | None = None
    shown_as: str = ""
    step: Callable[[str], None] = field(default=lambda _: None)

    def of_engine(self) -> dict[str, Any]:
        """The engine's part, as the runs take it."""
        return {
            "engine_name": self.engine,
            "memory_bytes": self.memory,
            "threads": self.jobs,
            "spill_folder": self.spill,
        }


def load(work: Work, configuration: Configuration, means: Means) -> Outcome:
    """Deliveries to one CLAIMS folder. Loading has an engine of its own: deliveries are files of one machine."""
    section = configuration.claims
    manifest = load_claims(
        section.format,
        section.sources,
        work.out,
        memory_bytes=means.memory,
        threads=means.jobs,
        data_end=section.data_end,
        cclf_version=section.cclf_version,
    )
    counts = {name: manifest[name] for name in ("tables", "data_start", "data_end", "cost_basis")}
    return Outcome(tuple(manifest["problems"]), tuple(manifest["notes"]), counts)


def claims_by_practice(work: Work, configuration: Configuration, means: Means, claims: Path | None) -> Outcome:
    """One's own practices' claims month by month; of everybody where these are not known."""
    problems = Problems()
    folder = claims or work.before["claims"].out
    with open_engine(means.engine, memory_bytes=means.memory, threads=means.jobs, spill_folder=means.spill) as engine:
        months = practice_months(open_claims(folder, engine), engine, own_tins(configuration))
    write_practice_months(months, work.out / "scores" / "claims_by_practice.csv", problems, file="claim_lines")
    return Outcome(tuple(each.as_record() for each in problems))


def episodes(
    work: Work, configuration: Configuration, means: Means, *, claims: Path | None, cohort: str, codes: Path, year: int
) -> Outcome:
    """A cohort's episodes of a year. claims: a loaded folder, None for that of the stage before."""
    run_episodes(
        claims or work.before["claims"].out,
        work.out,
        cohort=cohort,
        codes_file=codes,
        year=year,
        now=means.now,
        overlays=configuration.codes.overlays,
        progress=means.step,
        **means.of_engine(),
    )
    outcome = outcome_of_run(work.out)
    manifest = json.loads((work.out / "manifest.json").read_text(encoding="utf-8"))
    return replace(outcome, counts={**outcome.counts, "data_end": manifest["settings"]["claims_to"]})


def primary_care(work: Work, configuration: Configuration, means: Means, claims: Path | None) -> Outcome:
    """Who sees one's own ASM beneficiaries for primary care, and screenings found; of everybody's where one's own are not known."""
    year = configuration.run.cost_year
    rules = primary_care_rules(configuration.run.year)
    prefix = "episodes-"
    episodes = [
        (name.removeprefix(prefix), entry.out / "patients")
        for name, entry in work.before.items()
        if name.startswith(prefix)
    ]
    recorded = screenings_of_records(configuration.records.source, year=year, rules=rules)
    folder = claims or work.before["claims"].out
    with open_engine(means.engine, memory_bytes=means.memory, threads=means.jobs, spill_folder=means.spill) as engine:
        people = asm_beneficiaries(
            open_claims(folder, engine),
            engine,
            episodes=episodes,
            year=year,
            rules=rules,
            tins=own_tins(configuration),
            recorded=recorded,
        )
    return Outcome(counts=write_primary_care(people, work.out))


def admissions(work: Work, configuration: Configuration, means: Means, claims: Path | None) -> Outcome:
    """Observed admissions beside measure 492."""
    section = configuration.admissions
    assert section.codes is not None
    run_admissions(
        claims or work.before["claims"].out,
        work.out,
        codes_file=section.codes,
        year=section.year,
        now=means.now,
        **means.of_engine(),
    )
    return outcome_of_run(work.out)


def eligibility(work: Work, configuration: Configuration, means: Means, inputs: EligibilityInputs) -> Outcome:
    """Who takes part. inputs: without claims of a stage and without episodes, which come from the stages before."""
    claims = work.before["claims"].out if "claims" in work.before else inputs.claims
    prefix = "eligibility-episodes-"
    found = {name.removeprefix(prefix): entry.out for name, entry in work.before.items() if name.startswith(prefix)}
    run_eligibility(
        replace(inputs, claims=claims, episodes=found),
        work.out,
        performance_year=configuration.run.year,
        assume_year=configuration.run.assume_year,
        now=means.now,
        progress=means.step,
        **means.of_engine(),
    )
    return _roster_known_as_a_whole(outcome_of_run(work.out), configuration)


def quality(work: Work, configuration: Configuration, means: Means, measures: Sequence[str]) -> Outcome:
    """Populations, rates, gaps and worklist of the records."""
    section = configuration.records
    assert section.source is not None
    assert section.value_sets is not None
    how: dict[str, Any] = {
        "value_sets": section.value_sets,
        "year": configuration.run.records_year,
        "measures": measures,
        "now": means.now,
        "whose": whose_patients(configuration),
        "as_of": section.as_of,
        "progress": lambda patients: means.step(f"{patients:,} patients"),
    }
    if means.engine == "spark":
        with open_engine("spark", memory_bytes=means.memory, threads=means.jobs, spill_folder=means.spill) as engine:
            assert isinstance(engine, SparkEngine)
            run_quality(section.source, work.out, jobs=1, cluster=partial(results_of_units, engine.session), **how)
    else:
        run_quality(section.source, work.out, jobs=means.jobs, **how)
    return _roster_known_as_a_whole(outcome_of_run(work.out), configuration)


def whose_patients(configuration: Configuration) -> WhosePatients:
    """Whose patients the records hold, as far as the configuration says."""
    section, roster = configuration.records, configuration.participants.roster
    if section.tin:
        return WhosePatients(tin=section.tin)
    return WhosePatients(attribution=section.attribution, roster=roster)


def score_inputs(work: Work, configuration: Configuration) -> Outcome:
    """Peers, own participants and computed rows in one folder."""
    section, problems = configuration.score_inputs, Problems()
    computed = {
        "cost": [
            entry.out / "scores" / "cost.csv" for name, entry in work.before.items() if name.startswith("episodes-")
        ],
        "quality": [
            work.before[name].out / "scores" / "score_input.csv"
            for name in ("quality", "admissions")
            if name in work.before
        ],
    }
    sources = Sources(
        peers=section.peers,
        participants=section.participants,
        attestations=configuration.attestations,
        computed={table: [path for path in paths if path.is_file()] for table, paths in computed.items()},
        own_tins=() if section.computed_for == "everybody" else own_tins(configuration),
        when_both=section.when_both,
    )
    counts = join_inputs(sources, work.out, rules=rules_of(configuration), problems=problems)
    return Outcome(tuple(each.as_record() for each in problems), (), counts)


def scores(work: Work, configuration: Configuration, means: Means) -> Outcome:
    """Final scores and payments, without a report."""
    score_folder(
        work.before["score_inputs"].out,
        work.out,
        year=configuration.run.year,
        now=means.now(),
        overlays=configuration.overlays,
        cost_benchmark=configuration.score_inputs.cost_benchmark,
        assume_year=configuration.run.assume_year,
        participants_only=True,
        report=False,
    )
    return outcome_of_run(work.out)


def levels(work: Work, configuration: Configuration) -> Outcome:
    """What one's own small practices gain or lose by the level at which they hand in quality."""
    run = read_run(work.before["scores"].out)
    path = work.out / "scores" / "level_choice.csv"
    practices = write_level_choices(run, own_tins(configuration), path, rules=rules_of(configuration))
    return Outcome(counts={"practices": practices})


def projection(work: Work, configuration: Configuration, means: Means) -> Outcome:
    """What payments may be, of one's own practices; where they are not known, of everybody in the run."""
    section = configuration.projection
    run = read_run(work.before["scores"].out)
    scored = set(run.table("scores").texts("tin"))
    tins = tuple(each for each in section.tins or own_tins(configuration) if each in scored)
    found = project(run, Request(draws=section.draws, seed=section.seed, tins=tins), threads=means.jobs)
    write_projection(work.out, found)
    return Outcome(notes=tuple(found.notes), counts={"draws": found.draws, "participants": len(found.participants)})


def worklist(work: Work, configuration: Configuration, measures: Sequence[str]) -> Outcome:
    """The worklist of the records with what each gap is worth under the scores, where these are there."""
    problems = Problems()
    source = work.before["quality"].out / "patients" / "worklist.csv"
    worth: Worth | None = None
    if "scores" in work.before and (work.before["quality"].out / "scores" / "quality_by_clinician.csv").is_file():
        run = work.place / "run"
        shutil.rmtree(run, ignore_errors=True)
        for name in ("scores", "projection"):
            if name in work.before:
                shutil.copytree(work.before[name].out, run, dirs_exist_ok=True)
        year = configuration.run.records_year
        specifications = {each: specification_for(each, year) for each in measures}
        counts = _clinicians_counts(work.before["quality"].out / "scores" / "quality_by_clinician.csv")
        values = worth_of_gaps(run, counts, specifications, problems)
        write_gap_worth(work.out, values)
        worth = worth_for_patients(values, {each.measure: each.quality_id for each in specifications.values()})
    with (
        source.open("rb") as lines,
        written_whole(work.out / "patients" / "worklist.csv", "wb", private=True) as stream,
    ):
        stream.write(next(lines))
        for batch in _batches(lines):
            stream.write(worklist_text(batch, worth))
    return Outcome(tuple(each.as_record() for each in problems))


def _clinicians_counts(path: Path) -> AttributedCounts:
    """Counts by clinician as the quality stage wrote them."""
    tallies = {
        CountKey(row["tin"], row["npi"], row["measure"], int(row["group"])): Tally(
            *(int(row[name]) for name in ("eligible", "met", "exclusions", "exceptions"))
        )
        for row in read_csv(path).rows()
    }
    return AttributedCounts(tallies)


def _batches(lines: Iterator[bytes], size: int = 10_000) -> Iterator[list[bytes]]:
    """Finished lines as `worklist_text` takes them: behind an empty key and without their last two fields."""
    batch: list[bytes] = []
    for line in lines:
        batch.append(b"\0" + line.removesuffix(b",,\n") + b"\n")
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def comparison(work: Work, configuration: Configuration, before: Path, folder: Path) -> Outcome:
    """What changed since the last of the earlier runs. folder: this run, assembled."""
    html = "html" in configuration.report.forms
    found = write_change(before, folder, work.out, tins=own_tins(configuration), pages=html)
    return Outcome(notes=found.notes, counts={"pages": dict(found.pages)})


def trend(work: Work, configuration: Configuration, folder: Path) -> Outcome:
    """Rates and cost over the earlier runs and this one. folder: this run, assembled."""
    html = "html" in configuration.report.forms
    runs = (*configuration.previous, folder)
    found = write_trends(runs, work.out, tins=own_tins(configuration), pages=html)
    return Outcome(notes=found.notes, counts={"pages": dict(found.pages)})


def report(work: Work, configuration: Configuration, means: Means, folder: Path) -> Outcome:
    """The forms asked for, from the assembled run."""
    from openasm.report.files import write_report  # draws charts: heavy

    section = configuration.report
    scored = set(read_run(folder).table("scores").texts("tin"))
    tins = [each for each in section.tins or own_tins(configuration) if each in scored]
    work.out.mkdir()
    looked_back = [work.before[name] for name in ("comparison", "trend") if name in work.before]
    pages = tuple(page for entry in looked_back for page in entry.record["counts"]["pages"].items())
    for form in section.forms:
        target = work.out / f"report.{form}"
        write_report(folder, form=form, tins=tins, out=target, run_name=means.shown_as, pages=pages)
    return Outcome()


def own_tins(configuration: Configuration) -> tuple[str, ...]:
    """One's own practices: as said, else of the roster, else of one's own participants; none where nothing says it."""
    section = configuration.score_inputs
    return (
        section.own_tins
        or roster_tins(configuration.participants.roster)
        or roster_tins(section.participants)
        or ((configuration.records.tin,) if configuration.records.tin else ())
    )


def roster_tins(path: Path | None) -> tuple[str, ...]:
    """The TINs of a file with a column tin, sorted; problems of the file are for those who read all of it."""
    if path is None:
        return ()
    table = read_table(path, (Column("tin", tin),), Problems(), may_have_no_rows=True)
    return tuple(sorted({each for each in table["tin"] if each}))


def rules_of(configuration: Configuration) -> Any:
    """The rule values in force for the run."""
    run = configuration.run
    return rules_for(run.year, overlays=configuration.overlays, assume_year=run.assume_year)


def _roster_known_as_a_whole(outcome: Outcome, configuration: Configuration) -> Outcome:
    """The outcome without warnings of columns that another reader of the one roster knows."""
    roster = configuration.participants.roster
    if roster is None:
        return outcome
    known = {column.name for column in (*ELIGIBILITY_ROSTER, *QUALITY_ROSTER)}
    kept = [
        each
        for each in outcome.problems
        if not (
            each["code"] == COLUMN_UNKNOWN.code and each["file"] == roster.name and each["column"].strip("'") in known
        )
    ]
    return replace(outcome, problems=tuple(kept))


def outcome_of_run(folder: Path) -> Outcome:
    """What a stage that is a run folder itself says in its manifest."""
    manifest: Mapping[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Outcome(tuple(manifest["problems"]), tuple(manifest["notes"]), manifest["counts"])
