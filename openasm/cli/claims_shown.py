"""What `openasm claims` prints for people: plain lines that fit the screen, and commands that can be pasted."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

_INDENT = "    "


def load_lines(manifest: Mapping[str, Any], out: Path) -> Iterator[str]:
    """What a load says: days covered, rows, records in and dropped, cost bases, notes, warnings, the next command."""
    yield from _wrapped(
        f"Claims from {manifest['data_start']} to {manifest['data_end']}: {_counts(manifest['tables'])}."
    )
    yield "Records:"
    for account in manifest["records"]:
        if account["records"]:
            dropped = "; ".join(f"{count:,} {reason}" for reason, count in account["dropped"].items())
            left_out = f"; dropped: {dropped}" if dropped else ""
            yield from _wrapped(
                f"{account['source']}: {account['records']:,} in, {account['kept']:,} kept{left_out}", "  ", _INDENT
            )
    for basis, found in manifest["cost_basis"].items():
        settings = ", ".join(_words(setting) for setting in found["settings"])
        yield from _wrapped(f"Cost basis {basis}: {found['share_of_cost']:.1%} of the cost ({settings}).")
    for note in manifest["notes"]:
        yield from _wrapped(f"Note: {note}")
    yield from _warnings(manifest["problems"])
    yield f"Next: openasm claims check {shlex.quote(str(out))}"


def check_lines(result: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """What a check says: problems first, then what the claims lack, the lines of each covered month, run-out, the next command."""
    yield from _wrapped(
        f"Claims from {result['data_start']} to {result['data_end']}, {result['people']:,} people: {_counts(result['rows'])}."
    )
    if result["problems"]:
        yield "Problems:"
        for problem in result["problems"]:
            yield from _wrapped(_problem(problem), "  ", _INDENT)
    found = [finding for finding in result["findings"] if finding["count"]]
    if found:
        yield "What the claims lack or hold, and what that does to the measures:"
    for finding in found:
        share = f"{finding['share']:.1%}" if finding["share"] >= 0.0005 else "under 0.1%"
        yield from _wrapped(f"{finding['name']}: {finding['count']:,} of {finding['of']:,} ({share})", "  ", _INDENT)
        yield from _wrapped(finding["effect"], _INDENT, _INDENT)
    nothing = ", ".join(finding["name"] for finding in result["findings"] if not finding["count"])
    if nothing:
        yield from _wrapped(f"Nothing found: {nothing}.", "", "  ")
    yield from _months(result["volumes"], result["data_start"][:7], result["data_end"][:7])
    yield from _wrapped(f"Run-out: {_low_months(result['run_out'])}{result['run_out']['effect']}")
    for note in result["notes"]:
        yield from _wrapped(f"Note: {note}")
    yield (
        f"Next: openasm episodes {shlex.quote(str(folder))} --cohort heart_failure --codes WORKBOOK.xlsx --year 2027 --out DIR"
    )
    yield from _wrapped("WORKBOOK.xlsx: CMS's codes list. For practice: --codes demonstration, a made-up list.")


def _low_months(run_out: Mapping[str, Any]) -> str:
    shares = [f"{month} {run_out['share_of_usual'][month]:.0%}" for month in run_out["incomplete_months"]]
    return f"{', '.join(shares)} of a usual month's lines. " if shares else ""


def _months(volumes: Sequence[Mapping[str, Any]], first: str, last: str) -> Iterator[str]:
    """Lines by month and setting within the months covered, as many settings beside each other as the screen is wide."""
    by_month: dict[str, dict[str, int]] = {month: {} for month in _every_month(first, last)}
    outside: dict[str, int] = {}
    for row in volumes:
        if row["month"] in by_month:
            by_month[row["month"]][row["setting"]] = row["lines"]
        else:
            outside[row["month"]] = outside.get(row["month"], 0) + row["lines"]
    settings = sorted({row["setting"] for row in volumes})
    widths = {
        setting: max(
            *(len(word) for word in setting.split("_")),
            *(len(f"{counts.get(setting, 0):,}") for counts in by_month.values()),
        )
        for setting in settings
    }
    yield "Lines by month:"
    block: list[str] = []
    for setting in settings:
        if block and 9 + sum(widths[each] + 1 for each in (*block, setting)) > _width():
            yield from _block(by_month, block, widths)
            block = []
        block.append(setting)
    yield from _block(by_month, block, widths)
    if outside:
        named = ", ".join(f"{count:,} in {month}" for month, count in sorted(outside.items()))
        yield from _wrapped(f"Lines outside these months: {named}.")


def _block(by_month: Mapping[str, Mapping[str, int]], settings: Sequence[str], widths: Mapping[str, int]) -> list[str]:
    heads = [setting.split("_") for setting in settings]
    rows = []
    for above in range(max(map(len, heads)), 0, -1):
        words = [head[-above] if len(head) >= above else "" for head in heads]
        rows.append(("month" if above == 1 else "", words))
    sizes = [widths[setting] for setting in settings]
    for months in _runs(by_month):
        if len(months) > 1:
            rows.append((f"{months[0]} to {months[-1]}: none", []))
        else:
            rows.append((months[0], [f"{by_month[months[0]].get(each, 0):,}" for each in settings]))
    return [
        (f"  {label:<7}" + "".join(f" {cell:>{size}}" for cell, size in zip(cells, sizes, strict=False))).rstrip()
        for label, cells in rows
    ]


def _runs(by_month: Mapping[str, Mapping[str, int]]) -> Iterator[list[str]]:
    """Months with lines one by one; months without any that follow each other together."""
    for empty, months in groupby(by_month, key=lambda month: not by_month[month]):
        if empty:
            yield list(months)
        else:
            yield from ([month] for month in months)


def _every_month(first: str, last: str) -> Iterator[str]:
    start, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    for place in range(start, end + 1):
        yield f"{place // 12:04d}-{place % 12 + 1:02d}"


def _warnings(problems: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Warnings of one kind together, what to do once, then every file with the rows concerned."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for problem in problems:
        by_kind.setdefault(problem["code"], []).append(problem)
    if by_kind:
        yield "Warnings:"
    for code, found in by_kind.items():
        yield from _wrapped(f"{code}: {found[0]['title']}. {found[0]['next_step']}", "  ", _INDENT)
        by_place: dict[str, list[Mapping[str, Any]]] = {}
        for problem in found:
            place = f"{problem['file']}, {problem['column']}" if problem["column"] else problem["file"]
            by_place.setdefault(place, []).append(problem)
        for place, here in by_place.items():
            yield from _wrapped(f"{place}{_rows(here)}", _INDENT, f"{_INDENT}  ")


def _rows(problems: Sequence[Mapping[str, Any]]) -> str:
    """`, rows 3, 7 and 5 more`, or what was found where no row is known."""
    rows = [problem for problem in problems if problem["row"]]
    others = [problem for problem in problems if not problem["row"]]
    if not rows:
        found = "; ".join(problem["found"] for problem in others if problem["found"])
        return f": {found}" if found else ""
    named = [f"{each['row']}{_beside(each['found'])}" for each in rows]
    more = sum(problem["count"] for problem in others)
    return f", row{'s' if len(rows) + more > 1 else ''} {', '.join(named)}{f' and {more:,} more' if more else ''}"


def _beside(found: str) -> str:
    return f" ({found})" if found and "not shown" not in found else ""


def _problem(problem: Mapping[str, Any]) -> str:
    row = f" row {problem['row']}" if problem["row"] is not None else ""
    column = f" {problem['column']}" if problem["column"] else ""
    found = f" Found {problem['found']}." if problem["found"] else ""
    return f"{problem['code']} {problem['file']}{row}{column}: {problem['title']}.{found}"


def _counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {_words(name)}" for name, count in rows.items())


def _words(name: str) -> str:
    return name.replace("_", " ")


def _width() -> int:
    return shutil.get_terminal_size().columns


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """The text in lines of the screen's width; no word and no name is broken."""
    return textwrap.wrap(
        text,
        width=max(_width(), 40),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
