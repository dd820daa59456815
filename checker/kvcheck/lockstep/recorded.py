"""A run that is over, judged from what was recorded of it: events, each with what was shown.

It decides nothing that the judge does not; order and bytes of a device that is gone stay unseen.
The idea: an implementation that cannot be called from here writes pairs, and is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from kvcheck.lockstep.judge import Judge
from kvspec.events import Event, Observation, Shape


class _Record:
    """Shows what is to be shown with the present event."""

    def __init__(self, shape: Shape, seen: Observation) -> None:
        self.shape, self.seen = shape, seen

    def observe(self) -> Observation:
        return self.seen


def judge_recorded(judge: Judge, pairs: Iterable[tuple[Event, Observation]]) -> None:
    """Report every pair to the judge, in order; nothing is kept of them.

    Raises:
        Refused: the design does not allow an event, and the judge was asked to raise.
    """
    record: _Record | None = None
    for event, seen in pairs:
        if record is None:
            record = _Record(judge.design.shape, seen)
        record.seen = seen
        judge.report(event, record)
