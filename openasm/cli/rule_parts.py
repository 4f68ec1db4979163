"""Every book of cited values there is, as parts that `openasm rules` prints and docs/reference lists."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from openasm.base.errors import WrongUsage
from openasm.base.parameters import Parameter, RuleBook, load_overlays
from openasm.regulation.rulebook import book_with

MODEL = "model"


@dataclass(frozen=True)
class Part:
    """A book of values. source: module and function that give it; given_with: how a file of one's own replaces values, empty where none can."""

    title: str
    source: tuple[str, str]
    given_with: str

    def book(self) -> RuleBook:
        """The packaged values; only now is the room of the part imported."""
        module, function = self.source
        book: RuleBook = getattr(importlib.import_module(module), function)()
        return book


PARTS: Mapping[str, Part] = {
    MODEL: Part(
        "The model: who takes part, scores, payment, incentives",
        ("openasm.regulation.rulebook", "rule_book"),
        "--rules FILE of every command that scores; `rules` in a configuration",
    ),
    "cost-measure": Part(
        "Construction of the episode-based cost measures",
        ("openasm.episodes.specifications.construction", "episode_rule_book"),
        "openasm episodes --spec FILE",
    ),
    "claims": Part("Which months claims cover, and their run-out", ("openasm.claims.covered", "coverage_book"), ""),
    "admissions": Part(
        "Observed cardiovascular admissions beside measure 492",
        ("openasm.quality.admissions", "admission_book"),
        "",
    ),
    "primary-care": Part(
        "Primary care and screenings of ASM beneficiaries (IA_1, IA_2)",
        ("openasm.episodes.primary_care", "primary_care_book"),
        "",
    ),
    "projection": Part(
        "What a projection assumes about peers and chance",
        ("openasm.projection.scenario", "assumption_book"),
        "openasm project RUN --assumptions FILE",
    ),
    "submission": Part(
        "Formats of the files for CMS",
        ("openasm.submission.formats", "formats_book"),
        "openasm submit prepare RUN --formats FILE",
    ),
    "mips": Part("What MIPS asks of those who are not in the model", ("openasm.submission.mips", "mips_book"), ""),
    "readiness": Part(
        "Lead times of the readiness plan (advice)", ("openasm.submission.readiness", "readiness_book"), ""
    ),
}


def part_named(name: str) -> Part:
    """A part by its name; WrongUsage for another."""
    if name not in PARTS:
        raise WrongUsage(f"--of is one of {', '.join(PARTS)}.")
    return PARTS[name]


def book_of(name: str, overlays: Iterable[Path]) -> RuleBook:
    """A part's values with the user's files laid over them. WrongUsage where no file can replace them; InputRefused for a bad file."""
    paths, part = tuple(overlays), part_named(name)
    if name == MODEL:
        return book_with(paths)
    if not paths:
        return part.book()
    if not part.given_with:
        raise WrongUsage(f"Values of the part {name} cannot be replaced by a file.")
    return load_overlays(paths, part.book())


def in_order(entries: Iterable[Parameter], packaged: RuleBook) -> list[Parameter]:
    """Entries in the order of the packaged book: an overlay's values beside those they replace."""
    place: dict[str, int] = {}
    for at, entry in enumerate(packaged.entries):
        place.setdefault(entry.name, at)
    return sorted(entries, key=lambda entry: (place[entry.name], entry.years))
