"""What is due next for a request, and until when. Pure. The days of error notices are a sibling model's and unconfirmed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from openasm.app.requests.models import RequestKind, RequestStep
from openasm.base.parameters import Rules
from openasm.base.years import last_day


@dataclass(frozen=True, slots=True)
class Due:
    """What is due. last: None where nothing is due any more; ours: the practice's turn rather than CMS's."""

    what: str
    last: dt.date | None
    ours: bool

    def days_left(self, today: dt.date) -> int | None:
        """Days to go; negative when the day has passed."""
        return None if self.last is None else (self.last - today).days


def next_due(kind: RequestKind, step: RequestStep, day: dt.date, *, rules: Rules) -> Due:
    """What follows on a step that happened on a day.

    >>> from openasm.regulation.rulebook import rules_for
    >>> received = dt.date(2026, 12, 20)
    >>> next_due(RequestKind.ERROR_NOTICE, RequestStep.RECEIVED, received, rules=rules_for(2027)).last.isoformat()
    '2027-02-03'
    """
    if step is RequestStep.CLOSED:
        return Due("closed", None, False)
    if kind is RequestKind.DATA_REQUEST:
        if step in (RequestStep.RECEIVED,):
            return Due("send the request with its attestation", last_day(rules.year), True)
        return Due("closed by CMS's data" if step is RequestStep.SENT else "note what came, and close", None, False)
    within = {
        RequestStep.RECEIVED: ("participation.error_notice_days", "send the notice", True),
        RequestStep.SENT: ("participation.error_notice_answer_days", "CMS answers", False),
        RequestStep.ANSWERED: (
            "participation.error_notice_reconsideration_days",
            "ask for reconsideration, or close",
            True,
        ),
    }
    if step not in within:
        return Due("CMS decides", None, False)
    name, what, ours = within[step]
    return Due(what, day + dt.timedelta(days=rules[name].integer), ours)
