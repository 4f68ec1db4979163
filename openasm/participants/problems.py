"""What can be wrong with participant lists, rosters and contact lists."""

from __future__ import annotations

from openasm.base.problems import Severity, declare

NOT_YES_NO = declare(
    "P001",
    "not Yes, No or Null",
    expected="Yes, No, Null or nothing",
    next_step="Check that the columns of the official list were not shifted.",
)
UNKNOWN_COHORT = declare(
    "P002",
    "unknown cohort",
    expected="Heart Failure or Low Back Pain",
    next_step="Check that this is CMS's list of ASM participants.",
)
REPEATED_ROW = declare(
    "P003",
    "the row repeats an earlier one and was read once",
    expected="each clinician, cohort, organization and state once",
    next_step="Nothing needs doing; tell CMS if the list is the newest.",
    severity=Severity.WARNING,
)
TOTALS_DIFFER = declare(
    "P004",
    "a total differs from the one reported for this list",
    expected="the reported total",
    next_step="Check that the file is whole and which version of the list it is; lists are replaced.",
    severity=Severity.WARNING,
)
NO_ORGANIZATION = declare(
    "P005",
    "rows without an organization",
    expected="a legal name of the practice",
    next_step="Find the practice by NPI in your roster; the list holds no TIN.",
    severity=Severity.WARNING,
)
NOT_EMAIL = declare(
    "P006",
    "not an e-mail address",
    expected="one address, as in name@practice.example",
    next_step="Correct the address; registration goes by e-mail.",
)
SHARED_EMAIL = declare(
    "P007",
    "an e-mail address serves more than one participant",
    expected="one address of their own for each participant",
    next_step="Give each participant an own address; the portal registers one person an address.",
    severity=Severity.WARNING,
    citation="CMS ASM participant readiness roadmap, 2026",
)
MISSING_EMAIL = declare(
    "P008",
    "a participant has no e-mail address",
    expected="one address for each participant",
    next_step="Add the address before registration closes.",
    severity=Severity.WARNING,
    citation="CMS ASM participant readiness roadmap, 2026",
)
NO_LIST = declare(
    "P044",
    "no participant list to compare with",
    expected="CMS's list of ASM participants",
    next_step="Give it with --list, or add it to the library: openasm data add participants FILE --vintage WORD.",
    severity=Severity.WARNING,
)
NO_GEOGRAPHY = declare(
    "P045",
    "no county delineation, so the location test cannot be told",
    expected="delineation, ZIP crosswalk and list of mandatory areas",
    next_step="Give --counties, --zips and --areas, or add the files to the library with openasm data.",
    severity=Severity.WARNING,
)
CLAIMS_IN_PART = declare(
    "P046",
    "the claims may lack some of what is counted, so too few of something is never a no",
    expected="every Medicare claim of the clinicians for the data year and the year before",
    next_step="Where the claims are whole, say so with --claims-hold all.",
    severity=Severity.WARNING,
)
NOT_A_SITE = declare(
    "P048",
    "a site is not a ZIP code",
    expected="ZIP codes of five digits, several with ; between them",
    next_step="Give the ZIP codes of the places where services are given, leading zeros kept.",
)
LINES_OF_NOBODY = declare(
    "P047",
    "professional lines of the data year name no TIN or no clinician and count for nobody",
    expected="a TIN and an NPI on every professional line",
    next_step="Load the claims from a source that has them; otherwise counts may be too low.",
    severity=Severity.WARNING,
)
