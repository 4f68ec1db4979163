"""A block as FHIR: Patient, Coverage and ExplanationOfBenefit in the shape of CMS's v2 APIs (BCDA, Blue Button)."""

from openasm.claims.synthetic.eob.bulk import finish, write_block

__all__ = ["finish", "write_block"]
