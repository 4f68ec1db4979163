"""Attesting improvement activities and Promoting Interoperability for a TIN: draft, review, sign, amend; every step is kept."""
