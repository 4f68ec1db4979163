"""Year by year, 2027-2031: what the list says of a clinician, and what that means for MIPS in the year.

42 CFR 512.710(a)(1): participants meeting the criteria for a performance year are exempt from MIPS for that year. Once selected, a
clinician stays a participant for the test period, while what a year asks is assessed anew for it; the text for years in which
the criteria are not met, (a)(2), has not been read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from openasm.base.parameters import Evidence
from openasm.base.years import PERFORMANCE_YEARS, data_year, payment_year, submission_deadline
from openasm.participants.participant_list import ListedClinician

CITATION = "42 CFR 512.710(a)(1)"


@dataclass(frozen=True, slots=True)
class ModelYear:
    """One clinician, cohort and performance year. participant: yes, no or `not known yet`; deadline: last day for submitting.

    mips: what that means for MIPS in the year; status: of that sentence.
    """

    npi: str
    cohort: str
    performance_year: int
    data_year: int
    payment_year: int
    deadline: dt.date
    participant: str
    mips: str
    status: Evidence


def model_years(rows: Sequence[ListedClinician]) -> tuple[ModelYear, ...]:
    """The years of one clinician in one cohort, from every row the list has of them; no row gives no years."""
    found = []
    for year in PERFORMANCE_YEARS if rows else ():
        said = {row.in_year(year).participant for row in rows}
        participant = "yes" if True in said else "not known yet" if None in said else "no"
        found.append(
            ModelYear(
                rows[0].npi,
                rows[0].cohort,
                year,
                data_year(year),
                payment_year(year),
                submission_deadline(year),
                participant,
                mips_in_words(year, participant, was_in=_was_in(rows, year)),
                Evidence.CODIFIED if participant == "yes" else Evidence.ASSUMED,
            )
        )
    return tuple(found)


def _was_in(rows: Sequence[ListedClinician], year: int) -> bool:
    return any(row.in_year(before).participant is True for row in rows for before in PERFORMANCE_YEARS if before < year)


def mips_in_words(year: int, participant: str, *, was_in: bool) -> str:
    """What an answer of the list means for MIPS in a performance year. was_in: a participant in an earlier year.

    >>> mips_in_words(2027, "yes", was_in=False)
    'Scored in ASM; exempt from MIPS for 2027. Payments change in 2029.'
    """
    if participant == "yes":
        return f"Scored in ASM; exempt from MIPS for {year}. Payments change in {payment_year(year)}."
    if participant == "no":
        kept = " Stays in the model for later years, which are assessed anew." if was_in else ""
        return f"Not scored in ASM; MIPS applies for {year} as to others.{kept}"
    return (
        f"Decided on claims of {data_year(year)}. Until CMS says so, prepare for ASM and do not give up MIPS reporting "
        f"for {year}."
    )
