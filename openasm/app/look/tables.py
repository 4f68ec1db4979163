"""Tables that sort through links, filter through a form and come in pages; the same rows can leave as CSV or XLSX.

COLUMNS = (Column("name", "Clinician"), Column("final_score", "Final score", number=True, descending=True))
table = sorted_table(request, rows, COLUMNS, by="name")       # a query set
page = paged(request, table.rows)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Column:
    """A column. key: the field it sorts by (of the row, may follow relations), empty when it cannot sort; number: right-aligned.

    descending: the first click sorts from high to low; note: what the header says to those who ask.
    """

    key: str
    title: str
    number: bool = False
    descending: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """A column's header as it is drawn. sort: value of the query for the next click; direction: how it is sorted now."""

    column: Column
    sort: str
    direction: str  # ascending, descending or none


@dataclass(frozen=True, slots=True)
class SortedTable:
    """Rows in the asked-for order, and the headers."""

    rows: QuerySet[Any]
    headers: tuple[Header, ...]


def sorted_table(
    request: HttpRequest, rows: QuerySet[Any], columns: Sequence[Column], *, by: str, unique: str = "pk"
) -> SortedTable:
    """Order rows by `?sort=key` or `?sort=-key`; anything else means `by`. Missing values come last; `unique` breaks ties."""
    asked = request.GET.get("sort", "") or by
    key = asked.removeprefix("-")
    if key not in {column.key for column in columns if column.key}:
        asked, key = by, by.removeprefix("-")
    falling = asked.startswith("-")
    name = key.replace(".", "__")
    last = (
        True if _can_be_missing(rows, name) else None
    )  # said only where it changes something: an index has no such order
    order = F(name).desc(nulls_last=last) if falling else F(name).asc(nulls_last=last)
    return SortedTable(rows.order_by(order, unique), tuple(_header(column, key, falling) for column in columns))


def _can_be_missing(rows: QuerySet[Any], name: str) -> bool:
    """Whether a column may have no value: all but the row's own fields that must have one."""
    own = {field.name: field for field in rows.model._meta.concrete_fields}
    return name in rows.query.annotations or name not in own or own[name].null


def _header(column: Column, key: str, falling: bool) -> Header:
    if column.key != key:
        return Header(column, f"{'-' if column.descending else ''}{column.key}", "none")
    return Header(column, column.key if falling else f"-{column.key}", "descending" if falling else "ascending")


def paged(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], size: int = PAGE_SIZE, *, count: int | None = None
) -> Page[Any]:
    """The asked-for page (`?page=`); a number out of range gives the nearest page. count: of all rows, where it is known."""
    paginator = Paginator(rows, size)
    if count is not None:
        paginator.count = count
    return paginator.get_page(request.GET.get("page"))


def chosen(request: HttpRequest, name: str, allowed: Sequence[str]) -> str:
    """A filter's value from the query when it is one of those allowed, else empty."""
    value = request.GET.get(name, "")
    return value if value in allowed else ""
