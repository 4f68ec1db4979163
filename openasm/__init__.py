"""OpenASM: the open engine and workbench for CMS's Ambulatory Specialty Model."""

__version__ = "0.1.0"
