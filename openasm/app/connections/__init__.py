"""Secrets of other programs: calendars that read deadlines, and EHRs that call the CDS Hooks service."""
