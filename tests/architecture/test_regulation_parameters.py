"""Every rule value is cited, used by a formula, and listed by the module that uses it."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
import yaml

from openasm.base.parameters import Evidence
from openasm.base.years import PERFORMANCE_YEARS
from openasm.regulation.choices import CHOICES
from openasm.regulation.rulebook import SECTIONS, rule_book

FOLDER = Path(__file__).parents[2] / "openasm" / "regulation"
MODULES = (
    "participation",
    "quality",
    "cost",
    "improvement",
    "interoperability",
    "final_score",
    "payment",
    "incentives",
    "published",
)
NAMES = {entry.name for entry in rule_book().entries}


def listed(module: str) -> set[str]:
    return set(importlib.import_module(f"openasm.regulation.{module}").PARAMETERS)


def named_in_code(module: str) -> set[str]:
    """Parameter names that stand in the module's code, outside the list itself."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    texts = {
        node.value
        for body in bodies
        for node in ast.walk(body)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    patterns = [node for body in bodies for node in ast.walk(body) if isinstance(node, ast.JoinedStr) and node.values]
    found = {text for text in texts if text in NAMES}
    for pattern in patterns:
        head = pattern.values[0]
        if isinstance(head, ast.Constant) and str(head.value).partition(".")[0] in SECTIONS:
            found |= {
                name for name in NAMES if name.startswith(str(head.value)) and name[len(str(head.value)) :] in texts
            }
            if module == "published":
                found |= {name for name in NAMES if name.startswith(str(head.value))}
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_lists_exactly_the_values_it_uses(module):
    parts = ("quality", "deciles") if module == "quality" else (module,)
    assert listed(module) == set().union(*(named_in_code(part) for part in parts))


def test_no_value_is_an_orphan():
    assert set().union(*(listed(module) for module in MODULES)) == NAMES


def test_every_choice_is_a_packaged_text_and_the_first_word_is_the_packaged_one():
    packaged = {entry.name: entry for entry in rule_book().entries if entry.type == "text"}
    free_text = {"interoperability.certified_technology"}
    assert set(packaged) - free_text == set(CHOICES)
    for name, words in CHOICES.items():
        assert packaged[name].text == words[0]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_a_file_of_its_own_with_nothing_left_out(section):
    entries = [entry for entry in rule_book().entries if entry.name.startswith(f"{section}.")]
    text = (FOLDER / "parameters" / f"{section}.yaml").read_text(encoding="utf-8")
    assert {entry.name.partition(".")[2] for entry in entries} == set(yaml.safe_load(text)["parameters"])
    for entry in entries:
        assert all((entry.citation, entry.edition, entry.unit, entry.title)), entry.name
        assert entry.status is not Evidence.USER, entry.name
        assert set(entry.years) <= set(PERFORMANCE_YEARS), entry.name
    assert {path.stem for path in (FOLDER / "parameters").glob("*.yaml")} == set(SECTIONS)


def test_unconfirmed_values_are_stated_for_2027_alone_but_for_the_risk_level():
    beyond = [entry.name for entry in rule_book().entries if not entry.confirmed and entry.years != (2027,)]
    assert set(beyond) == {"payment.risk_level"}


def test_formulas_hold_no_rule_values():
    """Numbers of the rule stand in the parameter files: a formula's module has none of them as a literal."""
    tell_tale = {0.75, 0.85, 0.09, 0.12, 1.5, 90, 180, 75, 1000, 0.25, 2.75}
    for module in (*MODULES, "deciles", "bands"):
        tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
        literals = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        }
        assert not {value for value in literals if not isinstance(value, bool)} & tell_tale, module


def test_formulas_do_no_input_or_output():
    for module in (*MODULES, "deciles", "bands"):
        tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
        calls = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "print", "input"}, module
