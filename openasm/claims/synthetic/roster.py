"""Who bills where: the region's own roster, and its participants in the columns of CMS's participant list."""

from __future__ import annotations

import csv
from pathlib import Path

from openasm.claims.synthetic.practices import PLACES, Practices, zip_codes

STATES = {"06": "CA", "09": "CT", "11": "DC", "12": "FL", "34": "NJ", "36": "NY", "48": "TX"}
COHORT_WORDS = ("heart_failure", "low_back_pain", "")
LIST_WORDS = ("Heart Failure", "Low Back Pain")
LATER_YEARS = (28, 29, 30, 31)
SMALL_PRACTICE = 15
"""Clinicians of a small practice at most (42 CFR 414.1305)."""

NO_ORGANISATION = 40
"""One row in so many of the participant list names no organisation, as some in CMS's do."""


def write_clinicians(practices: Practices, path: Path) -> None:
    """Every clinician under every TIN: tin, npi, name, specialties, cohort, ZIP, clinicians in the TIN."""
    zips, npis, tins = zip_codes(), practices.npi_texts(), practices.tin_texts()
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["tin", "npi", "name", "specialty", "second_specialty", "cohort", "zip", "clinicians_in_tin"])
        for pair, tin in enumerate(practices.pair_tin.tolist()):
            number = int(practices.pair_npi[pair])
            writer.writerow(
                [
                    tins[tin],
                    npis[number],
                    f"Test Clinician {number + 1}",
                    practices.pair_specialty[pair],
                    practices.pair_second[pair],
                    COHORT_WORDS[int(practices.pair_cohort[pair])],
                    zips[int(practices.tin_sites[tin, 0])],
                    int(practices.tin_size[tin]),
                ]
            )


def write_participants(practices: Practices, path: Path) -> None:
    """The participants in the sixteen columns of CMS's list; without TIN, as there."""
    npis = practices.npi_texts()
    header = ["NPI", "FIRST_NAME", "LAST_NAME", "STATE", "ASM_COHORT", "ORGANIZATION_LEGAL_NAME"]
    for year in (27, *LATER_YEARS):
        header += [f"ASM_CY{year}_PARTICIPANT", f"ASM_CY{year}_SMALLPRACTICE"]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        participants = [pair for pair, cohort in enumerate(practices.pair_cohort.tolist()) if cohort >= 0]
        for place, pair in enumerate(participants):
            cohort = int(practices.pair_cohort[pair])
            tin, number = int(practices.pair_tin[pair]), int(practices.pair_npi[pair])
            county = PLACES[int(practices.tin_place[tin])][0]
            organisation = "" if place % NO_ORGANISATION == 3 else f"TEST PRACTICE {tin + 1}"
            small = "Yes" if practices.tin_size[tin] <= SMALL_PRACTICE else "No"
            row = [
                npis[number],
                "TEST",
                f"CLINICIAN {number + 1}",
                STATES[county[:2]],
                LIST_WORDS[cohort],
                organisation,
            ]
            writer.writerow([*row, "Yes", small, *["Null"] * (2 * len(LATER_YEARS))])
