"""The reference page of the rule values says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from openasm.base.parameters import Evidence
from openasm.base.problems import catalogue
from openasm.regulation.choices import CHOICES
from openasm.regulation.rulebook import rules_for

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")


def test_every_code_with_its_words():
    declared = {code: kind.title for code, kind in catalogue().items() if re.fullmatch(r"R0\d\d", code)}
    assert dict(re.findall(r"^\| (R\d{3}) \| (.+) \|$", PAGE, re.MULTILINE)) == declared


def test_every_choice_with_more_than_one_word():
    listed = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert listed == {name: ", ".join(words) for name, words in CHOICES.items() if len(words) > 1}


def test_every_status():
    listed = re.findall(r"^\| `([a-z]+)` \| .+ \| (yes|no|yours to answer for) \|$", PAGE, re.MULTILINE)
    assert {status: confirmed != "no" for status, confirmed in listed} == {
        each.value: each.confirmed for each in Evidence
    }


def test_the_example_file_can_be_used(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL).group(1), encoding="utf-8")
    rules = rules_for(2027, overlays=[path])
    assert rules["payment.positive_factor_cap"].text == "none"
    assert rules["payment.risk_level"].status is Evidence.USER
