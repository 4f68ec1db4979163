"""A block as CCLF records: originals, cancellations, adjustments, denials, changed numbers, dates that mean none."""

from openasm.claims.synthetic.cclf.delivery import finish, write_block

__all__ = ["finish", "write_block"]
