"""Every broken file of rule values is refused with its whole message: code, file, line, what was found, what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from openasm.base.errors import InputRefused
from openasm.base.parameters import load_rule_book
from openasm.regulation.rulebook import rules_for

FOLDER = Path(__file__).parents[1] / "fixtures" / "bad" / "rules"

MESSAGES: dict[str, list[str]] = {
    "a_list.yaml": [
        "R001 a_list.yaml, line 1, the file: the file is not readable YAML. Expected a mapping of keys to values. Mend the line named; indentation and colons are the usual cause.",
    ],
    "blank_citation.yaml": [
        "R003 blank_citation.yaml, line 7, payment.risk_level: a required key is missing or empty. Found no citation. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "broken_indentation.yaml": [
        "R001 broken_indentation.yaml, line 6: the file is not readable YAML. Expected a YAML mapping with section, title and parameters. Mend the line named; indentation and colons are the usual cause.",
    ],
    "choice_not_computed.yaml": [
        "R010 choice_not_computed.yaml, line 5, payment.positive_factor_cap: this program cannot compute with that choice. Found 'half_the_risk_level'. Expected one of risk_level, none. Use one of the words listed, or ask for the choice to be added.",
    ],
    "cohort_without_measures.yaml": [
        "R011 cohort_without_measures.yaml, line 5, quality.measures: the value has the declared type but cannot be computed with. Found '{heart_failure: [236], low_back_pain: …. Expected a list for each of heart_failure, low_back_pain. Compare with the packaged value, which `openasm rules` prints.",
    ],
    "empty.yaml": [
        "R001 empty.yaml, the file: the file is not readable YAML. Expected a mapping of keys to values. Mend the line named; indentation and colons are the usual cause.",
    ],
    "entry_a_number.yaml": [
        "R001 entry_a_number.yaml, line 4, payment.risk_level: the file is not readable YAML. Expected a mapping of keys to values. Mend the line named; indentation and colons are the usual cause.",
    ],
    "four_at_once.yaml": [
        "R004 four_at_once.yaml, line 6, payment.risk_level: the value has the wrong type. Found 'much'. Expected a value of type number. Write the value in the declared type, or correct `type`.",
        "R006 four_at_once.yaml, line 8, payment.risk_level: the years are not performance years. Found '2032'. Expected whole years between 2027 and 2031. List each year the value holds for, for example [2027, 2028].",
        "R003 four_at_once.yaml, line 8, payment.risk_level: a required key is missing or empty. Found no citation. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
        "R008 four_at_once.yaml, line 11, payment.pool: an overlay names a parameter that does not exist. Expected a name printed by `openasm rules`. Check section and name against `openasm rules`.",
    ],
    "fraction_for_a_count.yaml": [
        "R004 fraction_for_a_count.yaml, line 6, quality.case_minimum: the value has the wrong type. Found '20.5'. Expected a value of type integer. Write the value in the declared type, or correct `type`.",
    ],
    "grid_not_rising.yaml": [
        "R011 grid_not_rising.yaml, line 5, cost.grid_multiples: the value has the declared type but cannot be computed with. Found '[-1.5, -1, -0.5, 0.5, 1, 1.5, 2, 2.25,…. Expected 10 numbers, each larger than the one before. Compare with the packaged value, which `openasm rules` prints.",
    ],
    "grid_of_nine.yaml": [
        "R011 grid_of_nine.yaml, line 5, cost.grid_multiples: the value has the declared type but cannot be computed with. Found '[-1.5, -1, -0.5, 0.5, 1, 1.5, 2, 2.25,…. Expected 10 numbers, each larger than the one before. Compare with the packaged value, which `openasm rules` prints.",
    ],
    "hexadecimal.yaml": [
        "R004 hexadecimal.yaml, line 6, quality.case_minimum: the value has the wrong type. Found '0x14'. Expected a value of type integer. Write the value in the declared type, or correct `type`.",
    ],
    "infinity.yaml": [
        "R004 infinity.yaml, line 6, payment.transform_slope: the value has the wrong type. Found '.inf'. Expected a value of type number. Write the value in the declared type, or correct `type`.",
    ],
    "latin1.yaml": [
        "R001 latin1.yaml: the file is not readable YAML. Found bytes that are not UTF-8 text. Expected a YAML mapping with section, title and parameters. Mend the line named; indentation and colons are the usual cause.",
    ],
    "list_for_a_number.yaml": [
        "R004 list_for_a_number.yaml, line 6, payment.redistributed_share: the value has the wrong type. Found a list or table. Expected a value of type number. Write the value in the declared type, or correct `type`.",
    ],
    "list_for_a_table.yaml": [
        "R004 list_for_a_table.yaml, line 6, quality.measures: the value has the wrong type. Found not a table. Expected a value of type table. Write the value in the declared type, or correct `type`.",
    ],
    "name_twice.yaml": [
        "R009 name_twice.yaml, line 6, parameters: a name stands twice. Found 'risk_level'. Expected each key once. Merge the two entries.",
    ],
    "no_citation.yaml": [
        "R003 no_citation.yaml, line 5, payment.risk_level: a required key is missing or empty. Found no citation. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "no_parameters.yaml": [
        "R003 no_parameters.yaml, line 1, parameters: a required key is missing or empty. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "no_section.yaml": [
        "R003 no_section.yaml, line 1, the file: a required key is missing or empty. Found no section. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
        "R008 no_section.yaml, line 3, .risk_level: an overlay names a parameter that does not exist. Expected a name printed by `openasm rules`. Check section and name against `openasm rules`.",
    ],
    "no_value.yaml": [
        "R003 no_value.yaml, line 5, payment.risk_level: a required key is missing or empty. Found no value. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "no_values.yaml": [
        "R003 no_values.yaml, line 4, payment.risk_level: a required key is missing or empty. Found no values. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "no_years.yaml": [
        "R003 no_years.yaml, line 5, payment.risk_level: a required key is missing or empty. Found no list of years. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "number_for_a_list.yaml": [
        "R004 number_for_a_list.yaml, line 6, cost.grid_multiples: the value has the wrong type. Found not a list. Expected a value of type numbers. Write the value in the declared type, or correct `type`.",
    ],
    "number_for_a_word.yaml": [
        "R004 number_for_a_word.yaml, line 6, payment.positive_factor_cap: the value has the wrong type. Found '0.09'. Expected a value of type text. Write the value in the declared type, or correct `type`.",
    ],
    "overlapping_entries.yaml": [
        "R005 overlapping_entries.yaml, line 8, payment.risk_level: two entries cover the same performance year. Found 2028, also at overlapping_entries.yaml line 5. Expected at most one entry a year. Remove the year from one of the entries.",
    ],
    "packaged_bare.yaml": [
        "R003 packaged_bare.yaml, line 1, the file: a required key is missing or empty. Found no title. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
        "R003 packaged_bare.yaml, line 4, payment.risk_level: a required key is missing or empty. Found no title. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
        "R003 packaged_bare.yaml, line 4, payment.risk_level: a required key is missing or empty. Found no unit. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
        "R003 packaged_bare.yaml, line 4, payment.risk_level: a required key is missing or empty. Found no type. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "packaged_unknown_status.yaml": [
        "R007 packaged_unknown_status.yaml, line 9, payment.risk_level: unknown evidence status. Found 'sure'. Expected codified, cms, secondary, analog, assumed or user. Use the status that says how the value is known.",
    ],
    "packaged_unknown_type.yaml": [
        "R004 packaged_unknown_type.yaml, line 7, payment.risk_level: the value has the wrong type. Found 'percentage'. Expected a known type. Write the value in the declared type, or correct `type`.",
    ],
    "packaged_without_status.yaml": [
        "R003 packaged_without_status.yaml, line 9, payment.risk_level: a required key is missing or empty. Found no status. Expected every value with unit, years, citation, edition and status. Add the key; a value without its source is not taken.",
    ],
    "parameter_a_number.yaml": [
        "R001 parameter_a_number.yaml, line 3, payment.risk_level: the file is not readable YAML. Expected a mapping of keys to values. Mend the line named; indentation and colons are the usual cause.",
    ],
    "parameters_a_list.yaml": [
        "R001 parameters_a_list.yaml, line 3, parameters: the file is not readable YAML. Expected a mapping of keys to values. Mend the line named; indentation and colons are the usual cause.",
    ],
    "percent_sign.yaml": [
        "R004 percent_sign.yaml, line 6, payment.risk_level: the value has the wrong type. Found '10%'. Expected a value of type number. Write the value in the declared type, or correct `type`.",
    ],
    "unknown_entry_key.yaml": [
        "R002 unknown_entry_key.yaml, line 7, payment.risk_level: unknown key. Found 'cites'. Expected one of citation, edition, note, status, value, years. Check the spelling against docs/reference/rules.md, or remove the key.",
    ],
    "unknown_parameter.yaml": [
        "R008 unknown_parameter.yaml, line 4, payment.risk_levle: an overlay names a parameter that does not exist. Expected a name printed by `openasm rules`. Check section and name against `openasm rules`.",
    ],
    "unknown_parameter_key.yaml": [
        "R002 unknown_parameter_key.yaml, line 4, payment.risk_level: unknown key. Found 'source'. Expected one of title, type, unit, values. Check the spelling against docs/reference/rules.md, or remove the key.",
    ],
    "unknown_top_key.yaml": [
        "R002 unknown_top_key.yaml, line 2, the file: unknown key. Found 'version'. Expected one of parameters, section, title. Check the spelling against docs/reference/rules.md, or remove the key.",
    ],
    "value_that_holds_itself.yaml": [
        "R001 value_that_holds_itself.yaml, line 6, quality.measures: the file is not readable YAML. Found a value that holds itself. Expected a YAML mapping with section, title and parameters. Mend the line named; indentation and colons are the usual cause.",
    ],
    "weight_in_percent.yaml": [
        "R011 weight_in_percent.yaml, line 5, quality.weight: the value has the declared type but cannot be computed with. Found '50'. Expected a number from 0 to 1. Compare with the packaged value, which `openasm rules` prints.",
    ],
    "word_for_yes_or_no.yaml": [
        "R004 word_for_yes_or_no.yaml, line 6, incentives.in_kind: the value has the wrong type. Found 'perhaps'. Expected a value of type boolean. Write the value in the declared type, or correct `type`.",
    ],
    "words_for_a_number.yaml": [
        "R004 words_for_a_number.yaml, line 6, payment.risk_level: the value has the wrong type. Found 'ten percent'. Expected a value of type number. Write the value in the declared type, or correct `type`.",
    ],
    "year_before_the_model.yaml": [
        "R006 year_before_the_model.yaml, line 5, payment.risk_level: the years are not performance years. Found '2026'. Expected whole years between 2027 and 2031. List each year the value holds for, for example [2027, 2028].",
    ],
    "year_in_words.yaml": [
        "R006 year_in_words.yaml, line 5, payment.risk_level: the years are not performance years. Found 'next year'. Expected whole years between 2027 and 2031. List each year the value holds for, for example [2027, 2028].",
    ],
    "year_twice.yaml": [
        "R005 year_twice.yaml, line 5, payment.risk_level: two entries cover the same performance year. Found 2027. Expected at most one entry a year. Remove the year from one of the entries.",
    ],
    "years_not_a_list.yaml": [
        "R006 years_not_a_list.yaml, line 5, payment.risk_level: the years are not performance years. Found no list of years. Expected whole years between 2027 and 2031. List each year the value holds for, for example [2027, 2028].",
    ],
}


def refusal(name: str) -> list[str]:
    def load() -> None:
        if name.startswith("packaged_"):
            load_rule_book([FOLDER / name])
        else:
            rules_for(2027, overlays=[FOLDER / name])

    with pytest.raises(InputRefused) as refused:
        load()
    return [problem.as_text() for problem in refused.value.problems]


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_the_message_is_whole(name: str) -> None:
    assert refusal(name) == MESSAGES[name]


def test_every_fixture_is_pinned() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == set(MESSAGES)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        rules_for(2027, overlays=[tmp_path / "none.yaml"])
    assert [problem.kind.code for problem in refused.value.problems] == ["R001"]


def test_problems_of_all_files_come_together() -> None:
    with pytest.raises(InputRefused) as refused:
        rules_for(2027, overlays=[FOLDER / "percent_sign.yaml", FOLDER / "no_value.yaml"])
    assert [problem.file for problem in refused.value.problems] == ["percent_sign.yaml", "no_value.yaml"]
