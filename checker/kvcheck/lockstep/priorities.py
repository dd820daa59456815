"""Which of the retention design's priorities are a manager's own.

It decides which settings of priorities can be judged. The idea: the design has one priority below
the default, which is not worth a copy, and one above; a manager's priorities are some of these in a
row, so that its number p is the design's `lowest + p`. Of other settings the design says nothing,
and a judge that took one for another would refuse a right manager.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kvcheck.lockstep.tiers import Rows, UnjudgeableShape
from kvspec.events import Shape
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Local
from kvspec.lang.types import EnumType
from kvspec.models.retention import Priority

WIDTH = len(Priority)


@dataclass(frozen=True, slots=True)
class Span:
    """The `count` priorities of the design that a manager has, from `lowest` up."""

    lowest: int
    count: int

    def asked(self, chosen: Arguments) -> Arguments | None:
        """The manager's priority and time in the design; None if it has no such priority."""
        priority, timed = chosen
        return (self.lowest + priority, timed) if 0 <= priority < self.count else None

    def parameter(self, own: Local) -> Local:
        """A parameter of the design's action, of which a priority has the manager's numbers."""
        if not isinstance(own.type, EnumType):
            return own
        members = own.type.members[self.lowest : self.lowest + self.count]
        return replace(own, type=EnumType(own.type.name, members))

    def queues(self, rows: Rows) -> tuple[Rows, ...]:
        """The design's queues as the manager shows them: by level, then by its own priorities."""
        return tuple(
            [
                rows[level + self.lowest : level + self.lowest + self.count]
                for level in range(0, len(rows), WIDTH)
            ]
        )

    def priorities(self, rows: Rows) -> Rows:
        """The priorities of blocks in the manager's numbers."""
        return tuple([row - self.lowest for row in rows])  # type: ignore[operator]  # they are ints


def span_of(shape: Shape) -> Span:
    """Where a manager's priorities lie among the design's.

    Raises:
        UnjudgeableShape: the design has no such priorities.
    """
    span = Span(Priority.DEFAULT.value - shape.default_priority, shape.priority_count)
    fits = span.lowest >= 0 and span.lowest + span.count <= WIDTH
    if not fits or shape.offload_priority_min != shape.default_priority:
        raise UnjudgeableShape(
            f"The manager has priority_count={shape.priority_count}, default_priority="
            f"{shape.default_priority} and offload_priority_min={shape.offload_priority_min}. The"
            " retention design has one priority below the default, which is not worth a copy, and"
            f" one above. Judge it with priority_count={WIDTH}, default_priority=1 and"
            " offload_priority_min=1, or with priority_count=1."
        )
    return span
