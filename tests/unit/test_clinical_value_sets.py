"""Value sets: whole, cut, rebuilt, refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from openasm.base.errors import NotFound
from openasm.base.problems import Problems
from openasm.clinical.terminology import Terminology, code_system
from openasm.clinical.value_sets import ValueSets, read_value_sets

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bad" / "quality"


def value_set(oid: str, listed: list[str], total: int | None = None, **compose: Any) -> dict[str, Any]:
    expansion: dict[str, Any] = {"contains": [{"system": "urn:x", "code": code} for code in listed]}
    if total is not None:
        expansion["total"] = total
    resource = {
        "resourceType": "ValueSet",
        "url": f"http://cts.nlm.nih.gov/fhir/ValueSet/{oid}",
        "expansion": expansion,
    }
    return resource | ({"compose": compose} if compose else {})


def codes(*names: str) -> dict[str, Any]:
    return {"system": "urn:x", "concept": [{"code": name} for name in names]}


def read(folder: Path, *resources: dict[str, Any]) -> tuple[ValueSets, Problems]:
    for place, resource in enumerate(resources):
        (folder / f"{place}.json").write_text(json.dumps(resource), encoding="utf-8")
    problems = Problems()
    return read_value_sets(folder, problems), problems


def names(sets: ValueSets, oid: str) -> set[str]:
    return {code for _, code in sets.by_oid[oid].codes}


def test_a_whole_list_is_taken(tmp_path: Path) -> None:
    sets, problems = read(tmp_path, value_set("1.2", ["a", "b"], 2))
    assert names(sets, "1.2") == {"a", "b"}
    assert not len(problems)


def test_gzip_and_bundles_are_read(tmp_path: Path) -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": value_set("1.2", ["a"])}, {"resource": value_set("1.3", ["b"])}],
    }
    (tmp_path / "sets.json.gz").write_bytes(gzip.compress(json.dumps(bundle).encode()))
    assert set(read_value_sets(tmp_path, Problems()).by_oid) == {"1.2", "1.3"}


def test_a_cut_list_is_rebuilt_from_its_definition(tmp_path: Path) -> None:
    sets, problems = read(tmp_path, value_set("1.2", ["a"], 3, include=[codes("a", "b", "c")]))
    assert names(sets, "1.2") == {"a", "b", "c"}
    sets.require({"Set": "1.2"}, problems)
    assert [problem.kind.code for problem in problems] == ["V107"]


def test_a_cut_list_is_rebuilt_from_its_members(tmp_path: Path) -> None:
    member = value_set("1.3", ["a"], 2, include=[codes("a", "b")])
    other = value_set("1.4", ["c"], 1)
    group = value_set("1.2", ["a"], 3, include=[{"valueSet": ["http://x/ValueSet/1.3"]}, {"valueSet": ["urn:oid:1.4"]}])
    sets, _ = read(tmp_path, group, member, other)
    assert names(sets, "1.2") == {"a", "b", "c"}
    assert sets.by_oid["1.2"].rebuilt


@pytest.mark.parametrize(
    "compose",
    [
        {},
        {"include": [{"valueSet": ["http://x/ValueSet/9.9"]}]},  # member missing
        {"include": [{"valueSet": ["http://x/ValueSet/1.2"]}]},  # itself
        {"include": [{"system": "urn:x", "filter": [{"property": "concept", "op": "is-a", "value": "a"}]}]},
        {"include": [{"system": "urn:x"}]},  # the whole code system
        {"include": [codes("a", "b", "c")], "exclude": [codes("b")]},
        {"include": [{"valueSet": ["http://x/ValueSet/1.3", "http://x/ValueSet/1.4"]}]},  # an intersection
    ],
)
def test_a_cut_list_that_cannot_be_rebuilt_is_never_used(tmp_path: Path, compose: dict[str, Any]) -> None:
    sets, problems = read(tmp_path, value_set("1.2", ["a"], 3, **compose))
    assert "1.2" not in sets.by_oid
    sets.require({"Fruit": "1.2"}, problems, needed_by="CMS165")
    (problem,) = problems.errors
    assert problem.kind.code == "V104"
    assert problem.found == "Fruit (1.2), needed by CMS165"


def test_a_page_without_total_counts_as_cut(tmp_path: Path) -> None:
    page = value_set("1.2", ["a", "b"])
    page["expansion"]["parameter"] = [{"name": "count", "valueInteger": 2}]
    short = value_set("1.3", ["a"])
    short["expansion"]["parameter"] = [{"name": "count", "valueInteger": 1000}, {"name": "offset", "valueInteger": 0}]
    sets, _ = read(tmp_path, page, short)
    assert set(sets.by_oid) == {"1.3"}
    assert set(sets.unusable) == {"1.2"}


def test_nested_and_abstract_entries(tmp_path: Path) -> None:
    nested = value_set("1.2", [], 2)
    nested["expansion"]["contains"] = [
        {"system": "urn:x", "code": "group", "abstract": True, "contains": [{"system": "urn:x", "code": "a"}]},
        {"system": "urn:x", "code": "b"},
    ]
    sets, _ = read(tmp_path, nested)
    assert names(sets, "1.2") == {"a", "b"}


def test_missing_and_empty_sets_are_named(tmp_path: Path) -> None:
    sets, problems = read(tmp_path, value_set("1.2", [], 0))
    sets.require({"Empty": "1.2", "Absent": "1.9"}, problems, needed_by="CMS2")
    assert [(problem.kind.code, problem.found) for problem in problems.errors] == [
        ("V105", "Absent (1.9), needed by CMS2"),
        ("V108", "Empty (1.2), needed by CMS2"),
    ]


def test_of_two_versions_the_later_is_used(tmp_path: Path) -> None:
    old = value_set("1.2", ["a"]) | {"version": "20240101"}
    new = value_set("1.2", ["b"]) | {"version": "20260101"}
    for order in ((old, new), (new, old)):
        sets, problems = read(tmp_path, *order)
        assert names(sets, "1.2") == {"b"}
        assert [problem.kind.code for problem in problems] == ["V106"]


def test_files_that_are_no_value_sets() -> None:
    problems = Problems()
    sets = read_value_sets(FIXTURES / "value_sets_broken", problems)
    assert not sets.by_oid
    assert sorted(problem.kind.code for problem in problems) == ["V101", "V102", "V103"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    problems = Problems()
    read_value_sets(tmp_path / "none", problems)
    assert [problem.kind.code for problem in problems] == ["V101"]


def test_code_systems_go_by_many_names() -> None:
    assert code_system("2.16.840.1.113883.6.1") == code_system("urn:oid:2.16.840.1.113883.6.1") == "http://loinc.org"
    terms = Terminology({"Lab": {("2.16.840.1.113883.6.1", "1-8")}})
    assert terms.mask("http://loinc.org", "1-8") == terms.mask("urn:oid:2.16.840.1.113883.6.1", "1-8") == terms["Lab"]
    assert terms.mask("http://loinc.org", "none") == terms.mask("urn:none", "1-8") == 0
    assert terms.names(terms["Lab"]) == ("Lab",)
    with pytest.raises(NotFound):
        terms["Other"]
    with pytest.raises(ValueError, match="two sets"):
        Terminology({"Lab": set()}, {"Lab": ("urn:x", "a")})
