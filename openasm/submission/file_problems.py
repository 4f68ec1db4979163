"""What can be wrong with files for CMS and with packages, by number (B1.. to B3..). Codes are never renumbered."""

from __future__ import annotations

from openasm.base.problems import Severity, declare

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
