"""Sums over all episodes of a practice: made when a run is published, read by the pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db.models import CharField, QuerySet

from openasm.app.access.request import PatientScope
from openasm.app.episodes.choice import OUTLIER, TWICE, Choice
from openasm.app.episodes.models import AttributedPatient, EpisodeTotal
from openasm.app.prepared import Given, Prepared
from openasm.app.published.bulk import Loader, first_free
from openasm.app.published.models import Episode, Run

if TYPE_CHECKING:
    import pyarrow as pa

_COUNTS = """count(*) AS episodes, count(*) FILTER (WHERE excluded_reason = '') AS counted,
  count(*) FILTER (WHERE excluded_reason = $outlier) AS outliers, avg(ratio) FILTER (WHERE excluded_reason = '') AS ratio"""
_TOTALS = f"""
WITH whose AS (
  SELECT *, '' AS npi FROM episodes
  UNION ALL SELECT *, unnest(string_split(trim(npis), ' ')) AS npi FROM episodes WHERE npis <> ''
)
SELECT practice, npi, coalesce(cohort, '') AS cohort, {_COUNTS}, count(DISTINCT patient) AS patients,
  count(*) FILTER (WHERE excluded_reason = '' AND ratio >= $twice) AS high,
  avg(annualized_cents) FILTER (WHERE excluded_reason = '') AS cents,
  list(DISTINCT npis ORDER BY npis) FILTER (WHERE npi <> '') AS texts
FROM whose GROUP BY GROUPING SETS ((practice, npi, cohort), (practice, npi)) ORDER BY practice, npi, cohort
"""  # noqa: S608 (our own words)
_PATIENTS = f"""
SELECT practice, patient, {_COUNTS}, sum(observed_cents)::BIGINT AS cents, max("end") AS last_day
FROM episodes GROUP BY practice, patient ORDER BY practice, cents DESC, patient
"""  # noqa: S608


def add_up(run: Run, episodes: pa.Table, loader: Loader) -> None:
    """Load the sums of a run's episodes. episodes: as `published.patient_tables.episode_table` gives them."""
    import duckdb  # heavy: loaded only here
    import pyarrow as pa

    from openasm.app.published.patient_tables import numbered

    with duckdb.connect() as base:
        base.register("episodes", episodes)
        totals = base.sql(_TOTALS, params={"outlier": OUTLIER, "twice": TWICE}).to_arrow_table()
        texts = pa.array([json.dumps(each or []) for each in totals.column("texts").to_pylist()], pa.string())
        totals = totals.set_column(totals.column_names.index("texts"), "texts", texts)
        patients = base.sql(_PATIENTS, params={"outlier": OUTLIER}).to_arrow_table()
    loader.add_table(EpisodeTotal, numbered(totals, run=run.pk, first=first_free(EpisodeTotal)))
    loader.add_table(AttributedPatient, numbered(patients, run=run.pk, first=first_free(AttributedPatient)))


def total_of(scope: PatientScope, run: Run, choice: Choice) -> EpisodeTotal | None:
    """The sums of what is asked for, where publishing made them: of the practice or a clinician, in all cohorts or in one.

    None for a narrower choice, and for runs published before there were sums.
    """
    whose = {scope.npi or "", choice.clinician} - {""}
    if choice.is_narrowed_further or len(whose) > 1:
        return None
    return _TOTAL.first(practice=scope.practice.pk, run=run.pk, npi="".join(whose), cohort=choice.cohort)


def narrowed(rows: QuerySet[Episode], total: EpisodeTotal | None) -> QuerySet[Episode]:
    """Episodes of a choice, found by the texts that name its clinician where publishing noted them."""
    return rows.filter(npis__in=total.texts) if total is not None and total.texts else rows


_TOTAL = Prepared[EpisodeTotal](
    lambda: EpisodeTotal.objects.filter(
        practice=Given("practice"), run=Given("run"), npi=Given("npi", CharField()), cohort=Given("cohort", CharField())
    ).order_by("pk")[:1]
)
