"""The ledger of beneficiary incentives: what may be given is checked before it is entered (42 CFR 512.770)."""
