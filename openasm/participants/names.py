"""Names of people and practices as they are compared: accents, case, punctuation, suffixes and legal forms folded away."""

from __future__ import annotations

import re
import unicodedata

_PUNCTUATION = re.compile(r"[^\w\s]|_")
_SPACES = re.compile(r"\s+")
PERSON_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "md", "do", "phd", "mbbs", "dr", "facc", "faans", "faapmr"})
LEGAL_FORMS = frozenset({"pa", "pc", "pllc", "llc", "llp", "inc", "ltd", "corp", "corporation", "co", "lp", "plc"})
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})


def folded(text: str) -> str:
    """Lower case, no accents, no punctuation, single spaces. Folding twice changes nothing.

    >>> folded("  José  O'FIR-TEST, Jr. ")
    'jose ofir test jr'
    """
    if text.isascii():  # nearly every name of the list, and nothing of it to decompose
        plain = text.lower()
    else:
        # Signs such as an A in a circle come apart into capitals, so case is folded after that.
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS))
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = plain.replace("'", "").replace("’", "").replace(".", "")
    return _SPACES.sub(" ", _PUNCTUATION.sub(" ", plain)).strip()


def person_words(name: str) -> tuple[str, ...]:
    """The words of a person's name without titles and suffixes, in the order written.

    >>> person_words("Dr. José O'Fir-Test, MD")
    ('jose', 'ofir', 'test')
    """
    words = folded(name).split()
    kept = tuple(word for word in words if word not in PERSON_SUFFIXES)
    return kept or tuple(words)


def organization_words(name: str) -> tuple[str, ...]:
    """The words of a practice's name without its legal form.

    >>> organization_words("SYNTHETIC HEART GROUP, P.L.L.C.")
    ('synthetic', 'heart', 'group')
    """
    words = folded(name).split()
    kept = tuple(word for word in words if word not in LEGAL_FORMS)
    return kept or tuple(words)
