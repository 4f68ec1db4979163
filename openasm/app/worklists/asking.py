"""The cases of a filter, asked for with SQL that is made once for each shape a filter can have.

Only what a person may see is asked for: the practice's cases, for a clinician those whose texts name the own NPI.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from typing import Any

from django.db.models import CharField, Count, Q, Sum

from openasm.app.access.request import PatientScope
from openasm.app.prepared import Given, Prepared, Several, values_of
from openasm.app.worklists.models import WORTH, Case, PublishedWorklist
from openasm.app.worklists.selection import NOBODY, Place, Selection, beyond, days_of, in_window, of_work, order_of

_SHAPES = 256  # of which the SQL is kept


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a filter makes another query; the rest are values. own, other: how many texts name the clinician who asks, and the one
    asked for; None: every clinician's cases.
    """

    window: str
    measure: bool
    scored: bool | None
    owner: str
    status: str
    own: int | None
    other: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter as somebody asks for it."""

    shape: Shape
    values: dict[str, Any] = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether no case can match: none names the clinician."""
        return 0 in (self.shape.own, self.shape.other)

    def counted(self) -> tuple[int, int]:
        """How many cases there are, and what they are worth in cents."""
        return (0, 0) if self.empty else _counted(self.shape).first(**self.values) or (0, 0)

    def places(self, sort: str, place: Place | None, back: bool, most: int) -> list[int]:
        """Numbers of the first cases in an order, after a place or (back) before it."""
        if self.empty:
            return []
        worth, number = place or (0, 0)
        found = _places(self.shape, sort, place is not None, back, most)
        return found.all(**self.values, worth=worth, number=number)


def asked_for(
    scope: PatientScope, published: PublishedWorklist, selection: Selection, *, today: dt.date, me: int
) -> Asked:
    """The cases of a filter that a person may see. me: the number of the account that asks."""
    own, other = (naming(published, npi) if npi else None for npi in (scope.npi, selection.npi))
    kind = selection.owner if selection.owner in ("", NOBODY) else "somebody"
    return Asked(
        Shape(
            selection.window,
            bool(selection.measure),
            selection.of_scored,
            kind,
            selection.status,
            None if own is None else len(own),
            None if other is None else len(other),
        ),
        {
            "practice": scope.practice.pk,
            "run": published.run_id,
            "measure": selection.measure,
            "owner": selection.owned_by(me),
            **values_of("own", own or []),
            **values_of("other", other or []),
            **days_of(today),
        },
    )


def naming(published: PublishedWorklist, npi: str) -> list[str]:
    """The texts of a worklist's cases that name a clinician."""
    return [text for text in published.whom if f" {npi} " in text]


def _cases(shape: Shape) -> Any:
    wanted = in_window(shape.window) & of_work(shape.owner, shape.status, whose=Given("owner"))
    if shape.measure:
        wanted &= Q(measure=Given("measure", CharField()))
    if shape.scored is not None:
        wanted &= Q(scored=shape.scored)
    for name, texts in (("own", shape.own), ("other", shape.other)):
        if texts is not None:
            wanted &= Q(npis__in=Several(name, texts, CharField()))
    return Case.objects.filter(wanted, practice=Given("practice"), run=Given("run"))


@functools.lru_cache(maxsize=_SHAPES)
def _counted(shape: Shape) -> Prepared[tuple[int, int]]:
    return Prepared(
        lambda: (
            _cases(shape)
            .values("run")
            .annotate(count=Count("pk"), cents_of_all=Sum("cents", default=0))
            .values_list("count", "cents_of_all")
        )
    )


@functools.lru_cache(maxsize=_SHAPES)
def _places(shape: Shape, sort: str, placed: bool, back: bool, most: int) -> Prepared[int]:
    def made() -> Any:
        rows = _cases(shape).annotate(worth=WORTH) if sort == "worth" else _cases(shape)
        if placed:
            rows = rows.filter(beyond((Given("worth"), Given("number")), sort, back=back))
        return rows.order_by(*order_of(sort, back=back)).values_list("pk", flat=True)[:most]

    return Prepared(made)
