"""Readers: one package or module a format, each ending in the four tables of the contract."""
