"""A plainly made-up practice with a run and the files of its submission: both cohorts, clinicians and the practice as a whole."""

from __future__ import annotations

import atexit
import csv
import datetime as dt
import json
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from openasm.runs.scoring.run import score_folder
from openasm.submission.formats import Formats, formats_for
from tests.builders.score_folders import HEADERS, Rows, attested, npi

TIN = "900000777"
CEHRT = "0015CMADEUP0000"
NOW = dt.datetime(2028, 2, 1, 12, 0, tzinfo=dt.UTC)
COUNTS = {  # eligible, met, exclusions, exceptions by measure
    "005": (44, 31, 2, 4),
    "008": (44, 33, 2, 5),
    "236": (210, 131, 18, 0),
    "377": (98, 7, 4, 0),
    "238": (160, 5, 6, 0),
    "134": (240, 140, 11, 9),
    "128": (250, 180, 15, 8),
    "220": (60, 46, 0, 0),
}
MEASURES = {"heart_failure": ("005", "008", "236", "377"), "low_back_pain": ("238", "134", "128", "220")}
PRACTICE_HEADER = (
    "tin",
    "name",
    "street",
    "city",
    "state",
    "zip",
    "telephone",
    "cehrt_id",
    "end_to_end",
    "signer_given",
    "signer_family",
)
SUPPLEMENTAL_HEADER = ("tin", "npi", "measure", "collection_type", "group", "population", "kind", "code", "count")


@dataclass
class Made:
    """What `practice` made: the rows of the score inputs and of the submission files, to be changed before `write`."""

    rows: Rows
    practice: list[dict[str, object]]
    identifiers: list[dict[str, object]]
    supplemental: list[dict[str, object]]
    interoperability: list[dict[str, object]]
    npis: tuple[str, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write inputs, score them; returns the run and the folder of the submission's files."""
        run = folder / "run"
        shutil.copytree(_scored(json.dumps(self.rows)), run)
        return run, self.write_files(folder)

    def write_files(self, folder: Path) -> Path:
        """Write the submission's own files alone."""
        own = folder / "submission"
        _table(own / "practice.csv", PRACTICE_HEADER, self.practice)
        _table(own / "identifiers.csv", ("item", "about", "group", "population", "value", "source"), self.identifiers)
        _table(own / "supplemental.csv", SUPPLEMENTAL_HEADER, self.supplemental)
        _table(own / "interoperability.csv", ("tin", "item", "detail"), self.interoperability)
        return own


_kept = tempfile.TemporaryDirectory()
atexit.register(_kept.cleanup)


@cache
def _scored(rows: str) -> Path:
    """The run of some rows, scored once however many tests begin with it."""
    folder = Path(tempfile.mkdtemp(dir=_kept.name))
    for name, table in json.loads(rows).items():
        _table(folder / "inputs" / f"{name}.csv", HEADERS[name], table)
    score_folder(folder / "inputs", folder / "run", year=2027, now=NOW, report=False)
    return folder / "run"


def practice(
    *,
    cohorts: Sequence[str] = ("heart_failure",),
    clinicians: int = 1,
    levels: Sequence[str] = ("individual",),
    size: int = 3,
    counts: Mapping[str, tuple[int, int, int, int]] = COUNTS,
    every_code: bool = False,
) -> Made:
    """A practice with `clinicians` in each cohort, all measures at each level, everything attested."""
    rows: Rows = {name: [] for name in HEADERS}
    made = Made(rows, [practice_row()], identifier_rows(), [], [])
    numbers = iter(range(99_900_001, 99_999_999))
    every: list[str] = []
    for cohort in cohorts:
        members = [npi(next(numbers)) for _ in range(clinicians)]
        every += members
        for someone in members:
            rows["participants"].append(
                {
                    **{
                        "tin": TIN,
                        "npi": someone,
                        "cohort": cohort,
                        "name": "Test Clinician",
                        "organization": "Test Practice",
                    },
                    **{
                        "state": "NY",
                        "clinicians_in_tin": size,
                        "part_b_paid": "250000.00",
                        "hcc_mean": "1.2",
                        "dual_share": "0.2",
                    },
                }
            )
        reporters = [*(members if "individual" in levels else []), *([""] if "tin" in levels else [])]
        for who in reporters:
            for measure in MEASURES[cohort]:
                add_measure(made, who, measure, counts[measure], every_code=every_code)
    rows["attestations"] += attested(TIN)
    made.interoperability += [
        {"tin": TIN, "item": item, "detail": f"{item}_PROD"} for item in ("PI_PHCDRR_1", "PI_PHCDRR_3")
    ]
    made.npis = tuple(every)
    return made


def add_measure(
    made: Made, who: str, measure: str, counts: tuple[int, int, int, int], *, every_code: bool = False
) -> None:
    """A row of quality.csv and, for an eCQM, its supplemental rows."""
    eligible, met, exclusions, exceptions = counts
    kind = "cqm" if measure == "220" else "ecqm"
    made.rows["quality"].append(
        {
            **{"tin": TIN, "npi": who, "measure": measure, "collection_type": kind, "eligible": eligible, "met": met},
            **{
                "not_met": eligible - met - exclusions - exceptions,
                "exclusions": exclusions,
                "exceptions": exceptions,
                "rate": "",
            },
        }
    )
    if kind == "ecqm":
        made.supplemental += supplemental_rows(who, measure, counts, every_code=every_code)


def supplemental_rows(
    who: str, measure: str, counts: tuple[int, int, int, int], *, every_code: bool = False
) -> list[dict[str, object]]:
    """Every population of every rate with its four kinds: all under one code, or spread over every code and the unknown."""
    formats = formats_for(2027)
    known = formats.measure(measure)
    eligible, met, exclusions, exceptions = counts
    sizes = {"IPOP": eligible + 3, "DENOM": eligible, "DENEX": exclusions, "DENEXCEP": exceptions, "NUMER": met}
    rows: list[dict[str, object]] = []
    for group in known.groups:
        for population in known.populations:
            size = sizes[population]
            if population == "NUMER" and group > 1:
                size = min(size + group, eligible - exclusions - exceptions)
            key = {
                "tin": TIN,
                "npi": who,
                "measure": measure,
                "collection_type": "ecqm",
                "group": group,
                "population": population,
            }
            rows.append({**key, "kind": "total", "code": "", "count": size})
            for kind in ("sex", "race", "ethnicity", "payer"):
                rows += [
                    {**key, "kind": kind, "code": code, "count": n}
                    for code, n in _spread(formats, kind, size, every_code)
                ]
    return rows


def _spread(formats: Formats, kind: str, size: int, every_code: bool) -> Iterable[tuple[str, int]]:
    codes = [*formats.codes(kind), "UNK"] if every_code else [*formats.codes(kind)][:1]
    share, rest = divmod(size, len(codes))
    return [(code, share + (place < rest)) for place, code in enumerate(codes)]


def practice_row() -> dict[str, object]:
    """A row of practice.csv."""
    values = (
        TIN,
        "Test Practice",
        "1 Example Street",
        "Sampleton",
        "NY",
        "00000",
        "(555)555-0100",
        CEHRT,
        "yes",
        "Test",
        "Signer",
    )
    return dict(zip(PRACTICE_HEADER, values, strict=True))


def identifier_rows() -> list[dict[str, object]]:
    """Made-up values for everything that only CMS can give."""
    formats = formats_for(2027)
    rows: list[dict[str, object]] = [
        _identifier("program_name", "", "mips"),
        _identifier("activity", "IA_1", "IA_TEST_1"),
    ]
    rows += [_identifier("activity", "IA_2", "IA_TEST_2"), _identifier("cohort", "heart_failure", "HF")]
    rows.append(_identifier("cohort", "low_back_pain", "LBP"))
    for measure in formats.measures:
        known = formats.measure(measure)
        if not known.ecqm:
            continue
        rows.append(_identifier("measure_id", measure, made_up_uuid(measure)))
        rows.append(_identifier("measure_version", measure, f"{known.ecqm}v15"))
        for group in known.groups:
            for population in known.populations:
                value = made_up_uuid(measure, str(group), population).upper()
                rows.append({**_identifier("population_id", measure, value), "group": group, "population": population})
    return rows


def made_up_uuid(*parts: str) -> str:
    """A UUID that stands for nothing."""
    return str(uuid.uuid5(uuid.UUID(int=0), " ".join(parts)))


def _identifier(item: str, about: str, value: str) -> dict[str, object]:
    return {"item": item, "about": about, "group": "", "population": "", "value": value, "source": "made up for a test"}


def _table(path: Path, header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
