"""Value sets from the files a user has: FHIR ValueSet resources, plain or gzip, and VSAC's downloads (see `vsac`), in a folder.

A published expansion may be cut: it states a total and lists fewer codes (terminology servers list a thousand a page). A cut list
is never used. It is rebuilt from the set's own definition when that names every code, or names member sets that are in the
same folder and complete in turn; otherwise the set counts as unusable and a measure that needs it is refused.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from openasm.base.problems import Problems, Severity, declare
from openasm.clinical import vsac
from openasm.clinical.terminology import code_system

FOLDER_MISSING = declare(
    "V101",
    "the folder of value sets is missing or holds no value set",
    expected="a folder with FHIR ValueSet files (.json, .json.gz), VSAC's SVS XML or spreadsheets (.xml, .xlsx), or archives of them (.zip)",
    next_step="Download the value sets named by the measures (VSAC, free licence) into one folder and name it with --value-sets.",
)
FILE_UNREADABLE = declare(
    "V102",
    "a value-set file cannot be read",
    expected="a whole file: JSON (plain or gzip, UTF-8), SVS XML, a VSAC spreadsheet, or a ZIP archive of these",
    next_step="Download the file again.",
)
NOT_A_VALUE_SET = declare(
    "V103",
    "the file is not a FHIR ValueSet and was passed over",
    expected="a FHIR R4 ValueSet resource with a url or identifier",
    next_step="Keep other files out of the folder, or ignore this if the file is not meant for the measures.",
    severity=Severity.WARNING,
)
CUT_AND_LOST = declare(
    "V104",
    "the value set's list of codes is cut and cannot be rebuilt",
    expected="as many codes as its total states, or its definition and all its member sets in the folder",
    next_step="Add the member sets named by the set's definition to the folder, or download the complete expansion.",
)
VALUE_SET_MISSING = declare(
    "V105",
    "a value set that a measure needs is missing",
    expected="the value set in the folder",
    next_step="Download it (its object identifier is in the message), or leave the measure out with --measures.",
)
TWICE_DIFFERENT = declare(
    "V106",
    "two files hold different versions of one value set; the later version is used",
    expected="one version of each value set",
    next_step="Remove the version that the measures of this year do not use.",
    severity=Severity.WARNING,
)
REBUILT = declare(
    "V107",
    "the value set's list of codes is cut and was rebuilt from its definition",
    expected="as many codes as its total states",
    next_step="Nothing needs doing; the number of codes may exceed the stated total by codes no longer active.",
    severity=Severity.WARNING,
)
VALUE_SET_EMPTY = declare(
    "V108",
    "a value set that a measure needs has no codes",
    expected="at least one code",
    next_step="Download the value set with its expansion.",
)

Code = tuple[str, str]  # code system, code
_ENDINGS = (".json", ".json.gz", *vsac.ENDINGS)


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A complete value set. oid: its object identifier without prefix; rebuilt: made from its members, not from its own list."""

    oid: str
    name: str
    version: str
    codes: frozenset[Code]
    file: str
    rebuilt: bool = False


@dataclass(slots=True)
class ValueSets:
    """The usable value sets of a folder by object identifier, and those that are there but unusable."""

    by_oid: dict[str, ValueSet] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)  # oid -> file

    def add(self, value_set: ValueSet, problems: Problems) -> None:
        """Take one in; of two versions the later by its text stays, with a warning when their codes differ."""
        earlier = self.by_oid.get(value_set.oid)
        if earlier is not None and earlier.codes != value_set.codes:
            problems.add(TWICE_DIFFERENT, value_set.file, column=value_set.oid)
        if earlier is None or (value_set.version, len(value_set.codes)) > (earlier.version, len(earlier.codes)):
            self.by_oid[value_set.oid] = value_set

    def require(
        self, needed: Mapping[str, str], problems: Problems, *, needed_by: str = ""
    ) -> dict[str, frozenset[Code]]:
        """The codes of the named sets (name -> oid). Each missing, unusable or empty one is a problem naming it."""
        found: dict[str, frozenset[Code]] = {}
        for name, oid in sorted(needed.items()):
            value_set = self.by_oid.get(oid)
            label = f"{name} ({oid})" + (f", needed by {needed_by}" if needed_by else "")
            if value_set is not None and value_set.codes:
                found[name] = value_set.codes
                if value_set.rebuilt:
                    problems.add(REBUILT, value_set.file, column=oid, found=f"{name}, {len(value_set.codes)} codes")
            elif value_set is not None:
                problems.add(VALUE_SET_EMPTY, value_set.file, column=oid, found=label)
            elif oid in self.unusable:
                problems.add(CUT_AND_LOST, self.unusable[oid], column=oid, found=label)
            else:
                problems.add(VALUE_SET_MISSING, "value sets", column=oid, found=label)
        return found


def read_value_sets(folder: Path, problems: Problems) -> ValueSets:
    """Every FHIR ValueSet below a folder (or one file). Problems are added, never raised."""
    raw: list[_Raw] = []
    for path in value_set_files(folder):
        try:
            if path.suffix.lower() == ".zip":
                for name, content in vsac.members_of(path):
                    if name.lower().endswith(_ENDINGS):
                        raw += _sets_of(f"{path.name}/{name}", content, problems)
            elif path.suffix.lower() in vsac.ENDINGS:
                raw += _downloaded(path.name, vsac.downloads_in(path))
            else:
                raw += _sets_of(path.name, path.read_bytes(), problems)
        except vsac.NotVsac as error:
            problems.add(FILE_UNREADABLE, path.name, found=str(error))
        except OSError:
            problems.add(FILE_UNREADABLE, path.name)
    sets = assemble(raw, problems)
    if not sets.by_oid and not sets.unusable:
        problems.add(FOLDER_MISSING, folder.name)
    return sets


def value_set_files(folder: Path) -> list[Path]:
    """The files below a folder that may hold value sets, in a fixed order."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith((*_ENDINGS, ".zip"))
    )


def read_json_file(path: Path) -> Any:
    """A JSON file, plain or gzip. ValueError or OSError when it is not whole."""
    return _parsed_json(path.read_bytes())


def _parsed_json(data: bytes) -> Any:
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, zlib.error) as error:
            raise ValueError("not a whole gzip file") from error
    return orjson.loads(data)


def _sets_of(name: str, content: bytes, problems: Problems) -> list[_Raw]:
    """The sets of one file's content; problems are added."""
    if name.lower().endswith(vsac.ENDINGS):
        try:
            return _downloaded(name, vsac.read_download(name, io.BytesIO(content)))
        except vsac.NotVsac as error:
            problems.add(FILE_UNREADABLE, name, found=str(error))
            return []
    try:
        resource = _parsed_json(content)
    except ValueError:
        problems.add(FILE_UNREADABLE, name)
        return []
    found: list[_Raw] = []
    for each in _value_sets_in(resource):
        parsed = _parse(each, name)
        if parsed is None:
            problems.add(NOT_A_VALUE_SET, name)
        else:
            found.append(parsed)
    return found


def _downloaded(file: str, downloads: Iterable[vsac.Download]) -> list[_Raw]:
    nothing = frozenset[Code]()
    return [
        _Raw(each.oid, each.name, each.version, file, each.codes, True, nothing, (), False)  # the list is whole
        for each in downloads
    ]


def _value_sets_in(resource: Any) -> Iterable[Any]:
    """A ValueSet itself, or the ValueSets of a Bundle."""
    if (
        isinstance(resource, dict)
        and resource.get("resourceType") == "Bundle"
        and isinstance(resource.get("entry"), list)
    ):
        for entry in resource["entry"]:
            each = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(each, dict) and each.get("resourceType") == "ValueSet":
                yield each
    else:
        yield resource


@dataclass(slots=True)
class _Raw:
    """A ValueSet as its file gives it: the listed codes, whether all are listed, and what the definition names."""

    oid: str
    name: str
    version: str
    file: str
    listed: frozenset[Code]
    complete: bool
    named: frozenset[Code]
    members: tuple[str, ...]
    defined: bool  # the definition names codes and members only, no filters and no exclusions


def _parse(resource: Any, file: str) -> _Raw | None:
    try:
        if resource["resourceType"] != "ValueSet":
            return None
        oid = _oid(resource)
        if not oid:
            return None
        expansion = resource.get("expansion") or {}
        listed = list(_contained(expansion.get("contains") or ()))
        total = expansion.get("total")
        complete = bool(expansion) and (not isinstance(total, int) or len(listed) >= total)
        if not isinstance(total, int) and _is_a_page(expansion, len(listed)):
            complete = False
        compose = resource.get("compose") or {}
        named: set[Code] = set()
        members: list[str] = []
        defined = bool(compose.get("include")) and not compose.get("exclude")
        for include in compose.get("include") or ():
            if include.get("filter") or not (include.get("concept") or include.get("valueSet")):
                defined = False
            if include.get("concept") and include.get("valueSet"):
                defined = False  # an intersection
            if len(include.get("valueSet") or ()) > 1:
                defined = False  # likewise
            for concept in include.get("concept") or ():
                named.add((code_system(include["system"]), str(concept["code"])))
            members.extend(_bare_oid(address) for address in include.get("valueSet") or ())
        return _Raw(
            oid=oid,
            name=str(resource.get("title") or resource.get("name") or ""),
            version=str(resource.get("version") or ""),
            file=file,
            listed=frozenset(listed),
            complete=complete,
            named=frozenset(named),
            members=tuple(members),
            defined=defined,
        )
    except (TypeError, KeyError, AttributeError, ValueError):
        return None


def _contained(contains: Iterable[Any]) -> Iterable[Code]:
    for each in contains:
        if each.get("code") and not each.get("abstract"):
            yield code_system(each["system"]), str(each["code"])
        yield from _contained(each.get("contains") or ())


def _is_a_page(expansion: Mapping[str, Any], listed: int) -> bool:
    """Whether an expansion without a total may be one page of a longer list: it starts later, or fills its page."""
    for each in expansion.get("parameter") or ():
        number = each.get("valueInteger")
        if isinstance(number, int) and (
            (each.get("name") == "offset" and number > 0) or (each.get("name") == "count" and 0 < number <= listed)
        ):
            return True
    return False


def _oid(resource: Mapping[str, Any]) -> str:
    for identifier in resource.get("identifier") or ():
        value = str(identifier.get("value") or "")
        if value.startswith("urn:oid:"):
            return value.removeprefix("urn:oid:")
    return _bare_oid(str(resource.get("url") or resource.get("id") or ""))


def _bare_oid(address: str) -> str:
    """The object identifier at the end of a value set's address, without a version."""
    return address.partition("|")[0].rstrip("/").rsplit("/", 1)[-1].removeprefix("urn:oid:")


def assemble(raw: Iterable[_Raw], problems: Problems) -> ValueSets:
    """Complete sets from parsed files: lists where they are whole, definitions where they are cut."""
    by_oid: dict[str, list[_Raw]] = {}
    for each in raw:
        by_oid.setdefault(each.oid, []).append(each)
    sets = ValueSets()
    for oid, versions in sorted(by_oid.items()):
        for each in sorted(versions, key=lambda version: (version.version, version.file)):
            codes = each.listed if each.complete else _rebuilt(each, by_oid, frozenset({oid}))
            if codes is None:
                sets.unusable.setdefault(oid, each.file)
                continue
            sets.add(ValueSet(oid, each.name, each.version, codes, each.file, rebuilt=not each.complete), problems)
    for oid in sets.by_oid:
        sets.unusable.pop(oid, None)
    return sets


def _rebuilt(each: _Raw, by_oid: Mapping[str, list[_Raw]], seen: frozenset[str]) -> frozenset[Code] | None:
    """All codes of a set from its definition; None when that does not name them all."""
    if not each.defined:
        return None
    codes = set(each.named)
    for member_oid in each.members:
        if member_oid in seen or member_oid not in by_oid:
            return None
        member = max(by_oid[member_oid], key=lambda version: (version.version, version.file))
        if member.defined:
            member_codes = _rebuilt(member, by_oid, seen | {member_oid})
        else:
            member_codes = member.listed if member.complete else None
        if member_codes is None and member.complete:
            member_codes = member.listed
        if member_codes is None:
            return None
        codes |= member_codes
    return frozenset(codes)
