"""The kinds of files a practice uploads, and how large they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MEGABYTE = 2**20
LARGEST_UPLOAD = 512 * MEGABYTE  # what the server accepts in one request
LARGEST_UNPACKED = (
    1024 * MEGABYTE
)  # of one archive: it is unpacked while its sender waits, seconds at most; more comes in parts
LARGEST_RATIO = 200  # unpacked to packed: data pack five to fifty times, a bomb thousands of times
MOST_MEMBERS = 20_000
LARGEST_PRACTICE = 51_200 * MEGABYTE
ROOM_LEFT = 1024 * MEGABYTE  # of the disk, for the database


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of upload.

    endings: of the names taken, in lower case; empty for any ending (CCLF files end in a time). packed: whether an archive is
    unpacked and its members are the files. alone: whether the newest one replaces the earlier ones. stored_as: the name of our
    own it is kept under, empty to keep a cleaned form of the given name, which readers of claims and records go by.
    """

    code: str
    title: str
    text: str
    endings: tuple[str, ...]
    largest: int
    packed: bool = False
    alone: bool = False
    stored_as: str = ""


KINDS: tuple[FileKind, ...] = (
    FileKind(
        "claims",
        "Claims",
        "CCLF deliveries, FHIR ExplanationOfBenefit, or tables. An archive (.zip) of a whole delivery is easiest.",
        (),
        LARGEST_UPLOAD,
        packed=True,
    ),
    FileKind(
        "records",
        "Patient records",
        "FHIR R4 from the EHR (Bundles or a bulk export: .json, .ndjson, also .gz), or plain tables in an archive.",
        (".json", ".ndjson", ".jsonl", ".gz", ".zip", ".csv", ".parquet"),
        LARGEST_UPLOAD,
        packed=True,
    ),
    FileKind(
        "value_sets",
        "Value sets",
        "The eCQM value sets as downloaded from VSAC. They need a licence, so none come with the program.",
        (".zip", ".json", ".xml", ".xlsx"),
        256 * MEGABYTE,
        packed=True,
    ),
    FileKind(
        "roster",
        "Roster",
        "The practice's clinicians: tin, npi, name (CSV).",
        (".csv",),
        50 * MEGABYTE,
        alone=True,
        stored_as="roster.csv",
    ),
    FileKind(
        "attestations",
        "Attestations",
        "Improvement activities and interoperability of the practice (CSV).",
        (".csv",),
        50 * MEGABYTE,
        alone=True,
        stored_as="attestations.csv",
    ),
    FileKind(
        "participants",
        "Own participants",
        "Rows of participants.csv about the practice's own clinicians, where the cohort does not hold them.",
        (".csv",),
        50 * MEGABYTE,
        alone=True,
        stored_as="participants.csv",
    ),
    FileKind(
        "peers",
        "Cohort",
        "An archive with participants.csv, quality.csv, cost.csv and attestations.csv of the peers the practice is measured against.",
        (".zip",),
        LARGEST_UPLOAD,
        packed=True,
        alone=True,
    ),
)
BY_CODE: Mapping[str, FileKind] = {kind.code: kind for kind in KINDS}
