"""What can be wrong with a submission before it is written, by number (B0..). Codes are never renumbered."""

from __future__ import annotations

from openasm.base.problems import Severity, declare

# The practice's own files

NO_PRACTICE = declare(
    "B001",
    "the practice has no row",
    expected="one row for the TIN",
    next_step="Add the practice with its address, its EHR certification id and whether reporting is end to end.",
)
BAD_CERTIFICATION = declare(
    "B002",
    "not an EHR certification id",
    expected="15 characters, as in 0015C followed by ten letters and digits, or 2025C followed by ten",
    next_step="Take the id from the Certified Health IT Product List; it is not the product's own number.",
    citation="QPP Submissions API, cehrtId",
)
CONTROL_CHARACTERS = declare(
    "B003",
    "the text holds characters that no XML file may hold",
    expected="letters, digits and signs",
    next_step="Type the text anew; it was probably copied with hidden characters.",
)
CERTIFICATION_MISSING = declare(
    "B004",
    "no EHR certification id is given",
    expected="the id of the certified technology in use",
    next_step="Fill in cehrt_id. Quality by eCQM and Promoting Interoperability are not taken without it.",
    citation="CMS 2027 QRDA Category III, CMS_140",
)

UNKNOWN_IDENTIFIER = declare(
    "B010",
    "not an identifier that is asked for",
    expected="an item, and what it is about, as in docs/reference/submission.md",
    next_step="Correct the row or leave it out.",
)
IDENTIFIER_MISSING = declare(
    "B011",
    "an identifier that only CMS can give is missing",
    expected="a row of identifiers.csv with CMS's own value",
    next_step="Copy it from CMS's publication when it is out, or leave this kind of file out with --write. It is never made up.",
)
NOT_A_UUID = declare(
    "B012",
    "not an identifier of this form",
    expected="a UUID: 8-4-4-4-12 hexadecimal digits",
    next_step="Copy it from the table in CMS's QRDA III guide of the year.",
)

UNKNOWN_POPULATION = declare(
    "B020",
    "the measure has no such rate or population",
    expected="a measure that is handed in, a rate of it and one of its populations",
    next_step="Correct measure, group or population, or leave the row out.",
)
UNKNOWN_CODE = declare(
    "B021",
    "not a code of this kind of supplemental data",
    expected="a code of the kind, or UNK where it is not known",
    next_step="Map the code to one of those listed.",
    citation="CMS 2027 QRDA Category III, voc.xml",
)
TOTAL_MISSING = declare(
    "B022",
    "the count of a population is missing",
    expected="a row of kind total for every population of every rate",
    next_step="Add the row, with 0 where nobody is in the population.",
)
KIND_SUM = declare(
    "B023",
    "the counts of a kind of supplemental data do not add up to the population",
    expected="counts that add up, patients of whom it is not known under UNK",
    next_step="Count each patient of the population once in every kind.",
    citation="CMS 2027 QRDA Category III, 4427-18136 to 18141",
)
TOTAL_DIFFERS = declare(
    "B024",
    "the count differs from the one the run was scored with",
    expected="the same counts in both",
    next_step="Make supplemental.csv and the scored quality.csv from the same records.",
)
IMPOSSIBLE_COUNTS = declare(
    "B025",
    "the populations cannot be so large beside each other",
    expected="denominator within initial population; exclusions, exceptions and numerator together within the denominator",
    next_step="Check how the populations were counted.",
)
UNKNOWN_DETAIL = declare(
    "B026",
    "not a detail of this measure",
    expected="one of the exclusions or levels of engagement of the measure",
    next_step="Use one of those listed.",
    citation="QPP measure catalogue 2027",
)
DETAIL_MISSING = declare(
    "B027",
    "which exclusion or which level of engagement is not said",
    expected="a row of interoperability.csv for the measure",
    next_step="Add the row; attestations.csv alone does not say which one.",
    citation="QPP measure catalogue 2027",
)

# What is to be handed in

NOTHING_TO_SUBMIT = declare(
    "B030",
    "nothing is left to hand in",
    expected="quality results at the level asked for, or attestations",
    next_step="Check the TIN, --npi and --level, and that the run was scored with this practice's rows.",
)
BOTH_LEVELS = declare(
    "B031",
    "results are there for clinicians and for the practice as a whole",
    expected="a choice of one level, or of both",
    next_step="Compare them in points with `openasm submit compare`, then say --level individual, tin or both.",
    citation="42 CFR 512.720",
)
NOT_SMALL = declare(
    "B032",
    "only small practices may hand in quality for the practice as a whole",
    expected="a practice of at most 15 clinicians",
    next_step="Hand in quality for each clinician: --level individual.",
    citation="42 CFR 512.720",
)
COUNTS_DO_NOT_ADD_UP = declare(
    "B033",
    "the counts do not add up to the eligible cases",
    expected="met + not met + exclusions + exceptions = eligible for an eCQM",
    next_step="An eCQM is computed for every eligible patient; compute the measure again.",
    citation="QPP Submissions API, singlePerformanceRate",
)

BELOW_COMPLETENESS = declare(
    "B040",
    "fewer of the eligible cases are reported than asked for, so the measure earns 0 points",
    expected="at least the share of data completeness",
    next_step="Report the missing cases, or accept the 0 points.",
    severity=Severity.WARNING,
    citation="42 CFR 512.720",
)
MEASURE_NOT_REPORTED = declare(
    "B041",
    "a measure of the cohort is not handed in, so it earns 0 points",
    expected="every measure of the cohort that CMS does not calculate itself",
    next_step="Hand it in, or accept the 0 points.",
    severity=Severity.WARNING,
    citation="42 CFR 512.725(b)-(c)",
)
MINIMUM_NOT_MET = declare(
    "B042",
    "no measure is complete enough for the minimum submission: the final score will be 0",
    expected="at least one measure that is not calculated from claims, reported for at least 75 % of its cases",
    next_step="Report at least one measure completely.",
    severity=Severity.WARNING,
    citation="42 CFR 512.720",
)
ACTIVITY_MISSING = declare(
    "B043",
    "an improvement activity is not handed in and costs points of the final score",
    expected="both activities attested over at least 90 days in a row within the year",
    next_step="Attest the activity if it was done for long enough.",
    severity=Severity.WARNING,
    citation="42 CFR 512.735",
)
INTEROPERABILITY_INCOMPLETE = declare(
    "B044",
    "Promoting Interoperability is incomplete, so its score is 0",
    expected="certified technology for 180 days, every required measure, one way of exchange, every attestation",
    next_step="Complete what is named.",
    severity=Severity.WARNING,
    citation="42 CFR 512.740",
)
DEADLINE_PASSED = declare(
    "B045",
    "the last day for submitting has passed",
    expected="a submission by 31 March after the performance year",
    next_step="Ask CMS before handing anything in; a missed deadline means a final score of 0.",
    severity=Severity.WARNING,
    citation="42 CFR 512.720",
)
YEAR_NOT_OVER = declare(
    "B046",
    "the performance year is not over, so the counts are not final",
    expected="results of the whole calendar year",
    next_step="Prepare the package again after 31 December.",
    severity=Severity.WARNING,
    citation="42 CFR 512.725(a)",
)
