"""Persons: one key through changes of MBI, where they live, which months they were covered (CCLF8 and CCLF9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.sources.cclf.files import CclfFile
from openasm.tables.duckdb_engine import DuckDbEngine

CROSSWALK_CIRCLE = declare(
    "C113",
    "the MBI crosswalk leads in a circle; those numbers were left as they are",
    expected="every chain of old numbers to end in a current one",
    next_step="Ask CMS's help desk; the persons concerned may be split in two.",
    severity=Severity.WARNING,
    citation="CCLF Information Packet, section 3.1",
)


def make_crosswalk(engine: DuckDbEngine, files: Sequence[CclfFile], problems: Problems) -> int:
    """Make the table `crosswalk` (previous, current) from the table `cclf9`, chains followed to their end; returns its rows.

    Where deliveries disagree about a number's successor, the newest one is believed.
    """
    made = {number: file.made.isoformat() if file.made else "" for number, file in enumerate(files)}
    rows = engine.execute(
        "SELECT PRVS_NUM, CRNT_NUM, file_number FROM cclf9 "
        "WHERE PRVS_NUM IS NOT NULL AND CRNT_NUM IS NOT NULL AND PRVS_NUM <> CRNT_NUM"
    )
    successor = {
        previous: current for previous, current, _ in sorted(rows, key=lambda row: (made[row[2]], row[1], row[0]))
    }
    ends, circles = follow_chains(successor)
    if circles:
        problems.add(CROSSWALK_CIRCLE, "CCLF9", found=f"{circles:,} numbers", count=circles)
    engine.create_rows("crosswalk", ("previous", "current"), sorted(ends.items()))
    return len(ends)


def follow_chains(successor: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Every old number to the last one of its chain, and how many numbers lead in a circle (left out).

    >>> follow_chains({"A": "B", "B": "C", "X": "Y", "Y": "X"})
    ({'A': 'C', 'B': 'C'}, 2)
    """
    ends: dict[str, str] = {}
    circles = 0
    for start in successor:
        seen = {start}
        current = successor[start]
        while current in successor and current not in seen:
            seen.add(current)
            current = ends.get(current, successor[current])
        if current in seen:
            circles += 1
        else:
            ends[start] = current
    return ends, circles


def make_people(engine: DuckDbEngine, files: Sequence[CclfFile]) -> tuple[int, int]:
    """Make `snapshots` (person and delivery) and `beneficiaries` from `cclf8` and `crosswalk`; returns records kept and folded.

    A person is described by the newest delivery; within one delivery by the row that sorts last, so that order never matters.
    """
    made = [(number, file.made) for number, file in enumerate(files)]
    engine.create_rows("made_on", ("file_number", "made"), made, types=("INTEGER", "DATE"))
    engine.execute(
        """
        CREATE OR REPLACE TABLE every_snapshot AS
        SELECT coalesce(x.current, p.BENE_MBI_ID) AS person, coalesce(m.made, DATE '9999-12-31') AS made,
               p.BENE_FIPS_STATE_CD AS state, p.BENE_FIPS_CNTY_CD AS county, coalesce(p.GEO_ZIP5_CD, p.BENE_ZIP_CD) AS zip,
               p.BENE_DOB AS birth_date, p.BENE_DEATH_DT AS death_date, p.BENE_SEX_CD AS sex,
               p.BENE_MDCR_STUS_CD AS status, p.BENE_DUAL_STUS_CD AS dual, p.BENE_ORGNL_ENTLMT_RSN_CD AS origin,
               p.BENE_ENTLMT_BUYIN_IND AS buy_in, p.BENE_PART_A_ENRLMT_BGN_DT AS part_a_from,
               p.BENE_PART_B_ENRLMT_BGN_DT AS part_b_from, p.BENE_RNG_BGN_DT AS range_from, p.BENE_RNG_END_DT AS range_to
        FROM cclf8 AS p
        LEFT JOIN crosswalk AS x ON x.previous = p.BENE_MBI_ID
        LEFT JOIN made_on AS m ON m.file_number = p.file_number
        WHERE p.BENE_MBI_ID IS NOT NULL
        """
    )
    # Most people stand in a delivery once: only the others have to be put in order.
    engine.execute(
        """
        CREATE OR REPLACE TABLE snapshots AS
        WITH several AS (SELECT hash(person, made) AS bucket FROM every_snapshot GROUP BY bucket HAVING count(*) > 1)
        SELECT * EXCLUDE (range_from, range_to) FROM every_snapshot
        WHERE hash(person, made) NOT IN (SELECT bucket FROM several)
        UNION ALL
        SELECT * EXCLUDE (range_from, range_to) FROM every_snapshot
        WHERE hash(person, made) IN (SELECT bucket FROM several)
        QUALIFY row_number() OVER (
            PARTITION BY person, made
            ORDER BY range_to DESC NULLS FIRST, range_from DESC NULLS LAST, death_date DESC NULLS LAST, birth_date NULLS LAST,
                     state NULLS LAST, county NULLS LAST, zip NULLS LAST, sex NULLS LAST, status NULLS LAST, dual NULLS LAST,
                     origin NULLS LAST, buy_in NULLS LAST, part_a_from NULLS LAST, part_b_from NULLS LAST
        ) = 1
        """
    )
    engine.execute(
        """
        CREATE OR REPLACE TABLE beneficiaries AS
        SELECT person AS beneficiary, birth_date, death_date,
               CASE sex WHEN '1' THEN 'male' WHEN '2' THEN 'female' WHEN '0' THEN 'unknown' END AS sex,
               CASE WHEN state SIMILAR TO '[0-9]{1,2}' AND county SIMILAR TO '[0-9]{1,3}' AND county <> '000'
                    THEN lpad(state, 2, '0') || lpad(county, 3, '0') END AS county_fips,
               zip
        FROM snapshots
        QUALIFY row_number() OVER (PARTITION BY person ORDER BY made DESC) = 1
        """
    )
    kept = engine.execute("SELECT count(*) FROM snapshots")[0][0]
    blank = engine.execute("SELECT count(*) FROM cclf8 WHERE BENE_MBI_ID IS NULL")[0][0]
    return int(kept), int(blank)


def make_enrollment(engine: DuckDbEngine) -> None:
    """Make `enrollment` for every month the claims cover (`make_covered`) from `snapshots` and the drug fills in `part_d_lines`.

    CCLF8 lists who is covered by Medicare itself when a delivery is made, says when Parts A and B began, not when they ended,
    and knows neither Part C nor Part D. So a month is told by the first delivery made at or after its end (after the newest
    one, by that); who is missing from it was not covered, nobody is beyond the month of death. Part D is read from fills: a
    calendar year with a fill is enrolled, any other unknown.
    """
    engine.execute(
        """
        CREATE OR REPLACE TABLE enrollment AS
        WITH months AS (
            SELECT unnest(generate_series(date_trunc('month', first)::DATE, last, INTERVAL 1 MONTH))::DATE AS month FROM covered
        ),
        deliveries AS (SELECT DISTINCT made FROM snapshots),
        told AS (
            SELECT m.month, coalesce(min(d.made) FILTER (d.made >= last_day(m.month)), max(d.made)) AS made
            FROM months AS m CROSS JOIN deliveries AS d GROUP BY m.month
        ),
        stated AS (SELECT t.month, s.* FROM told AS t JOIN snapshots AS s ON s.made = t.made),
        fills AS (SELECT DISTINCT beneficiary, year(from_date) AS year FROM part_d_lines),
        covered AS (
            SELECT s.*, d.death_date AS died,
                   (coalesce(buy_in, '3') IN ('1', '3', 'A', 'C')
                    AND coalesce(part_a_from, DATE '1900-01-01') <= last_day(month)) AS part_a,
                   (coalesce(buy_in, '3') IN ('2', '3', 'B', 'C')
                    AND coalesce(part_b_from, DATE '1900-01-01') <= last_day(month)) AS part_b
            FROM stated AS s JOIN beneficiaries AS d ON d.beneficiary = s.person
        )
        SELECT c.person AS beneficiary, c.month, c.part_a, c.part_b, NULL::BOOLEAN AS part_c,
               CASE WHEN f.beneficiary IS NOT NULL THEN true END AS part_d,
               CASE WHEN c.status IN ('11', '21', '31') THEN true WHEN c.status IS NOT NULL THEN false END AS esrd,
               CASE WHEN c.dual IN ('01', '02', '03', '04', '05', '06', '08') THEN true
                    WHEN c.dual IN ('NA', '00', '09') THEN false END AS dual,
               CASE WHEN c.origin IN ('1', '3') THEN true WHEN c.origin IN ('0', '2') THEN false END AS disabled_origin,
               NULL::BOOLEAN AS institutional
        FROM covered AS c LEFT JOIN fills AS f ON f.beneficiary = c.person AND f.year = year(c.month)
        WHERE (c.part_a OR c.part_b) AND (c.died IS NULL OR c.month <= c.died)
        """
    )
