"""Quality measures from FHIR records: parsing, value sets, populations, files.

The records are the official eCQM cases beside the project, repeated under new ids; where they are absent, made-up patients stand in and
the table says so. The reference of each row is the least that any program must do with the same file in the same language: unpack it
and parse its JSON.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from benchmarks.measure import Row, Took, measured, measured_command
from openasm.base.problems import Problems
from openasm.clinical.fhir import patients_of_bundle
from openasm.clinical.fhir_facts import FactReader
from openasm.clinical.value_sets import read_value_sets
from openasm.quality.demonstration import demo_records, write_demo_value_sets
from openasm.quality.evaluation import Job, terminology_for
from openasm.quality.specification import measure_ids, specification_for

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data"
DECK = SHARED / "ecqm-deck" / "visible"


def records(measures: tuple[str, ...]) -> list[tuple[str, str]]:
    """Ids and Bundles to repeat."""
    if not DECK.is_dir():
        return [(record.identity, orjson.dumps(record.bundle()).decode()) for record in demo_records(1, 240, 2026)]
    found = []
    for measure in measures:
        with gzip.open(DECK / f"{measure}.ndjson.gz") as stream:
            for line in stream:
                case = orjson.loads(line)
                found.append((case["case"], orjson.dumps(case["bundle"]).decode()))
    return found


def write_records(path: Path, measures: tuple[str, ...], patients: int) -> None:
    """A gzip NDJSON file of so many patients, each with an id of its own."""
    sources = records(measures)
    with gzip.open(path, "wt", compresslevel=5, encoding="utf-8") as stream:
        for number in range(patients):
            case, bundle = sources[number % len(sources)]
            stream.write(bundle.replace(case, f"{number:07d}-{case[:24]}") + "\n")


def parsed(path: Path) -> int:
    """Unpack and parse every line, and nothing else."""
    unpacker, rest, count = zlib.decompressobj(wbits=31), b"", 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            lines = (rest + unpacker.decompress(block)).split(b"\n")
            rest = lines.pop()
            count += sum(1 for line in lines if orjson.loads(line))
    return count


def command(source: Path, value_sets: Path, out: Path, jobs: int, measures: str, repeat: int = 2) -> Took:
    """`openasm quality` as a program of its own, from start to finished files."""
    words: list[str | Path] = [
        sys.executable,
        "-c",
        "from openasm.cli.main import main; main()",
        "quality",
        source,
        "--value-sets",
        value_sets,
    ]
    words += ["--year", "2026", "--out", out, "--jobs", str(jobs), "--replace"]
    return measured_command([*words, *(["--measures", measures] if measures else [])], repeat=repeat)


def side_by_side(source: Path, value_sets: Path, folder: Path) -> Took:
    """Two runs at once that have nothing to do with each other, each on one process: what the machine gives two processes."""
    with ThreadPoolExecutor(2) as threads:
        both = [
            threads.submit(command, source, value_sets, folder / f"side-{side}", 1, "", 1) for side in ("left", "right")
        ]
        took = [each.result() for each in both]
    peaks = [each.peak_mb for each in took if each.peak_mb is not None]
    return Took(
        max(each.seconds for each in took), sum(each.cpu_seconds for each in took), max(peaks) if peaks else None
    )


def run() -> list[Row]:
    """CMS165 over 20,000 patients, all seven over 50,000 on one and two processes, one patient at a time, and memory."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        value_sets = SHARED / "valuesets"
        if not DECK.is_dir():
            value_sets = folder / "value_sets"
            write_demo_value_sets(value_sets)
        what = "official cases repeated" if DECK.is_dir() else "made-up patients repeated"
        one, all_seven = folder / "one.ndjson.gz", folder / "all.ndjson.gz"
        half, few, ten = folder / "half.ndjson.gz", folder / "few.ndjson.gz", folder / "ten.ndjson.gz"
        write_records(one, ("CMS165",), 20_000)
        write_records(all_seven, measure_ids(), 50_000)
        write_records(half, measure_ids(), 25_000)
        write_records(few, measure_ids(), 10_000)
        write_records(ten, ("CMS165",), 10)
        out = folder / "out"
        start = command(ten, value_sets, out, 2, "CMS165", repeat=3).seconds
        rows.append(
            Row(
                name="CMS165, two processes",
                what=f"20,000 patients, gzip NDJSON, {what}: the whole command, start of the interpreter and all files included",
                took=command(one, value_sets, out, 2, "CMS165", repeat=3),
                limit_seconds=20_000 / 7_500 + start,
                note=f"promise: 7,500 patients a second, 300 times what the reference engine reaches once it has started; the start, {start:.2f} s, is "
                "that of the same command over ten patients. Bound by reading facts and parsing JSON",
                reference="unpack and parse the same file, one process",
                reference_took=measured(lambda: parsed(one), repeat=2),
            )
        )
        shares = (
            "16,000 patient-measures a second and process; bound by reading facts (a third), the measures' own questions (a third), "
            "unpacking and parsing JSON (a sixth) and the lines of the files (a sixth)"
        )
        rows.append(
            Row(
                name="all seven measures, 1 process",
                what=f"50,000 patients x 7 measures, {what}",
                took=command(all_seven, value_sets, out, 1, ""),
                reference="unpack and parse the same file, one process",
                reference_took=measured(lambda: parsed(all_seven), repeat=2),
                limit_seconds=50_000 * 7 / 16_000,
                note=shares,
            )
        )
        rows.append(
            Row(
                name="all seven measures, 2 processes",
                what=f"50,000 patients x 7 measures, {what}",
                took=command(all_seven, value_sets, out, 2, ""),
                reference="two separate runs at once, 25,000 patients and one process each",
                reference_took=side_by_side(half, value_sets, folder),
                limit_seconds=50_000 * 7 / (16_000 * 2),
                note=f"{shares}; the processes share all of it but the start (half a second), unpacking and the writing of finished lines. "
                "The reference is what two processes can reach here: where they take more processor seconds than one, the processors "
                "slow each other down, and so they do two runs that have nothing to do with each other",
            )
        )
        small = command(few, value_sets, out, 2, "")
        large = rows[-1].took
        rows.append(
            Row(
                name="memory, five times the patients",
                what="all seven, 10,000 against 50,000 patients, largest process",
                took=large,
                reference="10,000 patients",
                reference_took=small,
                limit_mb=None if small.peak_mb is None else small.peak_mb * 1.1 + 10,
                note="about a megabyte of records and 25,000 lines of each kind a process; the rest waits on disk in sorted runs, whose index "
                "grows by a byte or two a line",
            )
        )
        rows.append(one_at_a_time(value_sets))
    return rows


def one_at_a_time(value_sets: Path) -> Row:
    """A single patient's seven measures in a running process, as the point-of-care service computes them."""
    problems = Problems()
    specifications = tuple(specification_for(measure, 2026) for measure in measure_ids())
    terms = terminology_for(specifications, read_value_sets(value_sets, problems), problems)
    bound = Job(specifications, terms, 2026).measures()
    texts = [bundle for _, bundle in records(measure_ids())][:200]

    def parse() -> None:
        for text in texts:
            orjson.loads(text)

    def evaluate() -> None:
        for text in texts:
            for patient in patients_of_bundle(orjson.loads(text), FactReader(terms), Problems()):
                for measure in bound:
                    measure.evaluate(patient)

    return Row(
        name="one patient at a time",
        what="from JSON to seven measures, 200 patients, in process",
        took=measured(evaluate, repeat=5),
        reference="parse the same Bundles",
        reference_took=measured(parse, repeat=5),
        limit_seconds=200 * 0.020,
        note="promise: 20 ms a patient; bound as a whole file is, less the lines",
    )
