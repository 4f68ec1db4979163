"""How far a run is, and about how long it will take yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from openasm.runs.chain.stage_graph import Step


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. place, of: the stage and how many there are; left: seconds, None where nothing is known; detail: what it is at."""

    title: str
    place: int
    of: int
    reused: bool
    left: float | None
    detail: str = ""


class Watch:
    """Tells how far a run is: seconds of the last time where known, else shares of what the stages usually weigh."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell = tell
        self._began = time.perf_counter()
        self._now: Progress | None = None
        self._left: dict[str, float] = {}
        self._known: dict[str, float] = {}
        self._weight_done = 0.0
        self._order: list[str] = []
        self._since = self._began

    def expect(self, steps: Sequence[Step]) -> None:
        """What is to be done."""
        self._order = [step.stage.name for step in steps]
        self._left = {step.stage.name: step.stage.weight for step in steps if step.entry is None}
        self._known = {step.stage.name: step.seconds for step in steps if step.seconds}

    def begin(self, step: Step) -> None:
        """A stage begins."""
        name = step.stage.name
        place = self._order.index(name) + 1
        self._since = time.perf_counter()
        if step.entry is not None:
            self._left.pop(name, None)
        self._now = Progress(step.stage.title, place, len(self._order), step.entry is not None, self._seconds_left())
        self._tell(self._now)

    def step(self, detail: str) -> None:
        """What the stage is at."""
        if self._now is not None:
            self._tell(replace(self._now, detail=detail, left=self._seconds_left()))

    def end(self, step: Step) -> None:
        """A stage is done."""
        self._weight_done += self._left.pop(step.stage.name, 0.0)

    def _seconds_left(self) -> float | None:
        """About how long it will take yet."""
        pace = (self._since - self._began) / self._weight_done if self._weight_done else None
        parts = [self._known.get(name, None if pace is None else pace * weight) for name, weight in self._left.items()]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return max(0.0, sum(known) - (time.perf_counter() - self._since))
