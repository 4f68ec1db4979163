"""Checks of score inputs that need more than one field: across columns, rows and files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from openasm.base.files import VALUE_MISSING, Table
from openasm.base.parameters import Rules
from openasm.base.problems import Problems, shown
from openasm.base.years import first_day, last_day
from openasm.regulation.choices import chosen
from openasm.regulation.cost import cost_measure_of
from openasm.regulation.final_score import is_small_practice
from openasm.regulation.quality import collection_types_of, measures_of
from openasm.runs.scoring import problems as kinds
from openasm.runs.scoring.attested_items import AttestedItems, attested_items

if TYPE_CHECKING:
    from openasm.runs.scoring.inputs import Participant

COHORTS = ("heart_failure", "low_back_pain")


def cohort_of_measures(rules: Rules) -> dict[str, str]:
    """Quality measure -> the cohort whose list holds it (42 CFR 512.725(b)-(c))."""
    return {measure: cohort for cohort in COHORTS for measure in measures_of(cohort, rules)}


def cohort_of_cost_measures(rules: Rules) -> dict[str, str]:
    """Cost measure -> its cohort (42 CFR 512.730(b))."""
    return {cost_measure_of(cohort, rules): cohort for cohort in COHORTS}


@dataclass(frozen=True)
class Check:
    """Cross-checks against one participant list; findings go into `problems`.

    list_is_whole: whether participants.csv had no error of its own; otherwise rows are not checked against it.
    """

    rules: Rules
    problems: Problems
    participants: Sequence[Participant]
    list_is_whole: bool

    @cached_property
    def _keys(self) -> frozenset[tuple[str, str, str]]:
        return frozenset((each.cohort, each.tin, each.npi) for each in self.participants)

    @cached_property
    def _tins(self) -> frozenset[tuple[str, str]]:
        return frozenset((each.cohort, each.tin) for each in self.participants)

    @cached_property
    def _small(self) -> Mapping[str, tuple[bool, int]]:
        """TIN -> whether it is a small practice, and its clinicians."""
        sizes = {each.tin: each.clinicians_in_tin for each in self.participants}
        small = is_small_practice(np.array(list(sizes.values()), dtype=np.int64), self.rules)
        return {tin: (bool(flag), size) for (tin, size), flag in zip(sizes.items(), small, strict=True)}

    def participants_only(self, *, quality: Table, cost: Table, attestations: Table) -> None:
        """Take the rows that are about nobody in the list out of the tables; a warning a table says how many.

        A row of a measure that is not the model's stays, so that it is refused.
        """
        if not self.list_is_whole:
            return
        tins = {each.tin for each in self.participants}
        self._leave_out(attestations, [tin not in tins for tin in attestations["tin"]])
        for table, cohorts in (
            (quality, cohort_of_measures(self.rules)),
            (cost, cohort_of_cost_measures(self.rules)),
        ):
            self._leave_out(
                table,
                [
                    measure in cohorts
                    and (
                        (cohorts[measure], tin) not in self._tins
                        if npi is None
                        else (cohorts[measure], tin, npi) not in self._keys
                    )
                    for tin, npi, measure in zip(table["tin"], table["npi"], table["measure"], strict=True)
                ],
            )

    def _leave_out(self, table: Table, others: Sequence[bool]) -> None:
        """Take rows out of a table, in place."""
        count = sum(others)
        if not count:
            return
        for name, values in table.columns.items():
            table.columns[name] = [value for value, other in zip(values, others, strict=True) if not other]
        table.row_numbers = [row for row, other in zip(table.row_numbers, others, strict=True) if not other]
        self.problems.add(kinds.OTHERS_LEFT_OUT, table.name, found=f"{count:,} rows, {len(table):,} kept")

    def practice_sizes(self, table: Table) -> None:
        """One number of clinicians a TIN."""
        first: dict[str, tuple[int, int]] = {}
        for row, tin, size in zip(table.row_numbers, table["tin"], table["clinicians_in_tin"], strict=True):
            earlier, earlier_row = first.setdefault(tin, (size, row))
            if earlier != size:
                self.problems.add(
                    kinds.PRACTICE_SIZE_DIFFERS,
                    table.name,
                    row=row,
                    column="clinicians_in_tin",
                    found=f"{size}; row {earlier_row} has {earlier}",
                )

    def quality(self, table: Table) -> None:
        """Rows of quality.csv: measure, way of collection, counts, and who they are about."""
        cohorts = cohort_of_measures(self.rules)
        types = {measure: collection_types_of(measure, self.rules) for measure in cohorts}
        names = tuple(table.columns)
        for row, *values in zip(table.row_numbers, *(table[name] for name in names), strict=True):
            self._quality_row(table.name, row, dict(zip(names, values, strict=True)), cohorts, types)

    def _quality_row(
        self,
        file: str,
        row: int,
        values: Mapping[str, object],
        cohorts: Mapping[str, str],
        types: Mapping[str, tuple[str, ...]],
    ) -> None:
        measure, collection_type = str(values["measure"]), str(values["collection_type"])
        cohort = cohorts.get(measure)
        if cohort is None:
            expected = f"one of {', '.join(cohorts)}"
            self.problems.add(
                kinds.UNKNOWN_MEASURE, file, row=row, column="measure", found=shown(measure), expected=expected
            )
            return
        if collection_type not in types[measure]:
            self.problems.add(
                kinds.COLLECTION_TYPE_NOT_ALLOWED,
                file,
                row=row,
                column="collection_type",
                found=f"{collection_type} for measure {measure}",
                expected=f"{' or '.join(types[measure])} for measure {measure}",
            )
        self._counts(file, row, values)
        if not self.list_is_whole:
            return
        tin, npi = str(values["tin"]), values["npi"]
        if npi is not None:
            if (cohort, tin, npi) not in self._keys:
                self.problems.add(
                    kinds.NO_SUCH_PARTICIPANT, file, row=row, column="npi", found=f"TIN {tin}, NPI {npi}, {cohort}"
                )
        elif (cohort, tin) not in self._tins:
            self.problems.add(kinds.NO_SUCH_PRACTICE, file, row=row, column="tin", found=f"TIN {tin}, {cohort}")
        elif not self._small[tin][0] and chosen(self.rules, "quality.tin_level_rows") == "small_practices_only":
            found = f"TIN {tin} with {self._small[tin][1]} clinicians"
            self.problems.add(kinds.LARGE_PRACTICE, file, row=row, column="npi", found=found)

    def _counts(self, file: str, row: int, values: Mapping[str, object]) -> None:
        by_claims = values["collection_type"] == "claims"
        counts = {name: values[name] for name in ("met", "not_met", "exclusions", "exceptions")}
        if not by_claims:
            missing = [name for name, value in counts.items() if value is None]
            for name in missing:
                self.problems.add(VALUE_MISSING, file, row=row, column=name)
            if values["rate"] is not None:
                self.problems.add(kinds.RATE_IGNORED, file, row=row, column="rate")
            if missing:
                return
        elif values["rate"] is None and values["eligible"]:
            self.problems.add(kinds.CLAIMS_RATE_MISSING, file, row=row, column="rate")
        reported = sum(value for value in counts.values() if isinstance(value, int))
        eligible = values["eligible"]
        if isinstance(eligible, int) and reported > eligible:
            parts = " + ".join(str(value or 0) for value in counts.values())
            found = f"{parts} = {reported} of {eligible} eligible"
            self.problems.add(kinds.MORE_THAN_ELIGIBLE, file, row=row, column="eligible", found=found)

    def cost(self, table: Table) -> None:
        """Rows of cost.csv: measure, score, and who they are about; rows without an NPI are ignored with a warning."""
        cohorts = cohort_of_cost_measures(self.rules)
        columns = (table["tin"], table["npi"], table["measure"], table["episodes"], table["score"])
        without_npi = 0
        for row, tin, npi, measure, episodes, score in zip(table.row_numbers, *columns, strict=True):
            cohort = cohorts.get(measure)
            if cohort is None:
                self.problems.add(
                    kinds.UNKNOWN_COST_MEASURE,
                    table.name,
                    row=row,
                    column="measure",
                    found=shown(measure),
                    expected=f"one of {', '.join(cohorts)}",
                )
                continue
            if score is None and episodes:
                self.problems.add(
                    kinds.COST_SCORE_MISSING, table.name, row=row, column="score", found=f"{episodes} episodes"
                )
            if npi is None:
                without_npi += 1
            elif self.list_is_whole and (cohort, tin, npi) not in self._keys:
                found = f"TIN {tin}, NPI {npi}, {cohort}"
                self.problems.add(kinds.COST_OF_NOBODY, table.name, row=row, column="npi", found=found)
        if without_npi:
            self.problems.add(kinds.TIN_LEVEL_COST, table.name, column="npi", count=without_npi)

    def attestations(self, table: Table) -> None:
        """Rows of attestations.csv: item, answer, counts, period, and whose they are."""
        items = attested_items(self.rules)
        tins = {each.tin for each in self.participants}
        columns = (table[name] for name in ("tin", "item", "answer", "numerator", "denominator", "start", "end"))
        for row, tin, item, answer, numerator, denominator, start, end in zip(table.row_numbers, *columns, strict=True):
            if self.list_is_whole and tin not in tins:
                self.problems.add(kinds.ATTESTING_NOBODY, table.name, row=row, column="tin", found=shown(tin))
            self._period(table.name, row, start, end)
            if item not in items.all:
                self.problems.add(
                    kinds.UNKNOWN_ITEM,
                    table.name,
                    row=row,
                    column="item",
                    found=shown(item),
                    expected=f"one of {', '.join(items.all)}",
                )
                continue
            if answer == "excluded" and item not in items.with_exclusion:
                self.problems.add(
                    kinds.NO_EXCLUSION, table.name, row=row, column="answer", found=f"excluded for {item}"
                )
            if item in items.dated and answer == "yes" and start is None and end is None:
                self.problems.add(
                    kinds.DATES_MISSING, table.name, row=row, column="start", found=f"no dates for {item}"
                )
            self._proportion(table.name, row, item, answer, (numerator, denominator), items)

    def _period(self, file: str, row: int, start: dt.date | None, end: dt.date | None) -> None:
        year = self.rules.year
        for column, day in (("start", start), ("end", end)):
            if day is not None and not first_day(year) <= day <= last_day(year):
                self.problems.add(
                    kinds.DATE_OUTSIDE_YEAR,
                    file,
                    row=row,
                    column=column,
                    found=day.isoformat(),
                    expected=f"a day of {year}",
                )
        if (start is None) != (end is None):
            self.problems.add(
                kinds.DATES_MISSING,
                file,
                row=row,
                column="start" if start is None else "end",
                found="one date of the two",
            )
        if start is not None and end is not None and end < start:
            found = f"{start.isoformat()} to {end.isoformat()}"
            self.problems.add(kinds.DATES_REVERSED, file, row=row, column="end", found=found)

    def _proportion(
        self,
        file: str,
        row: int,
        item: str,
        answer: str | None,
        counts: tuple[int | None, int | None],
        items: AttestedItems,
    ) -> None:
        numerator, denominator = counts
        given = numerator is not None or denominator is not None
        if item not in items.proportions or answer in ("no", "excluded"):
            if given:
                self.problems.add(kinds.COUNTS_IGNORED, file, row=row, column="numerator", found=f"counts for {item}")
            return
        if not given and answer is None:
            return  # nothing reported
        if numerator is None or not denominator:
            column = "numerator" if numerator is None else "denominator"
            found = f"{item} with numerator {_count(numerator)} and denominator {_count(denominator)}"
            self.problems.add(kinds.COUNTS_MISSING, file, row=row, column=column, found=found)
        elif numerator > denominator:
            found = f"{numerator} of {denominator}"
            self.problems.add(kinds.NUMERATOR_TOO_LARGE, file, row=row, column="numerator", found=found)


def _count(value: int | None) -> str:
    return "empty" if value is None else str(value)
