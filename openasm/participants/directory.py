"""Search of the participant list: by NPI, by name (misspelt too), by practice, by state.

A name is compared word by word: every word asked for must be close to a word of the name, in any order, so swapped, missing
and misspelt words are found. Closeness counts slips (a letter added, lost, changed, or two swapped); short words allow fewer slips. Answers come
best first and say how close they are; ties are ordered by name and NPI.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openasm.participants.names import folded, organization_words, person_words
from openasm.participants.participant_list import ListedClinician, ParticipantList


@dataclass(frozen=True, slots=True)
class Match:
    """A row of the list and how close it is to what was asked (1: the same words)."""

    clinician: ListedClinician
    closeness: float


@dataclass(frozen=True)
class _WordIndex:
    """Which rows hold which word."""

    vocabulary: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    prefixes: dict[str, tuple[int, ...]] = field(repr=False)

    @classmethod
    def of(cls, words_of_rows: Iterable[Sequence[str]]) -> _WordIndex:
        holding: dict[str, list[int]] = defaultdict(list)
        for row, words in enumerate(words_of_rows):
            for word in dict.fromkeys(words):
                holding[word].append(row)
        vocabulary = tuple(sorted(holding))
        prefixes: dict[str, list[int]] = defaultdict(list)
        for place, word in enumerate(vocabulary):
            for length in range(2, len(word)):
                prefixes[word[:length]].append(place)
        return cls(
            vocabulary,
            tuple(tuple(holding[word]) for word in vocabulary),
            {prefix: tuple(places) for prefix, places in prefixes.items()},
        )

    def close_to(self, word: str) -> dict[int, float]:
        """Rows with a word close to `word`, and how close."""
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        scores: dict[int, float] = {}

        def note(place: int, closeness: float) -> None:
            for row in self.rows[place]:
                if closeness > scores.get(row, 0.0):
                    scores[row] = closeness

        for place in self.prefixes.get(word, ()):
            note(place, 0.9)  # the beginning of a longer word, as one types it
        slips = 0 if len(word) <= 3 else 1 if len(word) <= 6 else 2
        found = extract(word, self.vocabulary, scorer=OSA.distance, score_cutoff=slips, limit=None)
        for other, distance, place in found:
            note(place, 1.0 - distance / max(len(word), len(other)))
        return scores


class Directory:
    """A searchable participant list. Building it takes some tens of milliseconds; a look-up a few."""

    def __init__(self, listed: ParticipantList) -> None:
        self.listed = listed
        self._by_npi: dict[str, list[ListedClinician]] = defaultdict(list)
        for clinician in listed.clinicians:
            self._by_npi[clinician.npi].append(clinician)
        self._people = _WordIndex.of([_with_joined(person_words(each.name)) for each in listed.clinicians])
        self._practices = _WordIndex.of([organization_words(each.organization) for each in listed.clinicians])

    def by_npi(self, npi: str) -> tuple[ListedClinician, ...]:
        """Every row of an NPI; empty when it is not on the list."""
        return tuple(self._by_npi.get(npi, ()))

    def by_name(self, name: str, *, limit: int = 20) -> tuple[Match, ...]:
        """Rows whose person's name is close to `name`."""
        return self._search(self._people, person_words(name), limit)

    def by_organization(self, name: str, *, limit: int = 200) -> tuple[Match, ...]:
        """Rows whose practice's name is close to `name`."""
        return self._search(self._practices, organization_words(name), limit)

    def by_state(self, state: str) -> tuple[ListedClinician, ...]:
        """Every row of a state (two letters)."""
        wanted = folded(state)
        return tuple(each for each in self.listed.clinicians if folded(each.state) == wanted)

    def _search(self, index: _WordIndex, words: Sequence[str], limit: int) -> tuple[Match, ...]:
        if not words:
            return ()
        totals: dict[int, float] | None = None
        for word in dict.fromkeys(words):
            close = index.close_to(word)
            totals = (
                close if totals is None else {row: totals[row] + close[row] for row in totals.keys() & close.keys()}
            )
            if not totals:
                return ()
        count = len(dict.fromkeys(words))
        clinicians = self.listed.clinicians
        matches = [Match(clinicians[row], total / count) for row, total in (totals or {}).items()]
        matches.sort(
            key=lambda each: (
                -round(each.closeness, 6),
                each.clinician.name,
                each.clinician.npi,
                each.clinician.cohort,
                each.clinician.organization,
                each.clinician.state,
            )
        )
        return tuple(matches[:limit])


def _with_joined(words: Sequence[str]) -> tuple[str, ...]:
    """The words, and neighbours written as one (`van hazel` is also asked for as `vanhazel`)."""
    return (*words, *(first + second for first, second in itertools.pairwise(words)))
