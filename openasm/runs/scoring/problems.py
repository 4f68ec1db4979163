"""What can be wrong with the inputs of `openasm score`, by number (S...). Codes are never renumbered."""

from __future__ import annotations

from openasm.base.problems import Severity, declare

TABLE_MISSING = declare(
    "S001",
    "an input table is missing",
    expected="a CSV or Parquet file of this name",
    next_step="Put the file in the folder. For quality, cost and attestations a header alone says that nothing was handed in.",
)
TABLE_TWICE = declare(
    "S002",
    "the table is there both as CSV and as Parquet",
    expected="one file a table",
    next_step="Remove the one that is out of date.",
)

OTHERS_LEFT_OUT = declare(
    "S003",
    "rows of clinicians and practices that are not in participants were left out, as asked",
    expected="rows of participants, each in the cohort its measure belongs to",
    next_step="Nothing needs doing unless a participant's TIN or NPI was misspelt.",
    severity=Severity.WARNING,
)

PRACTICE_SIZE_DIFFERS = declare(
    "S101",
    "clinicians_in_tin differs from an earlier row of the same TIN",
    expected="one number of clinicians for a TIN",
    next_step="Give every row of the TIN the same number.",
    citation="42 CFR 512.745",
)

UNKNOWN_MEASURE = declare(
    "S201",
    "not a quality measure of the model",
    expected="a measure id of 42 CFR 512.725",
    next_step="Write the measure by its MIPS number with three digits, as in 005; other measures are not handed in here.",
    citation="42 CFR 512.725(b)-(c)",
)
COLLECTION_TYPE_NOT_ALLOWED = declare(
    "S202",
    "the measure is not collected this way",
    expected="a collection type of the measure",
    next_step="Correct the collection type, or leave the row out.",
    citation="42 CFR 512.725",
)
NO_SUCH_PARTICIPANT = declare(
    "S203",
    "no participant of the cohort has this TIN and NPI",
    expected="a TIN and NPI of participants.csv, in the cohort whose list holds the measure",
    next_step="Correct TIN, NPI or measure, add the participant, or leave the row out; --participants-only leaves out all such rows.",
    citation="42 CFR 512.705",
)
NO_SUCH_PRACTICE = declare(
    "S204",
    "no participant of the cohort has this TIN",
    expected="a TIN of participants.csv, in the cohort whose list holds the measure",
    next_step="Correct TIN or measure, add the participants, or leave the row out; --participants-only leaves out all such rows.",
    citation="42 CFR 512.705",
)
LARGE_PRACTICE = declare(
    "S205",
    "a TIN-level row of a practice that is not small",
    expected="rows with an NPI; only small practices may report for the whole TIN",
    next_step="Report the measure for each NPI, or correct clinicians_in_tin.",
    citation="42 CFR 512.720",
)
MORE_THAN_ELIGIBLE = declare(
    "S206",
    "more cases are reported than are eligible",
    expected="met + not_met + exclusions + exceptions of at most eligible",
    next_step="Count again: every reported case is one of the eligible cases and stands in one column only.",
)
CLAIMS_RATE_MISSING = declare(
    "S207",
    "a claims measure has eligible cases but no rate",
    expected="the rate per 100 person-years",
    next_step="Fill in the rate CMS calculated, or leave the row out.",
)
RATE_IGNORED = declare(
    "S208",
    "a rate was given for a measure whose rate is worked out from the counts; it was ignored",
    expected="a rate for claims measures only",
    next_step="Nothing needs doing; leave the field empty.",
    severity=Severity.WARNING,
)

UNKNOWN_COST_MEASURE = declare(
    "S301",
    "not a cost measure of the model",
    expected="COST_HF_1 or COST_LBP_1",
    next_step="Correct the measure id.",
    citation="42 CFR 512.730(b)",
)
COST_OF_NOBODY = declare(
    "S302",
    "no participant of the measure's cohort has this TIN and NPI",
    expected="a TIN and NPI of participants.csv, in the cohort the cost measure belongs to",
    next_step="Correct TIN, NPI or measure, add the participant, or leave the row out; --participants-only leaves out all such rows.",
    citation="42 CFR 512.730(b), (d)",
)
COST_SCORE_MISSING = declare(
    "S303",
    "episodes are counted but there is no score",
    expected="the measure's score in dollars",
    next_step="Fill in the score, or leave the row out.",
)
TIN_LEVEL_COST = declare(
    "S304",
    "a TIN-level cost row was ignored",
    expected="rows with an NPI: cost is attributed to TIN and NPI",
    next_step="Nothing needs doing if the rows by NPI are there too.",
    severity=Severity.WARNING,
    citation="42 CFR 512.730(d)(1)",
)

UNKNOWN_ITEM = declare(
    "S401",
    "not an item that is attested",
    expected="an item of improvement activities or Promoting Interoperability",
    next_step="Correct the item; docs/reference/score-inputs.md lists them.",
    citation="42 CFR 512.735, 512.740",
)
ATTESTING_NOBODY = declare(
    "S402",
    "no participant has this TIN",
    expected="a TIN of participants.csv",
    next_step="Correct the TIN, add its participants, or leave the row out; --participants-only leaves out all such rows.",
)
DATES_REVERSED = declare(
    "S403",
    "the period ends before it starts",
    expected="an end on or after the start",
    next_step="Correct the dates; they may have changed places.",
)
DATE_OUTSIDE_YEAR = declare(
    "S404",
    "the date lies outside the performance year",
    expected="a day of the performance year",
    next_step="Give the days within the performance year, or check --year.",
    citation="42 CFR 512.735, 512.740",
)
DATES_MISSING = declare(
    "S405",
    "the period is not complete",
    expected="start and end",
    next_step="Fill in both dates; the rule asks for a period of days in a row.",
    citation="42 CFR 512.735, 512.740",
)
NUMERATOR_TOO_LARGE = declare(
    "S406",
    "the numerator is larger than the denominator",
    expected="a numerator of at most the denominator",
    next_step="Correct the two counts.",
)
COUNTS_MISSING = declare(
    "S407",
    "a measure that is a proportion lacks its counts",
    expected="numerator and denominator, the denominator 1 or more",
    next_step="Fill in both; where there was no case, answer excluded if the exclusion applies, or no.",
    citation="42 CFR 512.740",
)
NO_EXCLUSION = declare(
    "S408",
    "this item has no exclusion",
    expected="yes or no",
    next_step="Answer yes or no.",
    citation="42 CFR 512.740",
)
COUNTS_IGNORED = declare(
    "S409",
    "counts were given for an item that has none, or beside an answer that makes them void; they were ignored",
    expected="numerator and denominator for reported proportions only",
    next_step="Nothing needs doing; check that the answer is the one meant.",
    severity=Severity.WARNING,
)
