"""What the files for CMS look like, as data (parameters/formats.yaml): templates, programs, populations, codes.

>>> formats = formats_for(2027)
>>> formats.program("tin"), formats.measure("236").ecqm, formats.template("report_cms")
('ASM_GROUP', 'CMS165', ('2.16.840.1.113883.10.20.27.1.2', '2026-07-01'))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from openasm.base.errors import NotFound
from openasm.base.parameters import RuleBook, Rules, load_overlays, load_rule_book

UNKNOWN = "UNK"  # the code of supplemental data for patients of whom it is not known
KINDS = ("sex", "race", "ethnicity", "payer")  # of supplemental data
TOTAL = "total"  # in the column `kind`: the population itself


@dataclass(frozen=True, slots=True)
class MeasureFormat:
    """One measure: short title, eCQM name (empty when it has none), population codes in the report's order, its rates' names in QPP (one, empty,
    for a single rate).
    """

    measure: str
    title: str
    ecqm: str
    populations: tuple[str, ...]
    rates: tuple[str, ...]

    @property
    def groups(self) -> range:
        """Numbers of its rates, from 1."""
        return range(1, len(self.rates) + 1)


@dataclass(frozen=True)
class Formats:
    """The values in force for a performance year."""

    rules: Rules

    @property
    def year(self) -> int:
        """Performance year."""
        return self.rules.year

    def template(self, name: str) -> tuple[str, str]:
        """Root and extension (empty: without) of a template."""
        root, extension = cast(Sequence[str], self.rules["submission.qrda3_templates"].table[name])
        return root, extension

    def program(self, level: str) -> str:
        """The program name of a level (`individual`, `tin`)."""
        return str(self.rules["submission.qrda3_asm_programs"].table[level])

    @property
    def programs(self) -> tuple[str, ...]:
        """Every program name that CMS takes."""
        return self.rules["submission.qrda3_programs"].texts

    @property
    def cohort(self) -> Mapping[str, str]:
        """`type_code`, `class_code` and `root` of the participant that names the cohort."""
        return cast(Mapping[str, str], self.rules["submission.qrda3_cohort"].table)

    @property
    def certification_pattern(self) -> str:
        """Regular expression of an EHR certification id."""
        return self.rules["submission.certification_id"].text

    def measure(self, measure: str) -> MeasureFormat:
        """A measure by its quality id; NotFound when it is none that is handed in."""
        try:
            entry = cast(Mapping[str, Sequence[str]], self.rules["submission.measures"].table[measure])
        except KeyError:
            raise NotFound(f"There is no measure {measure} that is handed in.") from None
        return MeasureFormat(
            measure, str(entry["title"]), str(entry["ecqm"]), tuple(entry["populations"]), tuple(entry["rates"])
        )

    @property
    def measures(self) -> tuple[str, ...]:
        """Quality ids of the measures that are handed in."""
        return tuple(self.rules["submission.measures"].table)

    def codes(self, kind: str) -> Mapping[str, str]:
        """Code -> meaning of one kind of supplemental data."""
        return cast(Mapping[str, Mapping[str, str]], self.rules["submission.supplemental_codes"].table)[kind]

    def exclusions(self, item: str) -> tuple[str, ...]:
        """Exclusion ids of a Promoting Interoperability measure; none for measures without."""
        return self._ids("submission.qpp_exclusions", item)

    def engagement(self, item: str) -> tuple[str, ...]:
        """Ids of the levels of active engagement of a public health measure; none for others."""
        return self._ids("submission.qpp_engagement", item)

    def _ids(self, name: str, item: str) -> tuple[str, ...]:
        return tuple(cast(Mapping[str, Sequence[str]], self.rules[name].table).get(item, ()))


@cache
def formats_book() -> RuleBook:
    """The packaged values."""
    return load_rule_book([Path(__file__).parent / "parameters" / "formats.yaml"])


def formats_for(year: int, *, overlays: Iterable[Path] = ()) -> Formats:
    """The values of a performance year, with the user's files laid over them.

    Raises RuleUnpublished for a year whose format CMS has not published, InputRefused for a file that cannot be read.
    """
    paths = tuple(overlays)
    book = load_overlays(paths, formats_book()) if paths else formats_book()
    return Formats(book.for_year(year))
