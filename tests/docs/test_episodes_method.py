"""The worked numbers of docs/method/episodes.md are those the program computes, and its constants those in force."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from openasm.episodes.plain import Attribution, Episode, cut, scores, windows
from openasm.episodes.specifications.construction import construction_for

PAGE = (Path(__file__).parents[2] / "docs" / "method" / "episodes.md").read_text(encoding="utf-8")


def test_the_score_by_hand() -> None:
    episodes = [
        Episode("1", "P", "T", 0, 364, ratio=Fraction(8, 10)),
        Episode("2", "P", "T", 400, 799, ratio=Fraction(12, 10)),
    ]
    held = [
        Attribution("1", "T", "A", 3, 3, "attributed"),
        Attribution("2", "T", "A", 2, 4, "attributed"),
        Attribution("2", "T", "B", 2, 4, "attributed"),
    ]
    found = {each.npi: f"${float(each.dollars):,.2f}" for each in scores(episodes, held, Fraction(10_000))}
    assert found == {"": "$10,091.50", "A": "$10,091.50", "B": "$12,000.00"}
    assert f"TIN and A: 772 / 765 x $10,000 = {found['A']}. B: 1.2 x $10,000 = {found['B']}." in PAGE


def test_the_windows_of_the_page() -> None:
    heart = construction_for("heart_failure", 2027)
    [(first, last)] = windows(
        [(day, True, True) for day in (100, 150, 480, 900)],
        confirm_days=heart.confirm_days,
        window_days=heart.window_days,
    )
    assert f"The window is {first}-{last}, {last - first + 1}" in PAGE
    one, two = cut(first, last, episode_days=heart.episode_days, data_end=2_000)
    assert f"the episodes {one[0]}-{one[1]} and {two[0]}-{two[1]} ({two[1] - two[0] + 1} days)" in PAGE


@pytest.mark.parametrize(
    ("cohort", "sentence"),
    [
        ("heart_failure", "1 to {confirm_days} days later (low back pain: 60)"),
        ("heart_failure", "opens a window of {window_days} days (120)"),
        ("low_back_pain", "(heart failure 365 days, low back pain {minimum_episode_days})"),
        ("heart_failure", "fewer than `minimum_model_episodes` ({minimum_model_episodes})"),
    ],
)
def test_the_constants_of_the_page_are_in_force(cohort: str, sentence: str) -> None:
    construction = construction_for(cohort, 2027)
    wanted = sentence.format(
        confirm_days=construction.confirm_days,
        window_days=construction.window_days,
        minimum_episode_days=construction.minimum_episode_days,
        minimum_model_episodes=construction.minimum_model_episodes,
    )
    assert wanted in " ".join(PAGE.split())
