"""A page about a measure, made from its code and its specification facts: what it asks, what it needs, why patients fail it.

The words are the measure's own: the docstrings of its questions, and the reasons that its answers give. So a page can say nothing that the
program does not do.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType

from openasm.clinical.facts import Patient
from openasm.quality.measures import MEASURES
from openasm.quality.populations import Measure
from openasm.quality.specification import measure_ids, specification_for

_QUESTIONS = {
    "initial_population": "Initial population",
    "denominator": "Denominator",
    "exclusion": "Denominator exclusions",
    "numerator": "Numerator",
    "exception": "Denominator exceptions",
}
_KINDS = {
    "encounters": "visits and stays (Encounter: type, status, period, class, discharge disposition)",
    "conditions": "diagnoses (Condition: code, clinical and verification status, onset, abatement, category, severity)",
    "observations": "measurements, scores and screens (Observation: code, status, time, value, components, encounter)",
    "medication_orders": "prescriptions (MedicationRequest: code, status, intent, date, dosage, dispense request, doNotPerform, reason)",
    "service_orders": "referrals and services ordered (ServiceRequest: code, status, intent, date, reason, doNotPerform)",
    "device_orders": "devices ordered (DeviceRequest: code, status, intent, date)",
    "procedures": "procedures (Procedure: code, status, time, reason)",
    "allergies": "allergies and intolerances (AllergyIntolerance: code, verification, onset)",
    "rejected_orders": "rejections of orders (Task)",
    "birth": "date of birth (Patient)",
    "gender": "administrative gender (Patient)",
}
_YEAR = 2026  # the version that was read


def measure_page(name: str, note: str) -> str:
    """The page of one measure as Markdown. note: a line saying how the page is made."""
    measure = MEASURES[name]
    specification = specification_for(name, _YEAR)
    part = f"quality {specification.quality_id}, " if name in measure_ids() else ""
    direction = "Lower is better." if specification.lower_is_better else "Higher is better."
    lines = [
        f"# {name}: {specification.title}",
        "",
        note,
        "",
        f"{part}version {specification.version}, library {specification.cql_library}.",
    ]
    lines[-1] = lines[-1][0].upper() + lines[-1][1:]
    next_year = specification_for(name, _YEAR + 1)
    if not next_year.read:
        lines.append(f"For {_YEAR + 1}: {next_year.version}.")
    lines += [direction, ""]
    if len(specification.groups) > 1:
        lines += [f"Rate {group}: {what}." for group, what in specification.groups.items()] + [""]
    lines += ["## What it asks", "", "| question | answer is yes for |", "|---|---|"]
    for question, title in _QUESTIONS.items():
        if question == "exception" and not specification.has_exceptions:
            continue
        text = _words(measure, question)
        if text:
            lines.append(f"| {title} | {text} |")
    lines += [
        "",
        f"Rate = numerator / (denominator - exclusions{' - exceptions' if specification.has_exceptions else ''}).",
        "",
    ]
    lines += ["## Limits", "", "| limit | value |", "|---|---|"]
    lines += [f"| {limit.replace('_', ' ')} | {value:g} |" for limit, value in sorted(specification.limits.items())]
    lines += ["", "## Data it needs", ""]
    used = _facts_used(measure)
    lines += [f"* {words}" for kind, words in _KINDS.items() if kind in used]
    lines += ["", "## Common reasons for not being in the numerator, or not in the measure", ""]
    lines += [f"* {reason}" for reason in reasons(measure)]
    gaps = _words(measure, "gaps")
    if gaps:
        lines += ["", "## What closes a gap", "", gaps]
    lines += ["", "## Value sets, by name", ""]
    lines += [f"* {each} (`{oid}`)" for each, oid in sorted(specification.value_sets.items())]
    if specification.codes:
        shown = sorted(each for each in specification.codes)
        lines += ["", f"Single codes by name: {', '.join(shown)}."]
    return "\n".join(lines) + "\n"


def reasons(measure: type[Measure]) -> list[str]:
    """The reasons that the measure's own questions give for a no, what varies as `…`, sorted."""
    found = set()
    for module in _modules(measure):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and len(node.args) == 2:
                holds, why = node.args
                if not (isinstance(holds, ast.Constant) and holds.value is True):
                    text = _text(why)
                    if text:
                        found.add(text)
    return sorted(found)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        return "".join(parts).strip()
    return ""


def _words(measure: type[Measure], question: str) -> str:
    """The docstring of a question as one line; empty where the base class's answer stands."""
    method = getattr(measure, question)
    if method is getattr(Measure, question):
        return "everyone in the initial population" if question == "denominator" else ""
    return re.sub(r"\s+", " ", inspect.getdoc(method) or "").replace("|", "\\|")


def _modules(measure: type[Measure]) -> list[ModuleType]:
    """The modules of the measure and of what it inherits from, the frame all measures share left out."""
    names = {each.__module__ for each in measure.__mro__}
    return [
        sys.modules[name]
        for name in sorted(names)
        if name.startswith("openasm.quality.") and not name.endswith(".populations")
    ]


def _facts_used(measure: type[Measure]) -> set[str]:
    """The kinds of facts that the measure and the parts it is built of look at."""
    modules, seen = list(_modules(measure)), set()
    used = set()
    while modules:
        module = modules.pop()
        if module.__name__ in seen:
            continue
        seen.add(module.__name__)
        tree = ast.parse(inspect.getsource(module))
        used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & set(Patient.__slots__)
        modules += [each for each in _imported(tree) if each.__name__ not in seen]
    return used


def _imported(tree: ast.Module) -> Iterator[ModuleType]:
    shared = ("openasm.quality.populations", "openasm.quality.specification")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("openasm.quality.")
            and node.module not in shared
        ):
            yield importlib.import_module(str(node.module))
