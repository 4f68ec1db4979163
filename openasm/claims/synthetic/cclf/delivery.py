"""One delivery: the claims of all years and three months of run-out, and a file of the people for every month.

CMS sends claims month by month; here they are joined into one delivery. The people's files stay monthly, because coverage
shows only in who is in them: someone without both parts, or in Medicare Advantage, is missing from that month's file.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np

from openasm.claims.sources.cclf.layout import layout
from openasm.claims.synthetic.block import Block, Ground
from openasm.claims.synthetic.cclf.files import Feed
from openasm.claims.synthetic.cclf.records import NO_DATE, Records
from openasm.claims.synthetic.columns import residence
from openasm.claims.synthetic.people import People
from openasm.claims.synthetic.settings import Ints, Region, first_days

ENTITY = "A9999"
"""The entity of a Shared Savings Program organisation that does not exist."""

CONTENT = {
    "CCLF1": "Part A Claims Header File",
    "CCLF2": "Part A Claims Revenue Center Detail File",
    "CCLF3": "Part A Procedure Code File",
    "CCLF4": "Part A Diagnosis Code File",
    "CCLF5": "Part B Physicians File",
    "CCLF6": "Part B DME File",
    "CCLF7": "Part D File",
    "CCLF8": "Beneficiary Demographics File",
    "CCLF9": "Beneficiary XREF File",
    "CCLFA": "Part A BE and Demo Codes File",
    "CCLFB": "Part B BE and Demo Codes File",
}


def write_block(ground: Ground, block: Block, folder: Path) -> dict[str, int]:
    """Write a block's records as parts; returns records by file."""
    feed, counts = Feed(ground, block), {}
    made = [*feed.facilities(), *feed.clinicians(), *feed.equipment(), *feed.drugs(), _crosswalk(feed)]
    for records in made:
        counts[f"cclf/{records.layout.file}"] = len(records)
        _write(records, folder / "parts" / records.layout.file / f"{block.number:05d}")
    region = ground.region
    for month in range(region.first_month, region.last_month + 1):
        present = _present(block.people, month)
        monthly = _demographics(feed, present, month)
        _write(monthly, folder / "parts" / f"CCLF8.{month}" / f"{block.number:05d}")
        counts["cclf/CCLF8"] = counts.get("cclf/CCLF8", 0) + len(monthly)
    return counts


def finish(folder: Path, region: Region) -> None:
    """Join the parts to the files of the delivery, with the summary file CCLF0."""
    run_out = f".D{(region.last_year + 1) % 100:02d}0331.T0000000"
    summary = []
    for file in CONTENT:
        source = file if file != "CCLF8" else f"CCLF8.{region.last_month}"
        name = f"P.{ENTITY}.ACO.ZC{file[4]}Y{region.last_year % 100:02d}{run_out}"
        _join(folder / "parts" / source, folder / name)
        length = layout()[file].record_length
        summary.append((file, CONTENT[file], (folder / name).stat().st_size // (length + 1), length))
    for month in range(region.first_month, region.last_month):
        made = dt.date(1970, 1, 1) + dt.timedelta(days=int(first_days(np.array([month + 1]))[0]) + 4)
        name = f"P.{ENTITY}.ACO.ZC8Y{made.year % 100:02d}.D{made:%y%m%d}.T0000000"
        _join(folder / "parts" / f"CCLF8.{month}", folder / name)
    shutil.rmtree(folder / "parts")
    lines = [f"{'File Number':<13}|{'File Description':<20}|{'Total Records Count':<20}|{'Record Length':<13}"]
    lines += [f"{file:<7}|{content:<43}|{count:>11}|{length:>5} " for file, content, count, length in summary]
    (folder / f"P.{ENTITY}.ACO.ZC0Y{region.last_year % 100:02d}{run_out}").write_text("\n".join(lines) + "\n")


def _join(parts: Path, target: Path) -> None:
    with target.open("wb") as whole:
        target.chmod(0o600)
        for part in sorted(parts.iterdir()):
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, whole, 1 << 22)


def _write(records: Records, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(records.bytes.tobytes())


def _present(people: People, month: int) -> Ints:
    """Who is in the file of a month: covered by both parts or by Part A alone, not in Medicare Advantage."""
    covered = (people.cover_from <= month) & (people.cover_to >= month)
    managed = (people.part_c_from <= month) & (people.part_c_to >= month)
    return np.flatnonzero(covered & ~managed)


def _demographics(feed: Feed, who: Ints, month: int) -> Records:
    """CCLF8 of one month."""
    people = feed.block.people
    records = Records("CCLF8", len(who))
    end = int(first_days(np.array([month + 1]))[0]) - 1
    former = (people.new_mbi[who] >= 0) & (end < people.new_mbi[who])
    records.words("BENE_MBI_ID", who + np.where(former, len(people), 0), feed.numbers)
    counties, zips = residence(people)
    for label, words in (
        ("BENE_FIPS_STATE_CD", [county[:2] for county in counties]),
        ("BENE_FIPS_CNTY_CD", [county[2:] for county in counties]),
        ("BENE_ZIP_CD", zips),
        ("GEO_ZIP5_CD", zips),
    ):
        records.words(label, who, words)
    records.days("BENE_DOB", np.where(people.has_birth[who], people.birth[who], NO_DATE))
    records.words("BENE_SEX_CD", people.female[who].astype(np.int64), ["1", "2"])
    status = 10 * people.disabled[who] + people.esrd[who]
    records.words("BENE_MDCR_STUS_CD", np.searchsorted(np.array([0, 1, 10, 11]), status), ["10", "11", "20", "21"])
    records.words("BENE_DUAL_STUS_CD", people.dual[who].astype(np.int64), ["NA", "02"])
    died = people.death[who] <= end
    records.days("BENE_DEATH_DT", np.where(died, people.death[who], NO_DATE))
    records.days("BENE_RNG_BGN_DT", np.full(len(who), NO_DATE, dtype=np.int64))
    records.word("BENE_1ST_NAME", "TEST")
    records.words("BENE_LAST_NAME", who, [f"BENEFICIARY {people.first + place + 1}" for place in range(len(people))])
    records.words("BENE_ORGNL_ENTLMT_RSN_CD", people.disabled[who].astype(np.int64), ["0", "1"])
    lapsed = (people.lapse[who] <= month) & (month < people.lapse[who] + people.lapse_months[who])
    records.words("BENE_ENTLMT_BUYIN_IND", lapsed.astype(np.int64), ["3", "1"])
    begins = np.where(people.cover_from[who] > feed.ground.region.first_month, people.cover_from[who], 480)
    for label in ("BENE_PART_A_ENRLMT_BGN_DT", "BENE_PART_B_ENRLMT_BGN_DT"):
        records.days(label, first_days(begins))
    return records


def _crosswalk(feed: Feed) -> Records:
    """CCLF9: the people whose number changed."""
    people = feed.block.people
    who = np.flatnonzero(people.new_mbi >= 0)
    records = Records("CCLF9", len(who))
    records.word("HICN_MBI_XREF_IND", "M")
    records.words("CRNT_NUM", who, feed.numbers)
    records.words("PRVS_NUM", who + len(people), feed.numbers)
    records.days("PRVS_ID_EFCTV_DT", np.full(len(who), NO_DATE, dtype=np.int64))
    records.days("PRVS_ID_OBSLT_DT", people.new_mbi[who])
    return records
