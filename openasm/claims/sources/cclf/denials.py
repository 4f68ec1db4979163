"""Which codes mean that nothing was allowed: such claims and lines do not exist for the measures (section 3.2).

The packet names the fields but not every value; values are those of the CCW codebooks (version 1.4, December 2017). Codes that
say another payer was primary are no denials: the service took place, and its allowed amount stands.
"""

from __future__ import annotations

CLAIM_DENIED = ("0", "D", "P")
"""CLM_CARR_PMT_DNL_CD: denied; denied because of a demonstration; physician ownership denial."""

LINE_DENIED = ("B", "C", "D", "I", "L", "M", "N", "O", "P", "Z")
"""CLM_PRCSG_IND_CD: benefits exhausted, not covered, denied, invalid, laboratory not certified, multiple submission, not
necessary, other, physician ownership, bundled without payment."""

FACILITY_NOT_DENIED = ("P",)
"""CLM_MDCR_NPMT_RSN_CD: payment requested. Any other value with a payment of zero is taken as a denial."""
