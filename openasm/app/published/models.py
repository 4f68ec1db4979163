"""What pages need of published runs. Rows are written by publish.py alone, in bulk, and never changed afterwards.

Scores carry no patient and stay for trends; gaps and episodes carry patients and stay only for a practice's newest runs. Money is
whole cents. A run's `scores/` folder is kept beside the database (`Run.folder`) for explanations, what-ifs and scorecards.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from openasm.app.people.models import Practice, new_key
from openasm.app.prepared import Given, Prepared
from openasm.app.published.fields import RowNumberField, SealedTextField

if TYPE_CHECKING:
    from openasm.app.access.request import PatientScope

_Row = TypeVar("_Row", bound=models.Model)


class RunManager(models.Manager["Run"]):
    """Finds runs."""

    def newest_of(self, practice: Practice, *, with_patients: bool = False) -> Run | None:
        """The run a practice's pages show: the newest published one that has results of it.

        with_patients: the newest that brought gaps or episodes, for worklists and episodes.
        """
        return (_NEWEST_WITH_PATIENTS if with_patients else _NEWEST).first(practice=practice.pk)


class Run(models.Model):
    """A published run. content_hash: of everything that was loaded, so that publishing it twice changes nothing."""

    id = models.BigIntegerField(primary_key=True)  # rising in the order of publishing
    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    name = models.CharField(max_length=200)
    content_hash = models.CharField(max_length=64, unique=True)
    performance_year = models.PositiveSmallIntegerField()
    payment_year = models.PositiveSmallIntegerField()
    made_at = models.DateTimeField()  # when the run itself ended
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.CharField(max_length=254, blank=True)
    program_version = models.CharField(max_length=40)
    has_patients = models.BooleanField()  # whether gaps or episodes came with it
    has_projection = models.BooleanField()
    facts = models.JSONField()  # of the manifest: command, settings, inputs, counts, notes, unconfirmed

    objects = RunManager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.performance_year})"

    @property
    def folder(self) -> Path:
        """The kept copy of the run: manifest and `scores/`; read it with `openasm.archive.run.read_run`."""
        return Path(settings.DATA or ".") / "runs" / self.key


def _newest() -> models.QuerySet[Run]:
    """Runs with results of a practice, the newest alone."""
    of_practice = PracticeResult.objects.filter(practice=Given("practice")).values("run")
    return Run.objects.filter(pk__in=of_practice).order_by("-pk")


_NEWEST = Prepared[Run](lambda: _newest()[:1])
_NEWEST_WITH_PATIENTS = Prepared[Run](lambda: _newest().filter(has_patients=True)[:1])


class Row(models.Model):
    """A row of a run. Identifiers are given by the loader, so that rows can name each other before they are stored."""

    id = RowNumberField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        abstract = True


class PracticeRow(Row):
    """A row of a run that is about one practice."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True


class Standing(Row):
    """What practices and participants have alike: attestations, payments, and the projection's dollars where made."""

    activities_attested = models.PositiveSmallIntegerField(null=True)
    improvement_adjustment = models.FloatField(null=True)
    interoperability_score = models.FloatField(null=True)
    interoperability_adjustment = models.FloatField(null=True)
    part_b_cents = models.BigIntegerField()
    dollars_p5 = models.FloatField(null=True)
    dollars_median = models.FloatField(null=True)
    dollars_p95 = models.FloatField(null=True)
    probability_of_cut = models.FloatField(null=True)

    class Meta:
        abstract = True


class MeasureOfCohort(Row):
    """What a row of a measure is about: the measure as one cohort collects it."""

    cohort = models.CharField(max_length=40)
    measure = models.CharField(max_length=20)
    collection_type = models.CharField(max_length=20)

    class Meta:
        abstract = True


class PracticeResult(Standing):
    """One practice in one run: its attestations and the sum of its participants. Dollars of the projection, where made."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="results", db_index=False)
    participants = models.PositiveIntegerField()
    clinicians_in_tin = models.PositiveIntegerField(null=True)
    change_cents = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("practice", "run"), name="practice_result_once"),)


class ParticipantResult(Standing, PracticeRow):
    """One participant (TIN, NPI, cohort) in one run: score, its parts, payment, and the projection's range where made."""

    npi = models.CharField(max_length=10)
    cohort = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=2)
    status = models.CharField(max_length=40)
    quality_score = models.FloatField(null=True)  # 0 to 1
    cost_score = models.FloatField(null=True)  # 0 to 1
    quality_weight = models.FloatField(null=True)
    cost_weight = models.FloatField(null=True)
    quality_points = models.FloatField(null=True)
    quality_measures_counted = models.PositiveSmallIntegerField(null=True)
    minimum_submission_met = models.BooleanField(null=True)
    cost_points = models.FloatField(null=True)
    complex_patient_adjustment = models.FloatField(null=True)
    small_practice_adjustment = models.FloatField(null=True)
    final_score = models.FloatField(null=True)
    factor = models.FloatField(null=True)
    change_cents = models.BigIntegerField(null=True)
    score_p5 = models.FloatField(null=True)
    score_p95 = models.FloatField(null=True)
    point_dollars = models.FloatField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("practice", "run", "npi", "cohort"), name="participant_result_once"),
        )
        indexes = (models.Index(fields=("npi", "run"), name="participant_by_npi"),)


class ProjectionSummary(Row):
    """The projection of one participant in full: `document` is its record in projection.json (histograms, levers ...)."""

    participant = models.OneToOneField(ParticipantResult, on_delete=models.CASCADE, related_name="projection")
    document = models.JSONField()


class CohortResult(Row):
    """What a cohort has in common in one run: `document` is its row of cohorts.csv, texts as written."""

    cohort = models.CharField(max_length=40)
    document = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("run", "cohort"), name="cohort_result_once"),)


class RunTables(Row):
    """Rows of the run's own tables as written, for explanations: of a practice, or (practice empty) of the run as a whole."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    document = models.JSONField()  # see run_tables.py

    class Meta:
        indexes = (models.Index(fields=("run", "practice"), name="tables_of_practice"),)


class MeasureResult(MeasureOfCohort, PracticeRow):
    """One participant's row of one measure: rate, points, status with its reason."""

    npi = models.CharField(max_length=10)
    level = models.CharField(max_length=12)
    rate = models.FloatField(null=True)
    completeness = models.FloatField(null=True)
    points = models.FloatField(null=True)
    status = models.CharField(max_length=20)
    finding = models.CharField(max_length=24)
    reason = models.TextField()
    eligible = models.IntegerField(null=True)
    met = models.IntegerField(null=True)
    not_met = models.IntegerField(null=True)
    exclusions = models.IntegerField(null=True)
    exceptions = models.IntegerField(null=True)

    class Meta:
        indexes = (models.Index(fields=("practice", "run", "npi"), name="measure_of_participant"),)


class Benchmark(MeasureOfCohort):
    """One cohort's benchmark of one measure and collection type. edges: rising or falling, as benchmarks.csv has them."""

    pool_size = models.PositiveIntegerField(null=True)
    edges = models.JSONField()
    source = models.CharField(max_length=20)
    inverse = models.BooleanField(null=True)
    worst = models.FloatField(null=True)
    median = models.FloatField(null=True)
    standard_deviation = models.FloatField(null=True)

    class Meta:
        indexes = (models.Index(fields=("run", "cohort", "measure"), name="benchmark_of_measure"),)


class PracticeItem(PracticeRow):
    """One activity, requirement or source of points of a practice."""

    kind = models.CharField(max_length=20)
    item = models.CharField(max_length=80)
    met = models.BooleanField(null=True)
    earned = models.FloatField(null=True)
    available = models.FloatField(null=True)

    class Meta:
        indexes = (models.Index(fields=("practice", "run"), name="item_of_practice"),)


class CostCategory(PracticeRow):
    """Cost of a service category a year and episode, beside the peers'. npi empty: the whole practice."""

    npi = models.CharField(max_length=10, blank=True)
    cohort = models.CharField(max_length=40, blank=True)
    category = models.CharField(max_length=80)
    episodes = models.PositiveIntegerField()
    services = models.PositiveIntegerField()
    cents_a_year = models.BigIntegerField()
    peers_cents_a_year = models.BigIntegerField(null=True)

    class Meta:
        indexes = (models.Index(fields=("practice", "run", "npi"), name="category_of_participant"),)


class DataProblem(Row):
    """A warning the run carries about its inputs. It names files and rows, never a patient."""

    code = models.CharField(max_length=4)
    severity = models.CharField(max_length=10)
    file = models.CharField(max_length=200)
    row = models.BigIntegerField(null=True)
    column = models.CharField(max_length=120, blank=True)
    title = models.TextField()
    found = models.TextField(blank=True)
    expected = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    count = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = (models.Index(fields=("run",), name="problem_of_run"),)


class Patient(models.Model):
    """Somebody whose data a run used. key: keyed pseudonym for addresses, events and joins; the identifier is sealed.

    Kept while a gap, an episode or a note refers to it; the same identifier keeps its row over runs.
    """

    id = RowNumberField(primary_key=True)
    key = models.CharField(max_length=32, unique=True)
    identifier = SealedTextField()

    def __str__(self) -> str:
        return f"patient {self.key[:8]}"


class PatientRows(models.QuerySet[_Row]):
    """Rows about patients: never queried without saying for whose eyes."""

    def visible(self, scope: PatientScope, run: Run) -> PatientRows[_Row]:
        """The rows of a run that a person may see: the practice's, for a clinician those counting for the own NPI."""
        rows = self.filter(practice=scope.practice, run=run)
        return rows if scope.npi is None else rows.filter(npis__contains=f" {scope.npi} ")


def unchecked_key(target: type[models.Model]) -> Any:
    """A reference of a large table: bulk.py looks up all of a load together, as no constraint does it row by row."""
    return models.ForeignKey(target, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)


class LargeRow(models.Model):
    """A row of a run in a table of millions."""

    id = RowNumberField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        abstract = True


class PatientRow(LargeRow):
    """A row about a patient of a practice. npis: clinicians it counts for, ` 1234567893 ` with a space on both ends of each, or empty."""

    practice = unchecked_key(Practice)
    patient = unchecked_key(Patient)
    npis = models.CharField(max_length=250, blank=True)

    objects: Any = PatientRows.as_manager()

    class Meta:
        abstract = True


class GapKind(models.Model):
    """What is missing, in words: gaps share few texts, so each is kept once."""

    id = RowNumberField(primary_key=True)
    text = models.TextField(unique=True)

    def __str__(self) -> str:
        return self.text


class Gap(PatientRow):
    """One line of a worklist, once for each practice it counts for.

    Days are read against today when shown: open from `earliest` (None: at once) to `due` (None: nothing closes it any more).
    points, cents: worth of the case when met; all gaps of one patient, measure and group are ways to the same case.
    """

    measure = models.CharField(max_length=20)
    group = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)  # care, documentation or data
    missing = unchecked_key(GapKind)
    earliest = models.DateField(null=True)
    due = models.DateField(null=True)
    points = models.FloatField(null=True)
    cents = models.BigIntegerField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("practice", "run"), name="gap_of_practice"),
            models.Index(fields=("practice", "run", "patient"), name="gap_of_patient"),
        )


class Episode(PatientRow):
    """One episode of a practice. npis: clinicians it is attributed to; costs: cents by service category."""

    episode = models.CharField(max_length=40)
    cohort = models.CharField(max_length=40)
    start = models.DateField()
    end = models.DateField()
    days = models.PositiveIntegerField()
    observed_cents = models.BigIntegerField()
    annualized_cents = models.BigIntegerField()
    expected_cents = models.BigIntegerField(null=True)
    ratio = models.FloatField(null=True)
    excluded_reason = models.CharField(max_length=80, blank=True)
    subgroup = models.CharField(max_length=80, blank=True)
    costs = models.JSONField()

    class Meta:
        indexes = (
            models.Index(fields=("practice", "run", "-annualized_cents"), name="episode_by_cost"),
            models.Index(fields=("practice", "run", "patient"), name="episode_of_patient"),
            models.Index(fields=("practice", "run", "npis", "-annualized_cents"), name="episode_of_clinicians"),
        )


class EpisodeService(LargeRow):
    """One service on the timeline of an episode (the costliest ones and those that stand out have a timeline)."""

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="services", db_constraint=False)
    date = models.DateField()
    setting = models.CharField(max_length=20)
    category = models.CharField(max_length=80)
    code = models.CharField(max_length=20, blank=True)
    npi = models.CharField(max_length=10, blank=True)
    cents = models.BigIntegerField()


# Tables with patients, in the order in which their rows can be removed; features that have more put theirs before.
PATIENT_TABLES: list[type[models.Model]] = [EpisodeService, Episode, Gap]
