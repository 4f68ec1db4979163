"""What can be wrong with files of a submission, by number (B...). Codes are never renumbered."""

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

# QRDA Category III files

NOT_QRDA = declare(
    "B101",
    "not a readable QRDA III file",
    expected="well-formed XML without a document type, with ClinicalDocument at its root",
    next_step="Export the file again; send the file itself, not a zip or a page that shows it.",
    citation="HL7 QRDA Category III R1.1",
)
TEMPLATE_MISSING = declare(
    "B102",
    "a part does not say which version of the rules it follows",
    expected="the template id named",
    next_step="Have the vendor write the templates of the performance year; a file made for an earlier year is not taken.",
    citation="CMS 2027 QRDA Category III",
)
WRONG_NUMBER = declare(
    "B103",
    "something is missing or stands too often",
    expected="the number of elements named",
    next_step="Have the vendor correct the export.",
    citation="CMS 2027 QRDA Category III",
)
WRONG_VALUE = declare(
    "B104",
    "a fixed value is not as CMS prescribes it",
    expected="the value named",
    next_step="Have the vendor correct the export.",
    citation="CMS 2027 QRDA Category III",
)
UNKNOWN_PROGRAM = declare(
    "B105",
    "the program is none that CMS knows",
    expected="ASM_INDIV or ASM_GROUP for the Ambulatory Specialty Model",
    next_step="Choose the program of the model when exporting.",
    citation="CMS 2027 QRDA Category III, CMS_11",
)
WRONG_PERFORMERS = declare(
    "B106",
    "the number of clinicians does not fit the program",
    expected="exactly one clinician for ASM_INDIV, one or more for ASM_GROUP",
    next_step="Export one file a clinician, or choose ASM_GROUP.",
    citation="CMS 2027 QRDA Category III, 5562-18171_C01",
)
NO_CLINICIAN_ID = declare(
    "B107",
    "a clinician stands without NPI or TIN",
    expected="one NPI and one TIN for each clinician",
    next_step="Fill in both numbers in the EHR's provider table and export again.",
    citation="CMS 2027 QRDA Category III, 5562-18177_C01",
)
BAD_NPI = declare(
    "B108",
    "not a valid NPI",
    expected="ten digits with a right check digit",
    next_step="Compare with the NPI registry; a digit is wrong.",
    citation="CMS 2027 QRDA Category III, CMS_0115 to CMS_0118",
)
BAD_TIN = declare(
    "B109",
    "not a valid TIN",
    expected="nine digits without a hyphen",
    next_step="Correct the number in the EHR's practice table.",
    citation="CMS 2027 QRDA Category III, CMS_0119, CMS_0120",
)
BAD_COHORT = declare(
    "B110",
    "the ASM cohort is not named in CMS's way",
    expected="one id with an extension under CMS's root for the cohort",
    next_step="Correct the cohort's id; leave the participant out only when CMS does not ask for it.",
    citation="CMS 2027 QRDA Category III, CMS_163 to CMS_166",
)
NO_CERTIFICATION = declare(
    "B111",
    "the EHR certification id is missing",
    expected="one device participant with the id, 15 characters",
    next_step="Enter the certification id before exporting.",
    citation="CMS 2027 QRDA Category III, CMS_140",
)
SUPPLEMENTAL_MISSING = declare(
    "B112",
    "a population lacks part of its supplemental data in the form of this year",
    expected="sex, race, ethnicity and payer for every population",
    next_step="Export with supplemental data; sex is a SNOMED CT translation since 2027, not an administrative gender.",
    citation="CMS 2027 QRDA Category III, 4427-18136_C01 to 18141_C01",
)
BAD_COUNT = declare(
    "B113",
    "not a count",
    expected="a whole number, 0 or more",
    next_step="Have the vendor correct the export.",
    citation="CMS 2027 QRDA Category III, 77-17568",
)
BAD_RATE = declare(
    "B114",
    "not a performance rate",
    expected="a number from 0 to 1 with at most six decimals, or NA where nobody is left to count",
    next_step="Have the vendor correct the export.",
    citation="CMS 2027 QRDA Category III, CMS_62, CMS_63",
)
RATE_DIFFERS = declare(
    "B115",
    "the rate is not what the file's own counts give",
    expected="numerator / (denominator - exclusions - exceptions)",
    next_step="Find out which of the two is right before handing it in.",
    citation="HL7 QRDA Category III R1.1, performance rate",
)
POPULATIONS_DISAGREE = declare(
    "B116",
    "the populations cannot be so large beside each other",
    expected="denominator within initial population; exclusions, exceptions and numerator together within the denominator",
    next_step="Find out which count is wrong before handing it in.",
    citation="HL7 QRDA Category III R1.1",
)
SUPPLEMENTAL_SUM = declare(
    "B117",
    "the supplemental counts are more than the population",
    expected="at most as many patients as the population has",
    next_step="A patient should stand once in each kind; find out whether some are counted twice.",
    severity=Severity.WARNING,
    citation="HL7 QRDA Category III R1.1",
)
NULL_AND_VALUE = declare(
    "B118",
    "an element has both a value and a reason for having none, or neither",
    expected="one of the two",
    next_step="Have the vendor correct the export.",
    citation="CMS 2027 QRDA Category III, CMS_0105 to CMS_0118",
)
MIXED_TIME_ZONES = declare(
    "B119",
    "times stand with and without a time zone",
    expected="all times with a time zone, or all without",
    next_step="Have the vendor correct the export.",
    citation="CMS 2027 QRDA Category III, CMS_0122",
)
MEASURE_TWICE = declare(
    "B120",
    "the same measure stands twice",
    expected="each measure once",
    next_step="Leave one of the two out.",
)

# QPP Submissions JSON

NOT_QPP = declare(
    "B201",
    "not a readable QPP submission",
    expected="a JSON object",
    next_step="Export the file again.",
)
QPP_FIELD = declare(
    "B202",
    "a field is missing, unknown or not of its kind",
    expected="the fields of the QPP Submissions API",
    next_step="Correct the field named.",
    citation="QPP Submissions API, documentation of 23 Dec 2025",
)
QPP_ARITHMETIC = declare(
    "B203",
    "the counts do not fit together",
    expected="met + not met + exclusions + exceptions at most the eligible cases (exactly as many for an eCQM); numerator within denominator",
    next_step="Correct the counts.",
    citation="QPP Submissions API, reportingRate",
)
QPP_TWICE = declare(
    "B204",
    "the same measure, stratum or set stands twice",
    expected="a set once by category, method and program; a measure once in its set; a stratum once in its measure",
    next_step="Leave one of the two out.",
    citation="QPP Submissions API, measurementSet",
)
QPP_EXCLUSION = declare(
    "B205",
    "a measure stands beside the exclusion that excuses it",
    expected="the measure or its exclusion",
    next_step="Leave one of the two out.",
    citation="QPP Submissions API, value: boolean",
)

# Packages

NOT_A_PACKAGE = declare(
    "B301",
    "not a package of this program",
    expected="a folder or zip that `openasm submit prepare` wrote, with its manifest.json",
    next_step="Give the folder named with --out.",
)
FILE_CHANGED = declare(
    "B302",
    "a file is not as it was written",
    expected="the bytes whose hash the manifest holds",
    next_step="Prepare the package again; do not hand in files that were edited afterwards.",
)
FILE_GONE = declare(
    "B303",
    "a file of the package is missing",
    expected="every file the manifest names",
    next_step="Prepare the package again.",
)
FILE_UNNAMED = declare(
    "B304",
    "the folder holds a file that the manifest does not name",
    expected="only files of the package",
    next_step="Keep other files elsewhere, so that nothing is handed in by mistake.",
    severity=Severity.WARNING,
)
RECEIPT_BROKEN = declare(
    "B305",
    "the list of receipts was changed afterwards",
    expected="each receipt with the hash of the one before",
    next_step="Restore receipts.jsonl from a backup; receipts are only ever added.",
)
