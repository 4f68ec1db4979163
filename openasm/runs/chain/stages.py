"""The stages a configuration asks for, in the order of work, and those it cannot have and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from openasm.base.parameters import Parameter, Rules
from openasm.clinical.value_sets import value_set_files
from openasm.episodes.specifications.construction import construction_for
from openasm.participants.shelves import default_library
from openasm.quality.specification import measure_ids
from openasm.regulation import participation
from openasm.regulation.participation import data_year
from openasm.runs.chain import stage_work
from openasm.runs.chain.configuration import Configuration
from openasm.runs.chain.looking_back_stages import looking_back_stages
from openasm.runs.chain.official_files import codes_list, official_file
from openasm.runs.chain.practice_stages import admissions_stage, levels_stage, primary_care_stage
from openasm.runs.chain.stage_graph import Stage, StageInput
from openasm.runs.chain.stage_inputs import claims_folder, records, single, stated, tables_of, tree
from openasm.runs.chain.stage_rooms import CLAIMS_ROOMS, EPISODE_ROOMS, QUALITY_ROOMS, SCORE_ROOMS
from openasm.runs.chain.stage_work import COHORTS, Means
from openasm.runs.measures.clinicians import scoring_rules
from openasm.runs.scoring.run import parameters_used
from openasm.runs.who_is_in.sources import EligibilityInputs

_TITLES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a configuration comes to. not_computed: stage -> why; constructions: the constants of the episodes, by cohort."""

    stages: tuple[Stage, ...]
    not_computed: Mapping[str, str]
    rules: Rules
    constructions: Mapping[str, tuple[Parameter, ...]]
    codes: Mapping[str, Path]


def stages_of(configuration: Configuration, means: Means) -> Asked:
    """The stages in the order of work; those looking back and the report still want `folder`, the run assembled from all the others.

    Raises RuleUnpublished for a year without values, InputRefused for rule files that cannot be read.
    """
    graph = _Graph(configuration, means)
    for ask in (graph.claims, graph.claims_by_practice, graph.eligibility, graph.episodes, graph.primary_care):
        ask()
    for ask in (graph.quality, graph.admissions, graph.scores, graph.projection, graph.worklist):
        ask()
    graph.looking_back()
    graph.report()
    return Asked(tuple(graph.stages), graph.missing, graph.rules, graph.constructions, graph.codes)


class _Graph:
    """Collects the stages."""

    def __init__(self, configuration: Configuration, means: Means) -> None:
        self.configuration = configuration
        self.means = means
        self.how: Mapping[str, Any] = {"configuration": configuration, "means": means}
        self.stages: list[Stage] = []
        self.missing: dict[str, str] = {}
        self.constructions: dict[str, tuple[Parameter, ...]] = {}
        self.rules: Rules = stage_work.rules_of(configuration)
        claims = configuration.claims
        self.loaded = claims.sources[0] if claims.format == "loaded" else None
        self.shelf = configuration.participants.official_files or default_library()
        self.codes = (
            {}
            if not claims.sources
            else {each: path for each in COHORTS if (path := codes_list(configuration, each, self.shelf, self.loaded))}
        )
        self.measures = configuration.records.measures or tuple(measure_ids())

    def has(self, name: str) -> bool:
        """Whether a stage is asked for."""
        return any(stage.name == name for stage in self.stages)

    def names(self, prefix: str) -> tuple[str, ...]:
        """The stages whose names begin so."""
        return tuple(stage.name for stage in self.stages if stage.name.startswith(prefix))

    def claims(self) -> None:
        """Loading, unless a loaded folder is given."""
        section = self.configuration.claims
        if not section.sources:
            self.missing["claims"] = "no claims: no [claims] sources"
        elif self.loaded is None:
            self.stages.append(
                Stage(
                    "claims",
                    "Loading claims",
                    partial(stage_work.load, configuration=self.configuration, means=self.means),
                    CLAIMS_ROOMS,
                    inputs=tuple(tree("claims", source.name, source) for source in section.sources),
                    settings={
                        "format": section.format,
                        "data_end": None if section.data_end is None else section.data_end.isoformat(),
                        "cclf_version": section.cclf_version,
                    },
                    weight=20,
                )
            )

    def claims_by_practice(self) -> None:
        """The practices' claims month by month."""
        if not self.configuration.claims.sources:
            return
        self.stages.append(
            Stage(
                "claims_by_practice",
                "Claims by practice and month",
                partial(stage_work.claims_by_practice, **self.how, claims=self.loaded),
                (*CLAIMS_ROOMS, "runs/cost"),
                after=self._after_claims(),
                inputs=self._claims_inputs(),
                settings={"tins": list(stage_work.own_tins(self.configuration))},
            )
        )

    def _claims_inputs(self) -> tuple[StageInput, ...]:
        return () if self.loaded is None else (claims_folder(self.loaded),)

    def _after_claims(self) -> tuple[str, ...]:
        return ("claims",) if self.has("claims") else ()

    def eligibility(self) -> None:
        """Episodes of the data year, and who takes part by them."""
        year = data_year(self.rules)
        why = self._no_episodes(year)
        if why:
            self.missing["eligibility"] = why
            return
        for cohort, codes in self.codes.items():
            self._episodes(f"eligibility-episodes-{cohort}", cohort, codes, year)
        section = self.configuration.participants
        given = {
            key: official_file(self.configuration, key, self.shelf)
            for key in ("participants", "counties", "zips", "areas")
        }
        inputs = EligibilityInputs(
            claims=self.loaded or Path(),
            shelf=self.shelf,
            participants=given["participants"],
            roster=section.roster,
            answers=section.answers,
            counties=given["counties"],
            zips=given["zips"],
            areas=given["areas"],
            overlays=self.configuration.overlays,
            claims_hold=self.configuration.claims.hold,
        )
        roles = {"participant list": "participants", "counties": "counties", "ZIP codes": "zips", "areas": "areas"}
        read = [(role, path) for role, key in roles.items() if (path := given[key]) is not None]
        read += [(role, path) for role, path in (("roster", section.roster), ("answers", section.answers)) if path]
        self.stages.append(
            Stage(
                "eligibility",
                "Who takes part",
                partial(stage_work.eligibility, configuration=self.configuration, means=self.means, inputs=inputs),
                (*EPISODE_ROOMS, "clinical", "participants", "quality", "runs/measures", "runs/who_is_in"),
                after=(*self._after_claims(), *self.names("eligibility-episodes-")),
                inputs=(*self._claims_inputs(), *(single(role, path) for role, path in read)),
                parameters=records(self.rules[name] for name in participation.PARAMETERS),
                settings={
                    "performance_year": self.configuration.run.year,
                    "assume_year": self.configuration.run.assume_year,
                    "claims_hold": self.configuration.claims.hold,
                },
                weight=6,
            )
        )

    def _no_episodes(self, year: int) -> str:
        """Why no episodes of a year can be built; empty when they can."""
        if not self.configuration.claims.sources:
            return "no claims"
        if not self.codes:
            return "no codes list of either cohort: give [codes], or add CMS's to the library (openasm data add)"
        start, end = stated(self.loaded, "data_start"), stated(self.loaded, "data_end")
        if start and end and not (str(start) <= f"{year}-12-31" and f"{year}-01-01" <= str(end)):
            return f"the claims run from {start} to {end} and hold nothing of {year}"
        return ""

    def episodes(self) -> None:
        """Episodes of the cost year."""
        year = self.configuration.run.cost_year
        why = self._no_episodes(year)
        for cohort in COHORTS:
            if why or cohort not in self.codes:
                self.missing[f"episodes-{cohort}"] = why or f"no codes list: give [codes] {cohort}"
            else:
                self._episodes(f"episodes-{cohort}", cohort, self.codes[cohort], year)

    def _episodes(self, name: str, cohort: str, codes: Path, year: int) -> None:
        construction = construction_for(cohort, year, overlays=self.configuration.codes.overlays)
        self.constructions[cohort] = construction.parameters
        points = [each for each in scoring_rules(year) if each.name.startswith(("cost.", "published_benchmarks."))]
        self.stages.append(
            Stage(
                name,
                f"Episodes of {year}: {_TITLES[cohort]}",
                partial(stage_work.episodes, **self.how, claims=self.loaded, cohort=cohort, codes=codes, year=year),
                EPISODE_ROOMS,
                after=self._after_claims(),
                inputs=(*self._claims_inputs(), single("codes list", codes)),
                parameters=records((*construction.parameters, *points)),
                settings={"cohort": cohort, "year": year},
                weight=10,
            )
        )

    def primary_care(self) -> None:
        """Primary care of the beneficiaries of these episodes."""
        if not (episodes := self.names("episodes-")):
            self.missing["primary_care"] = "no episodes"
            return
        place = (*self._after_claims(), *episodes), self._claims_inputs()
        self.stages.append(primary_care_stage(self.configuration, self.means, self.loaded, *place))

    def quality(self) -> None:
        """Measures of the records."""
        section = self.configuration.records
        if section.source is None or section.value_sets is None:
            self.missing["quality"] = "no records: no [records] source"
            return
        sets = tuple(value_set_files(section.value_sets))
        whose = stage_work.whose_patients(self.configuration)
        read = [("roster", whose.roster), ("attribution", whose.attribution)]
        self.stages.append(
            Stage(
                "quality",
                "Quality measures",
                partial(stage_work.quality, configuration=self.configuration, means=self.means, measures=self.measures),
                QUALITY_ROOMS,
                inputs=(
                    tree("records", "records", section.source),  # names of record files may hold a patient's
                    StageInput(
                        "value sets", f"{len(sets)} files", sets, listed=partial(value_set_files, section.value_sets)
                    ),
                    *(single(role, path) for role, path in read if path is not None),
                ),
                parameters=records(scoring_rules(self.configuration.run.records_year)),
                settings={
                    "year": self.configuration.run.records_year,
                    "measures": sorted(self.measures),
                    "as_of": None if section.as_of is None else section.as_of.isoformat(),
                    "tin": whose.tin,
                },
                weight=8,
            )
        )

    def admissions(self) -> None:
        """Observed admissions, where codes are given."""
        if self.configuration.admissions.codes is None:
            self.missing["admissions"] = "no codes of admissions: no [admissions] codes"
            return
        place = self._after_claims(), self._claims_inputs()
        self.stages.append(admissions_stage(self.configuration, self.means, self.loaded, *place))

    def scores(self) -> None:
        """Joined inputs and scores."""
        section = self.configuration.score_inputs
        if section.peers is None and section.participants is None:
            why = "nobody to score: no [score_inputs] peers or participants"
            self.missing |= dict.fromkeys(("score_inputs", "scores", "levels"), why)
            return
        counted = {"quality": True, "admissions": self.configuration.admissions.in_scores}
        quality = tuple(name for name, counts in counted.items() if counts and self.has(name))
        read = [
            ("participants", section.participants),
            ("attestations", self.configuration.attestations),
            ("roster", self.configuration.participants.roster),
        ]
        used = parameters_used(self.rules)
        self.stages.append(
            Stage(
                "score_inputs",
                "Joining score inputs",
                partial(stage_work.score_inputs, configuration=self.configuration),
                (*SCORE_ROOMS, "runs/chain/joined_inputs.py"),
                after=(*self.names("episodes-"), *quality),
                inputs=(
                    *tables_of(section.peers),
                    *(single(role, path) for role, path in read if path is not None),
                ),
                parameters=records(each for each in used if each.name.startswith(("quality.", "cost."))),
                settings={
                    "own_tins": list(stage_work.own_tins(self.configuration)),
                    "computed_for": section.computed_for,
                    "when_both": section.when_both,
                },
            )
        )
        self.stages.append(
            Stage(
                "scores",
                "Final scores",
                partial(stage_work.scores, configuration=self.configuration, means=self.means),
                SCORE_ROOMS,
                after=("score_inputs",),
                parameters=records(used),
                settings={
                    "year": self.configuration.run.year,
                    "cost_benchmark": section.cost_benchmark,
                    "assume_year": self.configuration.run.assume_year,
                },
                weight=2,
            )
        )

        self.levels()

    def levels(self) -> None:
        """The choice of one's own small practices."""
        if stage_work.own_tins(self.configuration):
            self.stages.append(levels_stage(self.configuration, used=records(parameters_used(self.rules))))
        else:
            self.missing["levels"] = "one's own practices are not known"

    def projection(self) -> None:
        """The simulation."""
        section = self.configuration.projection
        if not self.has("scores") or section.off:
            self.missing["projection"] = "switched off" if section.off else "no scores"
            return
        self.stages.append(
            Stage(
                "projection",
                "Projection",
                partial(stage_work.projection, configuration=self.configuration, means=self.means),
                (*SCORE_ROOMS, "projection"),
                after=("scores",),
                parameters=records(self.rules),
                settings={
                    "draws": section.draws,
                    "seed": section.seed,
                    "tins": list(section.tins or stage_work.own_tins(self.configuration)),
                },
                weight=8,
            )
        )

    def worklist(self) -> None:
        """What the gaps are worth."""
        if not self.has("quality"):
            self.missing["worklist"] = "no records"
            return
        self.stages.append(
            Stage(
                "worklist",
                "Worklist",
                partial(stage_work.worklist, configuration=self.configuration, measures=self.measures),
                QUALITY_ROOMS,
                after=("quality", *(name for name in ("scores", "projection") if self.has(name))),
                parameters=records(scoring_rules(self.configuration.run.year)),
                settings={"measures": sorted(self.measures)},
            )
        )

    def looking_back(self) -> None:
        """What rests on earlier runs."""
        stages, missing = looking_back_stages(self.configuration, self.stages)
        self.stages += stages
        self.missing |= missing

    def report(self) -> None:
        """The pages people read; they show scores."""
        section = self.configuration.report
        if not self.has("scores"):
            self.missing["report"] = "no scores"
            return
        self.stages.append(
            Stage(
                "report",
                "Report",
                partial(stage_work.report, configuration=self.configuration, means=self.means),
                (*SCORE_ROOMS, "report", "projection"),
                after=tuple(stage.name for stage in self.stages),
                settings={
                    "forms": list(section.forms),
                    "tins": list(section.tins or stage_work.own_tins(self.configuration)),
                    "name": self.configuration.name,
                    "shown_as": self.means.shown_as,
                },
                weight=4,
            )
        )
