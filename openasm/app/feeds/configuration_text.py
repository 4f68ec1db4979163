"""The configuration of `openasm run` from what a practice has uploaded and chosen. Paths in it are ours alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from django.conf import settings

from openasm.app.feeds.models import PracticeFile, RunConfiguration, private_folder
from openasm.base.errors import NotFound, WrongUsage
from openasm.participants.shelves import newest

_Value = str | int | bool | Sequence[str]


def configuration_text(
    configuration: RunConfiguration, files: Iterable[PracticeFile], *, inputs: Path, store: Path
) -> str:
    """TOML of docs/reference/run-config.md. inputs: folder for what several uploads become together; store: of finished stages.

    Raises WrongUsage when there is nothing to compute from, or something needed is missing.
    """
    library = Path(str(settings.DATA))
    by_kind: dict[str, list[PracticeFile]] = {}
    for each in files:
        by_kind.setdefault(each.kind, []).append(each)
    practice = configuration.practice
    sections: dict[str, dict[str, _Value]] = {
        "run": {"year": configuration.year, "name": practice.name, "store": str(store)},
        "participants": {"official_files": str(library)},
    }
    if configuration.assume_year:
        sections["run"]["assume_year"] = configuration.assume_year
    if "claims" in by_kind:
        sections["claims"] = {
            "format": configuration.claims_format,
            "sources": sorted(str(each.folder) for each in by_kind["claims"]),
        }
    if "records" in by_kind:
        sections["records"] = _records(configuration, by_kind, inputs, library)
    if "roster" in by_kind:
        sections["participants"]["roster"] = str(by_kind["roster"][0].folder / "roster.csv")
    scored: dict[str, _Value] = {}
    if "peers" in by_kind:
        scored["peers"] = str(_holding(by_kind["peers"][0].folder, "participants.csv"))
    if "participants" in by_kind:
        scored["participants"] = str(by_kind["participants"][0].folder / "participants.csv")
    if not (scored or "claims" in by_kind or "records" in by_kind):
        raise WrongUsage("There is nothing to compute from yet: upload claims, records or a cohort first.")
    if not scored:
        raise WrongUsage("Scores need everybody of the cohort: upload the cohort, or rows of own participants.")
    sections["score_inputs"] = scored | {
        "own_tins": [practice.tin],
        "cost_benchmark": configuration.cost_benchmark,
        "when_both": configuration.when_both,
    }
    if "attestations" in by_kind:
        sections["attestations"] = {"file": str(by_kind["attestations"][0].folder / "attestations.csv")}
    if configuration.codes == "demonstration":
        sections["codes"] = {"heart_failure": "demonstration", "low_back_pain": "demonstration"}
    sections["projection"] = {"tins": [practice.tin], "off": not configuration.projection}
    sections["report"] = {"forms": []}
    text = _toml(sections)
    if "claims" in by_kind and configuration.data_end is not None:
        text = text.replace("[claims]\n", f"[claims]\ndata_end = {configuration.data_end.isoformat()}\n", 1)
    return text


def _records(
    configuration: RunConfiguration, by_kind: Mapping[str, list[PracticeFile]], inputs: Path, library: Path
) -> dict[str, _Value]:
    if "value_sets" in by_kind:
        value_sets = _together(by_kind["value_sets"], inputs / "value_sets")
    else:
        try:
            value_sets = newest(library, "value-sets")[0].parent
        except NotFound:
            raise WrongUsage(
                "Measuring records needs value sets: upload them, or ask the operator to add them to the library."
            ) from None
    found: dict[str, _Value] = {
        "source": str(_together(by_kind["records"], inputs / "records")),
        "value_sets": str(value_sets),
    }
    if "roster" not in by_kind:
        found["tin"] = configuration.practice.tin
    if configuration.as_of_today:
        found["as_of"] = "today"
    return found


def _together(files: Sequence[PracticeFile], target: Path) -> Path:
    """One folder with the content of all uploads: the upload's own where there is one, else links to each."""
    if len(files) == 1:
        return _only_folder(files[0].folder)
    shutil.rmtree(target, ignore_errors=True)
    for each in files:
        for path in each.folder.rglob("*"):
            if path.is_file():
                place = target / each.key / path.relative_to(each.folder)
                private_folder(place.parent)
                try:
                    os.link(path, place)
                except OSError:  # a disk without links
                    shutil.copy2(path, place)
    return target


def _only_folder(folder: Path) -> Path:
    """An archive often holds one folder with everything: then that one."""
    content = list(folder.iterdir()) if folder.is_dir() else []
    return _only_folder(content[0]) if len(content) == 1 and content[0].is_dir() else folder


def _holding(folder: Path, name: str) -> Path:
    """The folder, at any depth, that holds a file of this name."""
    found = sorted(folder.rglob(name), key=lambda path: (len(path.parts), str(path)))
    return found[0].parent if found else folder


def _toml(sections: Mapping[str, Mapping[str, _Value]]) -> str:
    """Sections as TOML: its strings are those of JSON as long as every character is written as itself."""
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        for name, value in values.items():
            written = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
            lines.append(f"{name} = {json.dumps(written, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)
