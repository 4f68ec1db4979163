"""What becomes of the records of each kind of file once they are read: repeats out, cancellations matched, every fate counted.

Each kind is settled while the next one is read; the order within a claim's files (CCLF1, then 2, then 4) is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from types import TracebackType
from typing import Any, Self, TypeVar

from openasm.claims.accounting import FIRST_ROWS, Account
from openasm.claims.sources.cclf import lines
from openasm.claims.sources.cclf.files import CclfFile
from openasm.claims.sources.cclf.findings import NAMED_BY_ROW
from openasm.claims.sources.cclf.people import make_people
from openasm.claims.sources.cclf.reading import BLANK
from openasm.claims.sources.cclf.standing import (
    CLINICIAN,
    DUPLICATE,
    FACILITY,
    OF_OTHER_AMOUNT,
    NaturalKey,
    leave_out_repeats,
    pairs_of_other_amounts,
    strike,
)
from openasm.tables.duckdb_engine import DuckDbEngine

_REPEAT_KEYS = {
    "cclf1": "CUR_CLM_UNIQ_ID, CLM_ADJSMT_TYPE_CD",
    "cclf2": "CUR_CLM_UNIQ_ID, CLM_LINE_NUM",
    "cclf4": "CUR_CLM_UNIQ_ID, CLM_PROD_TYPE_CD, CLM_VAL_SQNC_NUM, CLM_DGNS_CD",
    "cclf5": "CUR_CLM_UNIQ_ID, CLM_ADJSMT_TYPE_CD, CLM_LINE_NUM",
    "cclf6": "CUR_CLM_UNIQ_ID, CLM_ADJSMT_TYPE_CD, CLM_LINE_NUM",
    "cclf7": "CUR_CLM_UNIQ_ID, CLM_ADJSMT_TYPE_CD",
}


def settle(engine: DuckDbEngine, account: Account, files: Sequence[CclfFile], day: str) -> None:
    """Tell the fate of every record of the kind of the account from its table, and enter it in the account.

    files: those of the kind; day: last day a service may have, as in `2027-03-31`.
    """
    table = account.source.lower()
    if table == "cclf8":
        account.kept, blank = make_people(engine, files)
        account.drop("person missing", blank)
        lines.note_where(engine, account, BLANK, "cclf8 WHERE BENE_MBI_ID IS NULL", files)
        account.drop(
            "another record of the same person and delivery",
            account.records - sum(account.dropped.values()) - account.kept,
        )
        return
    repeats = leave_out_repeats(engine, table, _REPEAT_KEYS[table])
    account.drop(DUPLICATE, repeats)
    if repeats:
        lines.note_where(engine, account, DUPLICATE, f"{table}_repeats", files)
    if table == "cclf1":
        _strike(engine, table, FACILITY, account, files)
        lines.facility_fates(engine, day)
    elif table == "cclf2":
        lines.service_line_fates(engine)
        moved = "cclf2_fates WHERE fate IS NULL AND is_first AND line_total <> paid"
        lines.note_where(engine, account, lines.MOVED_PAYMENT, moved, files)
    elif table == "cclf4":
        lines.facility_diagnosis_fates(engine)
    elif table == "cclf7":
        lines.name_person(engine, table)
        lines.drug_fates(engine, day)
    else:
        _strike(engine, table, CLINICIAN, account, files)
        lines.part_b_fates(engine, table, day)
    lines.count_fates(engine, f"{table}_fates", account, files, NAMED_BY_ROW)


def _strike(engine: DuckDbEngine, table: str, natural: NaturalKey, account: Account, files: Sequence[CclfFile]) -> None:
    strike(engine, lines.name_person(engine, table), f"{table}_struck", natural)
    for file, pairs in groupby(pairs_of_other_amounts(engine), key=lambda pair: pair[0]):
        struck = [(row, f"the claim struck: {files[of].name}, row {of_row}") for _, row, of, of_row in pairs]
        account.note(OF_OTHER_AMOUNT, files[file].name, len(struck), dict(struck[:FIRST_ROWS]))


Result = TypeVar("Result")


class InTurn:
    """Work on an engine done one piece after the other beside the caller; with one thread, at once by the caller itself.

    Leaving the block waits for what was begun; leaving it by an error stops it first.
    """

    def __init__(self, engine: DuckDbEngine, *, threads: int) -> None:
        self._engine = engine if threads <= 1 else engine.beside()
        self._pool = None if threads <= 1 else ThreadPoolExecutor(max_workers=1)
        self._begun: list[Callable[[], Any]] = []

    def begin(self, work: Callable[[DuckDbEngine], Result]) -> Callable[[], Result]:
        """Begin a piece of work on the tables, after those begun before it; the call returned waits for its result."""
        if self._pool is None:
            result = work(self._engine)
            return lambda: result

        def known() -> Result:
            self._engine.see_lent()
            return work(self._engine)

        waiting = self._pool.submit(known).result
        self._begun.append(waiting)
        return waiting

    def finish(self) -> None:
        """Wait for all that was begun; raises what it raised."""
        while self._begun:
            self._begun.pop(0)()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            if error is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._engine.connection.interrupt()
            self._pool.shutdown(wait=True)
            self._engine.connection.close()
