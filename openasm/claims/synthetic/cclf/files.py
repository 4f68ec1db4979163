"""The records of each CCLF file of a block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from openasm.claims.synthetic.block import Block, Ground, header_diagnoses
from openasm.claims.synthetic.cclf.history import History, former_number, histories
from openasm.claims.synthetic.cclf.records import Records
from openasm.claims.synthetic.columns import beneficiary_texts
from openasm.claims.synthetic.identifiers import beneficiary as beneficiary_number
from openasm.claims.synthetic.settings import Ints

CLAIM_TYPE = {"home_health": "10", "snf": "20", "outpatient": "40", "hospice": "50", "inpatient": "60"}
"""CLM_TYPE_CD of facility claims."""


class Feed:
    """What the files of one block are written from."""

    def __init__(self, ground: Ground, block: Block) -> None:
        self.ground, self.block, self.bill = ground, block, block.bill
        self.rng = ground.region.generator(5, block.number)
        templates = ground.catalogue.templates
        self.setting = np.array([template.setting for template in templates])[self.bill.template]
        current = beneficiary_texts(block.people)
        self.numbers = [
            *current,
            *(beneficiary_number(block.people.first + place, former=True) for place in range(len(current))),
        ]
        practices = ground.practices
        self.npis = practices.npi_texts()
        self.npi = np.where(self.bill.pair >= 0, practices.pair_npi[np.maximum(self.bill.pair, 0)], -1)
        self.header, self.header_codes = _header(ground, block)

    def words(self, name: str) -> list[str]:
        """A field of every template, blank where it has none; codes by their kind."""
        templates = self.ground.catalogue.templates
        if name in ("hcpcs", "drg", "ndc"):
            return [template.code if template.code_type == name else "" for template in templates]
        return [str(getattr(template, name)) for template in templates]

    def person(self, records: Records, rows: Ints, made: Ints) -> None:
        """The number that was current when the record was made."""
        who = self.bill.beneficiary[rows]
        former = former_number(self.block.people, who, made)
        records.words("BENE_MBI_ID", who + np.where(former, len(self.block.people), 0), self.numbers)

    def clinicians(self) -> Iterator[Records]:
        """CCLF5, with CCLFB for one in fifty lines."""
        bill, templates = self.bill, self.bill.template
        rows = np.flatnonzero(self.setting == "professional")
        history = histories(
            bill, rows, self.rng, facility=False, paid=bill.paid[rows], phantoms=rows[bill.visit[rows] >= 0]
        )
        records = _part_b("CCLF5", self, history)
        row, kind = history.row, templates[history.row]
        practices = self.ground.practices
        records.word("CLM_TYPE_CD", "71")
        records.words("CLM_PRVDR_SPCLTY_CD", *self._specialty(row))
        records.words("CLM_LINE_DGNS_CD", kind, self.words("line_diagnosis"))
        records.words("CLM_RNDRG_PRVDR_TAX_NUM", bill.tin[row], practices.tin_texts())
        records.words("CLM_RNDRG_PRVDR_NPI_NUM", self.npi[row], self.npis)
        # The older field of the same role is blank in a part of the records.
        records.words("RNDRG_PRVDR_NPI_NUM", np.where(row % 17 == 0, -1, self.npi[row]), self.npis)
        records.word("RNDRG_PRVDR_TYPE_CD", "1")
        records.words("HCPCS_1_MDFR_CD", np.where(bill.line[row] > 1, 0, -1), ["25"])
        records.quantity("CLM_LINE_SRVC_UNIT_QTY", np.ones(len(row), dtype=np.int64))
        for position in range(min(12, self.header.shape[1])):
            records.words(f"CLM_DGNS_{position + 1}_CD", self.header[row, position], self.header_codes)
        records.word("DGNS_PRCDR_ICD_IND", "0")
        yield records
        some = np.flatnonzero(history.row % 50 == 0)
        demonstration = Records("CCLFB", len(some))
        demonstration.claim("CUR_CLM_UNIQ_ID", self.block.number, history.claim[some])
        demonstration.number("CLM_LINE_NUM", history.line[some])
        self.person(demonstration, history.row[some], history.effective[some])
        demonstration.word("CLM_TYPE_CD", "71")
        yield demonstration

    def _specialty(self, row: Ints) -> tuple[Ints, Sequence[str]]:
        practices = self.ground.practices
        words = [*practices.pair_specialty, *practices.pair_second]
        pair = self.bill.pair[row]
        index = np.where(self.bill.specialty[row], pair + len(practices.pair_specialty), pair)
        return np.where(pair >= 0, index, -1), words

    def equipment(self) -> Iterator[Records]:
        """CCLF6."""
        rows = np.flatnonzero(self.setting == "dme")
        history = histories(self.bill, rows, self.rng, facility=False, paid=self.bill.paid[rows], phantoms=rows)
        records = _part_b("CCLF6", self, history)
        records.word("CLM_TYPE_CD", "82")
        records.words("CLM_BLG_PRVDR_NPI_NUM", self.npi[history.row], self.npis)
        yield records

    def facilities(self) -> Iterator[Records]:
        """CCLF1 to CCLF4 and CCLFA: headers with the payment, service lines, a procedure, diagnoses."""
        bill = self.bill
        is_facility = np.isin(self.setting, list(CLAIM_TYPE))
        paid = np.zeros(int(bill.claim.max(initial=0)) + 1, dtype=np.int64)
        np.add.at(paid, bill.claim[is_facility], bill.paid[is_facility])
        rows = np.flatnonzero(is_facility & (bill.line == 1))
        stays = rows[(self.setting[rows] == "inpatient")]
        history = histories(bill, rows, self.rng, facility=True, paid=paid[bill.claim[rows]], phantoms=stays)
        row, kind = history.row, bill.template[history.row]
        settings = list(CLAIM_TYPE)
        number = np.array([settings.index(name) if name in CLAIM_TYPE else 0 for name in self.words("setting")])[kind]
        records = Records("CCLF1", len(row))
        records.claim("CUR_CLM_UNIQ_ID", self.block.number, history.claim)
        self.person(records, row, history.effective)
        records.words("CLM_TYPE_CD", number, [CLAIM_TYPE[name] for name in settings])
        records.days("CLM_FROM_DT", history.day)
        records.days("CLM_THRU_DT", history.thru)
        records.words("CLM_BILL_FAC_TYPE_CD", number, ["3", "2", "1", "8", "1"])
        records.words("CLM_BILL_CLSFCTN_CD", number, ["2", "1", "3", "1", "1"])
        records.words("PRNCPL_DGNS_CD", self.header[row, 0], self.header_codes)
        records.words("CLM_MDCR_NPMT_RSN_CD", np.where(history.denied == 1, 0, -1), ["N"])
        records.cents("CLM_PMT_AMT", history.paid)
        records.words("DGNS_DRG_CD", kind, self.words("drg"))
        for label in ("ATNDG_PRVDR_NPI_NUM", "CLM_ATNDG_PRVDR_NPI_NUM"):
            records.words(label, self.npi[row], self.npis)
        for label in ("PRVDR_OSCAR_NUM", "CLM_BLG_PRVDR_OSCAR_NUM"):
            self._facility_number(records, label, history.control)
        records.words("CLM_ADJSMT_TYPE_CD", history.kind, ["0", "1", "2"])
        records.days("CLM_EFCTV_DT", history.effective)
        records.days("CLM_IDR_LD_DT", history.load)
        records.word("CLM_BILL_FREQ_CD", "1")
        records.word("DGNS_PRCDR_ICD_IND", "0")
        yield records
        yield self._service_lines(is_facility)
        yield self._procedures(stays)
        yield self._facility_diagnoses(rows)
        benefits = Records("CCLFA", len(stays))
        benefits.claim("CUR_CLM_UNIQ_ID", self.block.number, bill.claim[stays])
        self.person(benefits, stays, bill.thru_day[stays] + 20)
        benefits.word("CLM_TYPE_CD", "60")
        benefits.days("CLM_ACTV_CARE_FROM_DT", bill.from_day[stays])
        benefits.cents("CLM_MDCR_IP_BENE_DDCTBL_AMT", np.full(len(stays), 167_600, dtype=np.int64))
        yield benefits

    def _facility_number(self, records: Records, label: str, control: Ints) -> None:
        """A made-up facility of its own for every claim's history, so that no two histories share a natural key by chance."""
        alphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
        text = np.full((len(control), 6), ord("Z"), dtype=np.uint8)
        letters, rest = np.frombuffer(alphabet.encode(), dtype=np.uint8), control.copy()
        for place in range(5, 0, -1):
            rest, digit = np.divmod(rest, len(alphabet))
            text[:, place] = letters[digit]
        records.put(label, text)

    def _service_lines(self, is_facility: np.ndarray) -> Records:
        """CCLF2. Lines of whole bills carry no payment; those of one outpatient bill in nine carry none either."""
        bill = self.bill
        rows = np.flatnonzero(is_facility)
        outpatient = self.setting[rows] == "outpatient"
        many = np.bincount(bill.claim[rows])[bill.claim[rows]]
        header_only = ~outpatient | ((many > 1) & (bill.claim[rows] % 9 == 0))
        records = Records("CCLF2", len(rows))
        records.claim("CUR_CLM_UNIQ_ID", self.block.number, bill.claim[rows])
        records.number("CLM_LINE_NUM", bill.line[rows])
        self.person(records, rows, bill.thru_day[rows] + 8)
        for label, days in (("CLM_LINE_FROM_DT", bill.from_day), ("CLM_LINE_THRU_DT", bill.thru_day)):
            records.days(label, days[rows])
        records.days("CLM_FROM_DT", bill.from_day[rows])
        records.days("CLM_THRU_DT", bill.thru_day[rows])
        # The date of the revenue center is one of the dates that mean none on one line in four.
        records.days("CLM_LINE_INSTNL_REV_CTR_DT", np.where(rows % 4 == 0, -1, bill.from_day[rows]))
        revenue = [word or "0120" for word in self.words("revenue_center")]
        records.words("CLM_LINE_PROD_REV_CTR_CD", bill.template[rows], revenue)
        records.words("CLM_LINE_HCPCS_CD", bill.template[rows], self.words("hcpcs"))
        records.quantity("CLM_LINE_SRVC_UNIT_QTY", np.ones(len(rows), dtype=np.int64))
        records.cents("CLM_LINE_CVRD_PD_AMT", np.where(header_only, 0, bill.paid[rows]))
        return records

    def _procedures(self, stays: Ints) -> Records:
        bill, chosen = self.bill, stays[self.bill.claim[stays] % 3 == 0]
        records = Records("CCLF3", len(chosen))
        records.claim("CUR_CLM_UNIQ_ID", self.block.number, bill.claim[chosen])
        self.person(records, chosen, bill.thru_day[chosen] + 8)
        records.word("CLM_TYPE_CD", "60")
        records.number("CLM_VAL_SQNC_NUM", np.ones(len(chosen), dtype=np.int64))
        records.word("CLM_PRCDR_CD", "4A023N7")
        records.days("CLM_PRCDR_PRFRM_DT", bill.from_day[chosen])
        records.word("DGNS_PRCDR_ICD_IND", "0")
        return records

    def _facility_diagnoses(self, rows: Ints) -> Records:
        """CCLF4: every position of the header, the principal diagnosis once more among them."""
        found, position = np.nonzero(self.header[rows] >= 0)
        chosen = rows[found]
        records = Records("CCLF4", len(chosen))
        records.claim("CUR_CLM_UNIQ_ID", self.block.number, self.bill.claim[chosen])
        self.person(records, chosen, self.bill.thru_day[chosen] + 8)
        records.word("CLM_PROD_TYPE_CD", "D")
        records.number("CLM_VAL_SQNC_NUM", position + 1)
        records.words("CLM_DGNS_CD", self.header[chosen, position], self.header_codes)
        records.word("DGNS_PRCDR_ICD_IND", "0")
        return records

    def drugs(self) -> Iterator[Records]:
        """CCLF7: fills; older versions of some; fills that were deleted."""
        bill = self.bill
        rows = np.flatnonzero(self.setting == "drug")
        draw = self.rng.random(len(rows))
        older, deleted = rows[draw < 0.01], rows[draw > 0.994]
        row = np.concatenate([older, rows, deleted, deleted])
        sizes = (len(older), len(rows), len(deleted), len(deleted))
        version = np.repeat(np.arange(4), sizes)
        records = Records("CCLF7", len(row))
        claim = bill.claim[row] + np.array([6_000_000, 0, 4_000_000, 5_000_000])[version]
        records.claim("CUR_CLM_UNIQ_ID", self.block.number, claim)
        effective = bill.from_day[row] + np.array([9, 30, 10, 40])[version]
        self.person(records, row, effective)
        records.words("CLM_LINE_NDC_CD", bill.template[row], self.words("ndc"))
        records.words("CLM_TYPE_CD", version, ["01", "01", "01", "03"])
        records.days("CLM_LINE_FROM_DT", bill.from_day[row])
        records.word("PRVDR_SRVC_ID_QLFYR_CD", "01")
        records.word("CLM_SRVC_PRVDR_GNRC_ID_NUM", self.npis[0])
        records.word("CLM_DSPNSNG_STUS_CD", "C")
        records.quantity("CLM_LINE_SRVC_UNIT_QTY", np.full(len(row), 30, dtype=np.int64))
        records.number("CLM_LINE_DAYS_SUPLY_QTY", np.full(len(row), 30, dtype=np.int64))
        records.word("PRVDR_PRSBNG_ID_QLFYR_CD", "01")
        records.words("CLM_PRSBNG_PRVDR_GNRC_ID_NUM", self.npi[row], self.npis)
        share = bill.allowed[row] - bill.paid[row]
        records.cents("CLM_LINE_BENE_PMT_AMT", np.where(version == 3, 0, share + np.where(version == 0, 700, 0)))
        records.words("CLM_ADJSMT_TYPE_CD", version, ["0", "0", "0", "1"])
        records.days("CLM_EFCTV_DT", effective)
        records.days("CLM_IDR_LD_DT", effective + 5)
        records.number("CLM_LINE_RX_SRVC_RFRNC_NUM", bill.claim[row] + np.where(version >= 2, 50_000_000, 0))
        records.words("CLM_LINE_RX_FILL_NUM", np.zeros(len(row), dtype=np.int64), ["0"])
        yield records


def _part_b(file: str, feed: Feed, history: History) -> Records:
    """What CCLF5 and CCLF6 have in common."""
    records, kind = Records(file, len(history)), feed.bill.template[history.row]
    records.claim("CUR_CLM_UNIQ_ID", feed.block.number, history.claim)
    records.number("CLM_LINE_NUM", history.line)
    feed.person(records, history.row, history.effective)
    for label, days in (
        ("CLM_FROM_DT", history.day),
        ("CLM_LINE_FROM_DT", history.day),
        ("CLM_THRU_DT", history.thru),
        ("CLM_LINE_THRU_DT", history.thru),
        ("CLM_EFCTV_DT", history.effective),
        ("CLM_IDR_LD_DT", history.load),
    ):
        records.days(label, days)
    records.words("CLM_POS_CD", kind, feed.words("place"))
    records.words("CLM_LINE_HCPCS_CD", kind, feed.words("hcpcs"))
    records.cents("CLM_LINE_CVRD_PD_AMT", history.paid)
    records.cents("CLM_LINE_ALOWD_CHRG_AMT", history.allowed)
    records.words("CLM_CARR_PMT_DNL_CD", np.where(history.denied == 1, 1, 0), ["1", "0"])
    records.words("CLM_PRCSG_IND_CD", np.where(history.denied == 2, 1, 0), ["A", "D"])
    records.words("CLM_ADJSMT_TYPE_CD", history.kind, ["0", "1", "2"])
    records.claim("CLM_CNTL_NUM", feed.block.number, history.control)
    records.words("CLM_DISP_CD", history.kind, ["01", "03", "01"])
    return records


def _header(ground: Ground, block: Block) -> tuple[Ints, tuple[str, ...]]:
    """Header diagnoses by line of the bill (every line has its claim's) and position, -1 where there is none."""
    found, bill = header_diagnoses(ground, block), block.bill
    width = int(found.position.max(initial=1))
    by_claim = np.full((int(bill.claim.max(initial=0)) + 1, width), -1, dtype=np.int64)
    by_claim[bill.claim[found.row], found.position - 1] = found.code
    return by_claim[bill.claim], found.codes
