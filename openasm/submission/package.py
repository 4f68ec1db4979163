"""A package: everything a practice hands in as files with a manifest and hashes, checked before any of it is written.

    OUT/
      manifest.json        what it was made from, every file with its hash, what was left out and why
      summary.html, .txt   the same for people
      qrda3/*.xml          one report a clinician and cohort, or one a cohort for the practice
      qpp/*.json           QPP submissions
      fhir/*.json          MeasureReports
      receipts.jsonl       added by `openasm submit receipt`, a line a receipt

Nothing is ever sent. A package is never replaced: prepare another one beside it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from openasm import __version__
from openasm.archive.folder import MANIFEST, new_run
from openasm.archive.manifest import file_hash
from openasm.archive.run import Run
from openasm.base.files import written_whole
from openasm.base.parameters import Rules, stamp
from openasm.base.problems import Problem, Problems
from openasm.base.years import submission_deadline
from openasm.submission import file_problems as kinds
from openasm.submission import qpp, qrda3
from openasm.submission.content import LeftOut, QualityReport, Submission
from openasm.submission.formats import Formats
from openasm.submission.gathering import COHORT_WORDS, Wanted, gather
from openasm.submission.inputs import SubmissionInputs
from openasm.submission.measure_report import measure_report_bundle
from openasm.submission.problems import NOTHING_TO_SUBMIT
from openasm.submission.qpp_check import check_qpp
from openasm.submission.qrda3_check import check_qrda3
from openasm.submission.receipts import RECEIPTS, check_receipts
from openasm.submission.summary import summary_html, summary_text

FORMAT = "openasm-submission"
FORMAT_VERSION = 1
MOST_ZIP_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file of a package. kind: `qrda3`, `qpp`, `fhir` or `summary`; about: what it is, in words."""

    name: str
    kind: str
    about: str
    content: bytes

    def record(self) -> dict[str, object]:
        """The file as the manifest lists it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "about": self.about,
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "bytes": len(self.content),
        }


@dataclass(frozen=True, slots=True)
class Package:
    """A written package: its files, what was left out, and the warnings."""

    submission: Submission
    files: tuple[PackagedFile, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[Problem, ...]


def prepare(
    run: Run,
    inputs: SubmissionInputs,
    out: Path,
    *,
    formats: Formats,
    rules: Rules,
    wanted: Wanted,
    moment: dt.datetime,
    problems: Problems,
) -> Package:
    """Gather, check, write. problems: those of the inputs so far; InputRefused with all errors, and then nothing is written.

    moment: now, with a time zone. Raises WrongUsage for an `out` that is not free, NotFound for a TIN or NPI the run does not have.
    """
    submission = gather(
        run, inputs, formats=formats, rules=rules, wanted=wanted, today=moment.date(), problems=problems
    )
    if "qrda3" in wanted.write:
        qrda3.check_identifiers(submission.reports, inputs.identifiers, formats, problems)
    if "qpp" in wanted.write:
        qpp.check_identifiers(submission, inputs.identifiers, problems)
    problems.refuse_errors()
    left_out = (*submission.left_out, *_not_in_a_format(submission, wanted.write))
    files = submission_files(submission, inputs=inputs, formats=formats, rules=rules, write=wanted.write, moment=moment)
    if not files:
        problems.add(NOTHING_TO_SUBMIT, run.path.name, found=f"none of {', '.join(wanted.write)} has anything to hold")
    _check_files({each.name: each.content for each in files}, formats, problems)
    problems.refuse_errors()
    manifest = _manifest(run, inputs, submission, formats=formats, rules=rules, wanted=wanted, moment=moment)
    manifest |= {
        "left_out": [asdict(each) for each in left_out],
        "problems": [each.as_record() for each in problems.warnings],
    }
    points = _points(run, wanted)
    told = [each.record() for each in files]
    summaries = (
        PackagedFile(
            "summary.html", "summary", "summary for people", summary_html(submission, manifest, told, points).encode()
        ),
        PackagedFile(
            "summary.txt", "summary", "the same as text", summary_text(submission, manifest, told, points).encode()
        ),
    )
    every = (*files, *summaries)
    manifest["files"] = [each.record() for each in every]
    with new_run(out) as folder:
        for each in every:
            with written_whole(folder / each.name, "wb") as stream:
                stream.write(each.content)
        with written_whole(folder / MANIFEST) as stream:
            json.dump(manifest, stream, ensure_ascii=False, indent=2, allow_nan=False)
            stream.write("\n")
    return Package(submission, every, left_out, tuple(problems.warnings))


def submission_files(
    submission: Submission,
    *,
    inputs: SubmissionInputs,
    formats: Formats,
    rules: Rules,
    write: Sequence[str],
    moment: dt.datetime,
) -> tuple[PackagedFile, ...]:
    """The files of a checked submission, in memory. Equal submissions and moments give equal bytes."""
    files: list[PackagedFile] = []
    identifiers = inputs.identifiers
    if "qrda3" in write:
        for report in submission.reports:
            if qrda3.ecqms(report):
                text = qrda3.qrda3_text(submission, report, identifiers=identifiers, formats=formats, moment=moment)
                name, about = _qrda3_name(report, formats)
                files.append(PackagedFile(name, "qrda3", about, text.encode()))
    if "qpp" in write:
        for name, document in qpp.qpp_documents(submission, identifiers=identifiers).items():
            categories = ", ".join(dict.fromkeys(_CATEGORIES[each["category"]] for each in document["measurementSets"]))
            who = document.get("nationalProviderIdentifier")
            about = f"QPP submission of {f'NPI {who}' if who else 'the practice'}: {categories}"
            files.append(PackagedFile(f"qpp/{name}", "qpp", about, _json(document)))
    if "fhir" in write and submission.reports:
        bundle = measure_report_bundle(submission, identifiers=identifiers, formats=formats, rules=rules, moment=moment)
        about = f"{len(bundle['entry'])} FHIR MeasureReports, for programs that read FHIR; not taken by CMS"
        files.append(PackagedFile("fhir/measure_reports.json", "fhir", about, _json(bundle)))
    return tuple(files)


_CATEGORIES = {"quality": "quality", "pi": "Promoting Interoperability", "ia": "improvement activities"}


def _qrda3_name(report: QualityReport, formats: Formats) -> tuple[str, str]:
    program = formats.program(report.level)
    cohort = COHORT_WORDS[report.cohort]
    if report.level == "tin":
        several = len(report.npis) > 1
        who = f"{len(report.npis)} clinicians" if several else "the one clinician"
        about = f"QRDA III of {who} of the practice, {cohort}"
        return f"qrda3/{program}_{report.cohort}.xml", about
    return f"qrda3/{program}_{report.npis[0]}_{report.cohort}.xml", f"QRDA III of NPI {report.npis[0]}, {cohort}"


def _json(document: object) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _not_in_a_format(submission: Submission, write: Sequence[str]) -> list[LeftOut]:
    by_other_means = sorted(
        {each.measure for report in submission.reports for each in report.measures if each.collection_type == "cqm"}
    )
    left_out = []
    if "qrda3" in write and by_other_means:
        what = f"Measure {', '.join(by_other_means)} in QRDA III"
        left_out.append(LeftOut(what, "reported as a CQM, which QRDA III does not hold; it is in the QPP files"))
    words = {"qrda3": "QRDA III files", "qpp": "QPP files", "fhir": "FHIR MeasureReports"}
    left_out += [LeftOut(words[each], "not asked for") for each in words if each not in write]
    if "qpp" not in write and submission.attested:
        left_out.append(
            LeftOut("Improvement activities and Promoting Interoperability", "they are in the QPP files only")
        )
    return left_out


def _manifest(
    run: Run,
    inputs: SubmissionInputs,
    submission: Submission,
    *,
    formats: Formats,
    rules: Rules,
    wanted: Wanted,
    moment: dt.datetime,
) -> dict[str, Any]:
    values = [*formats.rules, *(rules[name] for name in _RULES_USED)]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program": "openasm",
        "version": __version__,
        "year": submission.year,
        "deadline": submission_deadline(submission.year).isoformat(),
        "prepared": stamp(moment),
        "tin": wanted.tin,
        "npi": wanted.npi,
        "levels": list(dict.fromkeys(each.level for each in submission.reports)),
        "write": list(wanted.write),
        "run": {"name": run.path.name, "manifest_sha256": file_hash(run.path / MANIFEST)},
        "inputs": [{"name": path.name, "sha256": file_hash(path)} for path in inputs.files],
        "identifiers": [
            {"item": " ".join(str(part) for part in key if part), "value": each.value, "source": each.source}
            for key, each in sorted(inputs.identifiers.values.items())
        ],
        "parameters": [each.as_record() for each in values],
        "unconfirmed": [each.name for each in values if not each.confirmed],
    }


_RULES_USED = (
    "quality.measures",
    "quality.collection_types",
    "quality.tin_level_rows",
    "quality.minimum_submission_measures",
    "quality.minimum_submission_completeness",
    "improvement.activities",
    "improvement.period_days",
    "interoperability.period_days",
)


def _points(run: Run, wanted: Wanted) -> dict[tuple[str, str, str, str], str]:
    """(NPI, measure, collection type, level) -> points in the run."""
    rows = run.table("measure_scores").where(tin=wanted.tin)
    return {(row["npi"], row["measure"], row["collection_type"], row["level"]): row["points"] for row in rows}


def zip_package(folder: Path, target: Path) -> None:
    """Write a package as a zip beside it: the same bytes for the same files."""
    with written_whole(target, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def check_package(path: Path, *, formats: Formats, problems: Problems) -> Mapping[str, Any] | None:
    """Check a package (folder or zip): hashes, files, receipts, and every file for CMS anew. Its manifest, None when it is none."""
    contents = _contents(path)
    manifest = _read_manifest(contents.get(MANIFEST, b"")) if contents else None
    if manifest is None:
        problems.add(kinds.NOT_A_PACKAGE, path.name)
        return None
    named = {str(each["name"]): each for each in manifest["files"]}
    for name, record in named.items():
        if name not in contents:
            problems.add(kinds.FILE_GONE, name)
        elif hashlib.sha256(contents[name]).hexdigest() != record["sha256"]:
            problems.add(kinds.FILE_CHANGED, name)
    for name in sorted(set(contents) - set(named) - {MANIFEST, RECEIPTS}):
        problems.add(kinds.FILE_UNNAMED, name)
    if RECEIPTS in contents:
        check_receipts(contents[RECEIPTS], contents[MANIFEST], problems)
    _check_files({name: contents[name] for name in named if name in contents}, formats, problems)
    return manifest


def _contents(path: Path) -> dict[str, bytes]:
    """Every file of a folder or zip; nothing where it is neither."""
    if path.is_dir():
        return {each.relative_to(path).as_posix(): each.read_bytes() for each in path.rglob("*") if each.is_file()}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            if sum(each.file_size for each in entries) > MOST_ZIP_BYTES:
                return {}
            return {each.filename: archive.read(each) for each in entries}
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
        return {}


def _read_manifest(content: bytes) -> dict[str, Any] | None:
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(manifest, dict)
        or manifest.get("format") != FORMAT
        or not isinstance(manifest.get("files"), list)
    ):
        return None
    files = manifest["files"]
    return manifest if all(isinstance(each, dict) and {"name", "sha256"} <= set(each) for each in files) else None


def _check_files(contents: Mapping[str, bytes], formats: Formats, problems: Problems) -> None:
    for name, content in _for_cms(contents):
        if name.startswith("qrda3/"):
            check_qrda3(content, name, formats=formats, problems=problems)
        else:
            check_qpp(content, name, formats=formats, problems=problems)


def _for_cms(contents: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    return ((name, content) for name, content in sorted(contents.items()) if name.startswith(("qrda3/", "qpp/")))
