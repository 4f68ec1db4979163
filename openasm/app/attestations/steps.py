"""The steps an attestation goes through, and which may follow which. A signed one is locked: only an amendment with its reason follows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Step(StrEnum):
    """What a version is. Every step makes a new version; none is changed."""

    DRAFT = "draft"  # answers saved
    REVIEW = "review"  # given to review, answers as they are
    RETURNED = "returned"  # sent back with a reason
    SIGNED = "signed"  # signed and locked
    AMENDED = "amended"  # a signed one opened again, with the reason


FOLLOWS: Mapping[Step | None, frozenset[Step]] = {
    None: frozenset({Step.DRAFT}),
    Step.DRAFT: frozenset({Step.DRAFT, Step.REVIEW}),
    Step.REVIEW: frozenset({Step.DRAFT, Step.RETURNED, Step.SIGNED}),
    Step.RETURNED: frozenset({Step.DRAFT, Step.REVIEW}),
    Step.SIGNED: frozenset({Step.AMENDED}),
    Step.AMENDED: frozenset({Step.DRAFT, Step.REVIEW}),
}
NEEDS_REASON = frozenset({Step.RETURNED, Step.AMENDED})
KEEPS_ANSWERS = frozenset({Step.REVIEW, Step.RETURNED, Step.SIGNED, Step.AMENDED})


def may_follow(before: Step | None, after: Step) -> bool:
    """Whether a step may come next.

    >>> may_follow(Step.SIGNED, Step.DRAFT), may_follow(Step.SIGNED, Step.AMENDED)
    (False, True)
    """
    return after in FOLLOWS[before]
