"""Participation, incentives, published benchmarks, and exact fractions in bulk."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from openasm.base.errors import NotFound
from openasm.base.years import PERFORMANCE_YEARS
from openasm.base.years import data_year as base_data_year
from openasm.base.years import payment_year as base_payment_year
from openasm.base.years import submission_deadline as base_deadline
from openasm.regulation import incentives, participation, published
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for

RULES = rules_for(2027)


def test_years_agree_with_the_base_words():
    assert participation.performance_years(RULES) == PERFORMANCE_YEARS
    for year in PERFORMANCE_YEARS:
        rules = rules_for(year, assume_year=2027)
        assert participation.payment_year(rules) == base_payment_year(year)
        assert participation.data_year(rules) == base_data_year(year)
        assert participation.submission_deadline(rules) == base_deadline(year)


def test_specialties():
    assert participation.specialty_names("heart_failure", RULES) == ("cardiology",)
    assert participation.specialty_codes("low_back_pain", RULES) == ("05", "09", "14", "20", "25", "72")
    assert len(participation.specialty_names("low_back_pain", RULES)) == 6
    with pytest.raises(NotFound):
        participation.specialty_codes("knees", RULES)


def test_most_common_codes_and_ties():
    assert participation.specialty_of(["06"], RULES) == participation.MostCommon("06", 1, False)
    assert participation.specialty_of(["20", "06", "20"], RULES) == participation.MostCommon("20", 2, False)
    assert participation.area_of(["33333", "11111", "22222", "11111", "33333"], RULES) == participation.MostCommon(
        "11111", 2, True
    )
    with pytest.raises(NotFound):
        participation.area_of([], RULES)


def test_area_unit_and_threshold():
    cbsa = RULES.with_value("participation.area_unit", "cbsa", citation="what if")
    assert participation.episode_area("35620", "35614", RULES) == "35614"
    assert participation.episode_area("35620", "35614", cbsa) == "35620"
    assert [participation.enough_episodes(count, RULES) for count in (19, 20, 21)] == [False, True, True]
    assert participation.participant_key(RULES) == ("tin", "npi")
    assert not participation.final_list_may_add(RULES)
    assert participation.needs_own_email(RULES)


GIVEN = [(dt.date(2027, 5, 1), 60_000), (dt.date(2028, 5, 1), 50_000)]


def test_the_incentive_cap_for_life_and_for_a_year():
    for_life = incentives.incentive_totals(GIVEN, year=2028, rules=RULES)
    assert (for_life.lifetime_cents, for_life.year_cents, for_life.remaining_cents, for_life.over_cap) == (
        110_000,
        50_000,
        0,
        True,
    )
    annual = RULES.with_value("incentives.cap_period", "annual", citation="what if")
    of_year = incentives.incentive_totals(GIVEN, year=2028, rules=annual)
    assert (of_year.lifetime_cents, of_year.remaining_cents, of_year.over_cap) == (110_000, 50_000, False)
    exactly = incentives.incentive_totals([(dt.date(2027, 1, 1), 100_000)], year=2027, rules=RULES)
    assert (exactly.remaining_cents, exactly.over_cap) == (0, False)


def test_other_incentive_rules():
    assert incentives.must_be_in_kind(RULES)
    assert [incentives.stays_participants_property(cents, RULES) for cents in (7500, 7501)] == [False, True]
    assert incentives.documentation_kept_until(dt.date(2027, 5, 1), RULES) == dt.date(2033, 5, 1)
    assert incentives.documentation_kept_until(dt.date(2028, 2, 29), RULES) == dt.date(2034, 2, 28)
    assert incentives.telehealth_limits_waived(RULES) == ("geographic", "originating_site")
    assert [incentives.data_requests_missing(made, RULES) for made in (0, 1, 2)] == [1, 0, 0]


def test_arrangements():
    terms = dict.fromkeys(RULES["incentives.arrangement_terms"].texts, True)
    assert incentives.missing_arrangement_terms(terms, RULES) == ()
    lacking = {**terms, "voluntary": False}
    del lacking["purpose"]
    assert incentives.missing_arrangement_terms(lacking, RULES) == ("purpose", "voluntary")
    assert incentives.arrangement_payments_within_limit(500, [300, 200], RULES)
    assert not incentives.arrangement_payments_within_limit(501, [300, 200], RULES)
    assert incentives.arrangement_payments_within_limit(0, [-300], RULES)
    assert not incentives.arrangement_payments_within_limit(1, [-300], RULES)


def test_published_benchmarks_are_whole_and_in_order():
    measures = RULES["quality.collection_types"].table
    for measure, collection_types in measures.items():
        benchmarks = published.published_quality_benchmarks(measure, RULES)
        assert {each.collection_type for each in benchmarks} == set(collection_types)
        for each in benchmarks:
            assert len(each.deciles) == 9
            assert list(each.deciles) == sorted(each.deciles)
            assert each.mock == (measure == "492" and each.year == 2026)
    assert len(published.published_quality_benchmarks("377", RULES)) == 3


def test_published_benchmarks_equal_the_material_beside_the_project():
    folder = Path(__file__).parents[2] / ".." / "shared" / "data" / "benchmarks"
    if not folder.is_dir():
        pytest.skip("CMS's benchmark files are not beside the project")
    import csv

    names = {"ecqm": "eCQM", "cqm": "CQM", "claims": "administrativeClaims"}
    with (folder / "quality_benchmarks.csv").open(encoding="utf-8") as stream:
        theirs = {
            (row["measure_id"], row["collection_type"], row["performance_year"]): row for row in csv.DictReader(stream)
        }
    count = 0
    for measure in RULES["quality.collection_types"].table:
        for each in published.published_quality_benchmarks(measure, RULES):
            row = theirs[measure, names[each.collection_type], str(each.year)]
            assert [Fraction(row[f"p{place}0"]) for place in range(1, 10)] == list(each.deciles)
            assert (Fraction(row["average"]), Fraction(row["p1"]), Fraction(row["p99"])) == (
                each.average,
                each.p1,
                each.p99,
            )
            assert (row["mock"] == "true", row["scale"]) == (each.mock, each.scale)
            count += 1
    assert count == 59


def test_published_benchmarks_that_do_not_exist():
    assert published.published_quality_benchmark("134", "cqm", 2026, RULES).average == Fraction("85.58")
    assert published.published_cost_mean("COST_HF_1", 2024, RULES) == Fraction("14028.5")
    for call in (
        lambda: published.published_cost_mean("COST_HF_1", 2023, RULES),
        lambda: published.published_quality_benchmark("377", "ecqm", 2023, RULES),
        lambda: published.published_quality_benchmarks("001", RULES),
    ):
        with pytest.raises(NotFound):
            call()


def test_ratios_whose_floats_are_equal_are_told_apart():
    near = Fraction(1, 3) + Fraction(1, 10**30)
    ratios = Ratios.of_fractions([near, Fraction(1, 3), None, near])
    distinct = ratios.distinct()
    assert distinct.group.tolist() == [1, 0, -1, 1]
    assert distinct.count.tolist() == [1, 2]
    assert ratios.at_least(near).tolist() == [True, False, False, True]
    assert ratios.median() == near
    assert ratios.value.tolist() == pytest.approx([1 / 3, 1 / 3, np.nan, 1 / 3], nan_ok=True)


def test_ratios_beyond_64_bits():
    ratios = Ratios.of_fractions([Fraction(10**40, 3), Fraction(1, 10**40), Fraction(-1, 7)])
    assert ratios.value.tolist() == [float(Fraction(10**40, 3)), 1e-40, -1 / 7]
    assert ratios.distinct().group.tolist() == [2, 1, 0]
    assert ratios.centered().mean == (Fraction(10**40, 3) + Fraction(1, 10**40) - Fraction(1, 7)) / 3


def test_counts_of_the_same_ratio_are_one_value():
    ratios = Ratios.of_counts(np.array([1, 2, 50, 3]), np.array([2, 4, 100, 0]))
    assert ratios.distinct().count.tolist() == [3]
    assert ratios.present.tolist() == [True, True, True, False]
    assert len(ratios) == 4


def test_quantiles_and_spread():
    ratios = Ratios.of_fractions([3, 1, 2, 10])
    ordered = ratios.order_statistics()
    assert [ordered.quantile(Fraction(each, 4)) for each in range(5)] == [
        1,
        Fraction(7, 4),
        Fraction(5, 2),
        Fraction(19, 4),
        10,
    ]
    centered = ratios.centered()
    assert (centered.mean, centered.variance(), centered.variance(0)) == (4, Fraction(50, 3), Fraction(50, 4))
    assert centered.difference.tolist() == [-1, -3, -2, 6]
    assert Ratios.of_fractions([5]).centered().variance() == 0
    assert len(Ratios.of_fractions([]).order_statistics()) == 0
