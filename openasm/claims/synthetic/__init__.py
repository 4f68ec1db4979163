"""Synthetic Medicare claims: a seeded region with a truth file, written as tables, CCLF and ExplanationOfBenefit.

Nobody in it is real and nobody's identifier can be. Start at `generate.write_region`; `docs/reference/synthetic-data.md`
describes what comes out.
"""
