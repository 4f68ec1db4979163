"""The operations of version 1. Each is declared with its permission; without one it has no address that answers (see guard.py)."""

# ruff: noqa: ARG001 (the practice in the address is fetched by the guard; the framework wants it named here)

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.params.functions import Query

from openasm.app.access.permissions import Permission, has_permission
from openasm.app.access.request import PageRequest
from openasm.app.access.rules import AccessRule
from openasm.app.api.errors import BAD_PARAMETER, KINDS, NO_RUN, NOT_PERMITTED, RUN_CHANGED, Refusal, error_response
from openasm.app.api.guard import ApiToken
from openasm.app.api.schemas import (
    DeadlineList,
    DeadlineOut,
    EpisodeOut,
    EpisodePage,
    ErrorDocument,
    GapOut,
    GapPage,
    MeasureOut,
    MeasurePage,
    ParticipantOut,
    ParticipantPage,
    PracticeList,
    PracticeOut,
    RunList,
    RunOut,
    Summary,
)
from openasm.app.audit.events import exported, patients_viewed
from openasm.app.connections.deadlines import deadlines_of
from openasm.app.people.models import Practice
from openasm.app.published.models import Episode, Gap, MeasureResult, ParticipantResult, PracticeResult, Run
from openasm.base.identity import is_npi

LARGEST = 1_000
Answer = TypeVar("Answer")
_Row = TypeVar("_Row", bound=Any)
COHORTS = ("heart_failure", "low_back_pain")

api = NinjaAPI(
    title="OpenASM workbench",
    version="1",
    description=(
        "Results of published runs, read with an API token (Authorization: Bearer). A token has some of its owner's permissions; what "
        "the owner may not see is not found. Lists come in pages: send `next` as `after`."
    ),
    auth=ApiToken(),
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
)
RULES: dict[str, AccessRule] = {}
_REFUSALS = {kind.status: ErrorDocument for kind in KINDS}
Limit: Any = Query(100, ge=1, le=LARGEST, description="rows of a page")
After: Any = Query("", max_length=40, description="`next` of the page before")
Identifiers: Any = Query(
    False, description="with the patients' identifiers; needs the permission export_patients and is recorded"
)


def reads(
    path: str, name: str, permission: Permission | None, answer: type[Answer], *, patients: bool = False
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """An operation at a path, its permission and the form of its answer."""

    def declare(function: Callable[..., Answer]) -> Callable[..., Answer]:
        RULES[f"api_{name}"] = AccessRule("token", permission, patients=patients)
        register = api.get(
            path, url_name=f"api_{name}", operation_id=name, response={200: answer, **_REFUSALS}, tags=["version 1"]
        )
        return register(function)

    return declare


@api.exception_handler(ValidationError)
def _wrong_parameters(request: HttpRequest, failure: ValidationError) -> HttpResponse:
    return error_response(request, BAD_PARAMETER, tuple(sorted({str(each["loc"][-1]) for each in failure.errors})))


@api.exception_handler(Exception)
def _left_to_the_guard(request: HttpRequest, failure: Exception) -> HttpResponse:
    raise failure


@reads("/practices", "practices", None, PracticeList)
def practices(request: PageRequest) -> PracticeList:
    """Practices whose scores the token may read."""
    grants = request.user.grants
    own = Practice.objects.select_related("system").filter(
        pk__in=[grant.practice for grant in grants if grant.practice is not None]
    )
    of_systems = Practice.objects.select_related("system").filter(
        system__in=[grant.system for grant in grants if grant.system is not None]
    )
    found = sorted({*own, *of_systems}, key=lambda each: (each.name, each.pk))
    return PracticeList(
        items=[_practice(each) for each in found if has_permission(request.user, Permission.SEE_SCORES, practice=each)]
    )


@reads("/practices/{practice}", "practice", Permission.SEE_SCORES, Summary)
def summary(request: PageRequest, practice: str) -> Summary:
    """The practice as a whole in its newest run."""
    run = _newest(request)
    result = PracticeResult.objects.get(practice=request.practice, run=run)
    return Summary(practice=_practice(request.practice), run=_run(run), **_fields(result, Summary, "practice", "run"))


@reads("/practices/{practice}/runs", "runs", Permission.SEE_SCORES, RunList)
def runs(request: PageRequest, practice: str) -> RunList:
    """Published runs with results of the practice, newest first."""
    found = Run.objects.filter(pk__in=PracticeResult.objects.filter(practice=request.practice).values("run"))
    return RunList(items=[_run(each) for each in found.order_by("-pk")[:LARGEST]])


@reads("/practices/{practice}/participants", "participants", Permission.SEE_SCORES, ParticipantPage)
def participants(
    request: PageRequest, practice: str, npi: str = "", cohort: str = "", limit: int = Limit, after: str = After
) -> ParticipantPage:
    """Participants with their scores and payments in the newest run."""
    run = _newest(request)
    rows = _chosen(ParticipantResult.objects.filter(practice=request.practice, run=run), npi, cohort)
    page, following = _paged(rows, run, limit, after)
    return ParticipantPage(
        run=run.key, items=[ParticipantOut(**_fields(each, ParticipantOut)) for each in page], next=following
    )


@reads("/practices/{practice}/measures", "measures", Permission.SEE_SCORES, MeasurePage)
def measures(
    request: PageRequest,
    practice: str,
    npi: str = "",
    cohort: str = "",
    measure: str = "",
    limit: int = Limit,
    after: str = After,
) -> MeasurePage:
    """Measure rows of the newest run."""
    run = _newest(request)
    rows = _chosen(MeasureResult.objects.filter(practice=request.practice, run=run), npi, cohort)
    page, following = _paged(rows.filter(measure=measure) if measure else rows, run, limit, after)
    return MeasurePage(run=run.key, items=[MeasureOut(**_fields(each, MeasureOut)) for each in page], next=following)


@reads("/practices/{practice}/gaps", "gaps", Permission.SEE_PATIENTS, GapPage, patients=True)
def gaps(
    request: PageRequest,
    practice: str,
    measure: str = "",
    identifiers: bool = Identifiers,
    limit: int = Limit,
    after: str = After,
) -> GapPage:
    """Open gaps of the patients the token's owner may see."""
    run = _newest(request, with_patients=True)
    rows = Gap.objects.visible(request.patients, run).select_related("patient", "missing")
    page, following = _paged(rows.filter(measure=measure) if measure else rows, run, limit, after)
    _seen(request, "gaps", len(page), identifiers)
    items = [
        GapOut(
            patient=each.patient.key,
            identifier=each.patient.identifier if identifiers else None,
            missing=each.missing.text,
            npis=each.npis.split(),
            **_fields(each, GapOut, "patient", "identifier", "missing", "npis"),
        )
        for each in page
    ]
    return GapPage(run=run.key, items=items, next=following)


@reads("/practices/{practice}/episodes", "episodes", Permission.SEE_PATIENTS, EpisodePage, patients=True)
def episodes(
    request: PageRequest,
    practice: str,
    cohort: str = "",
    identifiers: bool = Identifiers,
    limit: int = Limit,
    after: str = After,
) -> EpisodePage:
    """Episodes of the patients the token's owner may see."""
    run = _newest(request, with_patients=True)
    rows = Episode.objects.visible(request.patients, run).select_related("patient")
    page, following = _paged(_chosen(rows, "", cohort), run, limit, after)
    _seen(request, "episodes", len(page), identifiers)
    items = [
        EpisodeOut(
            patient=each.patient.key,
            identifier=each.patient.identifier if identifiers else None,
            npis=each.npis.split(),
            **_fields(each, EpisodeOut, "patient", "identifier", "npis"),
        )
        for each in page
    ]
    return EpisodePage(run=run.key, items=items, next=following)


@reads("/practices/{practice}/deadlines", "deadlines", Permission.SEE_SCORES, DeadlineList)
def deadlines(request: PageRequest, practice: str) -> DeadlineList:
    """What is due and when, for the performance year of the newest run."""
    plan = deadlines_of(request.practice, today=timezone.localdate())
    if plan is None:
        raise Refusal(NO_RUN)
    items = [
        DeadlineOut(
            whole_score=each.task.all,
            state=each.state,
            **_fields(each.task, DeadlineOut, "whole_score", "state"),
        )
        for each in plan.tasks
    ]
    return DeadlineList(performance_year=plan.year, items=items)


def _fields(row: object, answer: Any, *but: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in answer.model_fields if name not in but}


def _practice(each: Practice) -> PracticeOut:
    return PracticeOut(
        key=each.key, name=each.name, tin=each.masked_tin, system=each.system.name if each.system is not None else None
    )


def _run(each: Run) -> RunOut:
    return RunOut(**_fields(each, RunOut))


def _newest(request: PageRequest, *, with_patients: bool = False) -> Run:
    run = Run.objects.newest_of(request.practice, with_patients=with_patients)
    if run is None:
        raise Refusal(NO_RUN)
    return run


def _chosen(rows: QuerySet[_Row], npi: str, cohort: str) -> QuerySet[_Row]:
    wrong = [
        name for name, bad in (("npi", npi and not is_npi(npi)), ("cohort", cohort and cohort not in COHORTS)) if bad
    ]
    if wrong:
        raise ValidationError([{"loc": (name,)} for name in wrong])
    rows = rows.filter(npi=npi) if npi else rows
    return rows.filter(cohort=cohort) if cohort else rows


def _paged(rows: QuerySet[_Row], run: Run, limit: int, after: str) -> tuple[list[_Row], str | None]:
    """Rows after a place, and the place of the next page. A place names its run: pages of two runs are never mixed."""
    key, _, last = after.partition("-")
    if after and (not last.isdecimal() or len(last) > 18):
        raise ValidationError([{"loc": ("after",)}])
    if after and key != run.key:
        raise Refusal(RUN_CHANGED)
    found = list((rows.filter(pk__gt=int(last)) if after else rows).order_by("pk")[: limit + 1])
    page = found[:limit]
    return page, f"{run.key}-{page[-1].pk}" if len(found) > limit else None


def _seen(request: PageRequest, what: str, count: int, identifiers: bool) -> None:
    """The event of the view; with identifiers it is an export and needs that permission."""
    if not identifiers:
        patients_viewed(request, page=f"api {what}", count=count)
    elif has_permission(request.user, Permission.EXPORT_PATIENTS, practice=request.practice):
        exported(request, what=f"api {what}", rows=count, form="json")
    else:
        raise Refusal(NOT_PERMITTED)
