"""What the window cells of the service assignment sheets mean: days relative to the episode's first day.

Which words CMS's sheet holds is not known. Understood are those of the parameter `window_words`, where a user can add others,
and "N days after" or "N days before" with or without "the episode's start" or "trigger". An episode has no other first
day: of the later episodes of a window, "trigger" too means the day the episode starts (evidence status `assumed`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from openasm.base.parameters import RuleValue
from openasm.base.problems import Problems, declare, shown
from openasm.episodes.specifications.codes_list import WHOLE_EPISODE, Window
from openasm.episodes.specifications.workbook import normalised

WINDOW_MEANS_NOTHING = declare(
    "E031",
    "`window_words` gives a word a meaning that is no window",
    expected="`episode`, or first_day and last_day as whole days from the episode's first day, the first not after the last",
    next_step="Write it as {first_day: 0, last_day: 30}; a negative day lies before the episode.",
)

_DAYS = re.compile(
    r"(?:within )?(\d{1,4}) days? (after|following|from|before|prior to)"
    r"(?: the)?(?: episode(?:['\u2019]?s)?)?(?: start(?: date)?| trigger(?: date)?| first day)?"
)


def windows_by_word(table: Mapping[str, RuleValue], problems: Problems) -> dict[str, Window]:
    """The words of the parameter and their windows; a meaning that is none is a problem."""
    found: dict[str, Window] = {}
    for word, value in table.items():
        window = _meaning(value)
        if window is None:
            problems.add(WINDOW_MEANS_NOTHING, "--spec", column="window_words", found=shown(word))
        else:
            found[normalised(word)] = window
    return found


def window_of(text: str, by_word: Mapping[str, Window]) -> Window | None:
    """The window of a cell, None when it is not understood; an empty cell is the whole episode.

    >>> window_of("30 days after trigger", {}), window_of("Within 7 days before the episode start", {})
    (Window(first_day=0, last_day=30), Window(first_day=-7, last_day=-1))
    >>> window_of("sometimes", {}) is None
    True
    """
    word = normalised(text)
    if not word:
        return WHOLE_EPISODE
    if word in by_word:
        return by_word[word]
    days = _DAYS.fullmatch(word)
    if days is None:
        return None
    number = int(days[1])
    if days[2] in ("before", "prior to"):
        return Window(-number, -1) if number else None
    return Window(0, number)


def _meaning(value: RuleValue) -> Window | None:
    if value == "episode":
        return WHOLE_EPISODE
    if not isinstance(value, Mapping) or set(value) != {"first_day", "last_day"}:
        return None
    first, last = _whole(value["first_day"]), _whole(value["last_day"])
    return Window(first, last) if first is not None and last is not None and first <= last else None


def _whole(value: RuleValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | Fraction) or value != int(value):
        return None
    return int(value)
