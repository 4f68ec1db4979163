"""The keys of a configuration and how their values are read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.base.errors import OpenAsmError
from openasm.base.identity import is_tin
from openasm.base.problems import Problems, shown
from openasm.base.years import FIRST_PERFORMANCE_YEAR, LAST_PERFORMANCE_YEAR
from openasm.claims.loading import FORMATS as CLAIMS_FORMATS
from openasm.quality.specification import find_measure
from openasm.report.files import FORMATS as REPORT_FORMS
from openasm.runs.chain import configuration_problems as found
from openasm.runs.cost.codes_list import DEMONSTRATION
from openasm.runs.scoring.score import COST_BENCHMARKS

_UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


@dataclass(frozen=True, slots=True)
class Key:
    """How a value is read. kind: `integer`, `text`, `flag`, `size`, `day`, `day_or_today`, `path`, `codes`, `tin`, `measure`;
    several: a list of them; least, most: of integers; choices: of texts; must_exist: the path has to be there.
    """

    kind: str
    several: bool = False
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()
    must_exist: bool = True


_PATH, _PATHS, _TINS = Key("path"), Key("path", several=True), Key("tin", several=True)
_YEAR = Key("integer", least=2000, most=2099)
_MODEL_YEAR = Key("integer", least=FIRST_PERFORMANCE_YEAR, most=LAST_PERFORMANCE_YEAR)

SECTIONS: Mapping[str, Mapping[str, Key]] = {
    "run": {
        "year": _MODEL_YEAR,
        "name": Key("text"),
        "cost_year": _YEAR,
        "records_year": _YEAR,
        "assume_year": _MODEL_YEAR,
        "engine": Key("text", choices=("duckdb", "spark")),
        "memory": Key("size"),
        "jobs": Key("integer", least=0, most=1024),
        "spill": Key("path", must_exist=False),
        "store": Key("path", must_exist=False),
        "keep_days": Key("integer", least=0, most=3650),
    },
    "claims": {
        "format": Key("text", choices=(*CLAIMS_FORMATS, "loaded")),
        "sources": _PATHS,
        "data_end": Key("day"),
        "cclf_version": Key("text"),
        "hold": Key("text", choices=("all", "part")),
    },
    "records": {
        "source": _PATH,
        "value_sets": _PATH,
        "measures": Key("measure", several=True),
        "attribution": _PATH,
        "tin": Key("tin"),
        "as_of": Key("day_or_today"),
    },
    "participants": {
        "list": _PATH,
        "vintage": Key("text"),
        "roster": _PATH,
        "answers": _PATH,
        "counties": _PATH,
        "zips": _PATH,
        "areas": _PATH,
        "official_files": _PATH,
    },
    "admissions": {"codes": _PATH, "year": _YEAR, "in_scores": Key("flag")},
    "attestations": {"file": _PATH},
    "score_inputs": {
        "peers": _PATH,
        "participants": _PATH,
        "own_tins": _TINS,
        "computed_for": Key("text", choices=("own", "everybody")),
        "when_both": Key("text", choices=("refuse", "computed", "given")),
        "cost_benchmark": Key("text", choices=COST_BENCHMARKS),
    },
    "rules": {"overlays": _PATHS},
    "codes": {"heart_failure": Key("codes"), "low_back_pain": Key("codes"), "overlays": _PATHS},
    "projection": {
        "draws": Key("integer", least=100, most=1_000_000),
        "seed": Key("integer", least=0, most=2**63 - 1),
        "tins": _TINS,
        "off": Key("flag"),
    },
    "report": {"forms": Key("text", several=True, choices=tuple(REPORT_FORMS)), "tins": _TINS},
    "previous": {"runs": _PATHS},
}


class _Refused(Exception):
    """kind, found, expected of a problem."""


def value_of(key: Key, raw: Any, reading: Reading, *, file: str, column: str, problems: Problems) -> Any:
    """A value as the program uses it; what is wrong with it goes to `problems`."""
    if not key.several:
        return _checked(key, raw, reading, file, column, problems)
    if not isinstance(raw, list):
        problems.add(found.WRONG_KIND, file, column=column, found=_kind_of(raw), expected="a list, as in [...]")
        return ()
    return tuple(_checked(key, each, reading, file, column, problems) for each in raw)


def _checked(key: Key, raw: Any, reading: Reading, file: str, column: str, problems: Problems) -> Any:
    try:
        return getattr(reading, key.kind)(key, raw)
    except _Refused as refused:
        kind, what, expected = refused.args
        problems.add(kind, file, column=column, found=what, expected=expected)
        return None


def _kind_of(raw: Any) -> str:
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a fraction",
        str: "text",
        list: "a list",
        dict: "a section",
    }
    return kinds.get(type(raw), "a date or time")


def _of_kind(raw: Any, kind: type, words: str) -> Any:
    if type(raw) is not kind:
        raise _Refused(found.WRONG_KIND, _kind_of(raw), words)
    return raw


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads values, a method a kind. folder: where relative paths begin; today: what "today" means."""

    folder: Path
    today: dt.date

    def text(self, key: Key, raw: Any) -> str:
        """Text, one of the choices where there are some."""
        text = str(_of_kind(raw, str, "text in quotes"))
        if key.choices and text not in key.choices:
            raise _Refused(found.NOT_ALLOWED, shown(text), f"one of {', '.join(key.choices)}")
        return text

    def integer(self, key: Key, raw: Any) -> int:
        """A whole number between the key's bounds."""
        value = int(_of_kind(raw, int, "a whole number"))
        if not key.least <= value <= key.most:
            raise _Refused(found.NOT_ALLOWED, str(value), f"a whole number from {key.least} to {key.most}")
        return value

    def flag(self, _key: Key, raw: Any) -> bool:
        """True or false."""
        return bool(_of_kind(raw, bool, "true or false"))

    def size(self, _key: Key, raw: Any) -> int:
        """Bytes, from text such as 8GB."""
        text = str(_of_kind(raw, str, "a size in quotes, as in 8GB"))
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)i?B", text.strip(), re.IGNORECASE)
        if match is None:
            raise _Refused(found.NOT_ALLOWED, shown(text), "a size such as 512MB or 8GB")
        return int(float(match[1]) * _UNITS[f"{match[2].upper()}B"])

    def day(self, _key: Key, raw: Any) -> dt.date:
        """A day, as TOML's own date or as text."""
        if type(raw) is dt.date:
            return raw
        text = str(_of_kind(raw, str, "a day, as in 2027-06-30"))
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise _Refused(found.NOT_ALLOWED, shown(text), "a day, as in 2027-06-30") from None

    def day_or_today(self, key: Key, raw: Any) -> dt.date:
        """A day, or the word today."""
        return self.today if raw == "today" else self.day(key, raw)

    def path(self, key: Key, raw: Any) -> Path:
        """A path from the configuration's folder."""
        text = str(_of_kind(raw, str, "a path in quotes"))
        path = self.folder / text
        try:
            missing = not text or (key.must_exist and not path.exists())
        except (OSError, ValueError):  # a folder that may not be entered, a name that can be none
            missing = True
        if missing:
            raise _Refused(found.PATH_MISSING, "no such file or folder", "")
        return path

    def codes(self, key: Key, raw: Any) -> Path:
        """A codes list: a path, or the word demonstration."""
        return Path(DEMONSTRATION) if raw == DEMONSTRATION else self.path(key, raw)

    def tin(self, _key: Key, raw: Any) -> str:
        """A TIN of nine digits."""
        text = str(_of_kind(raw, str, "a TIN in quotes"))
        if not is_tin(text):
            raise _Refused(found.NOT_ALLOWED, "another text", "nine digits without a hyphen")
        return text

    def measure(self, _key: Key, raw: Any) -> str:
        """A measure by any of its numbers, as its eCQM number."""
        text = str(_of_kind(raw, str, "a measure's number in quotes"))
        try:
            return find_measure(text)
        except OpenAsmError as error:
            raise _Refused(found.NOT_ALLOWED, shown(text), str(error).rstrip(".")) from None
