"""A refusal as data and as text: what was wanted, what disagrees, and what would have been allowed.

It decides wording only; `frontier` finds what is worded here. The idea: whoever meets a refusal
asks three questions in this order: which line of mine, what did the design have instead, and which
guard stood in the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from kvcheck.trace.record import SourceLine
from kvimpl.shared.steps import SharedStep
from kvspec.events import CopyId, Event, Stream
from kvspec.staging_events import StagingEvent


@dataclass(frozen=True, slots=True)
class Completed:
    "A copy is complete: the device says so, not the manager."

    copy: CopyId
    stream: Stream


Told: TypeAlias = Event | StagingEvent | SharedStep | Completed


class Reason(Enum):
    """Why the judge refuses, in the order in which it looks."""

    OUTSIDE = "an argument is outside the instance"
    DISABLED = "the design does not allow this step here"
    ASSERTION = "the design calls this step an error here"
    TOLD = "the event tells another result than the design's"
    GUARD = "the guard that was named is not the first that is false"
    PART = "a line inside the step is wrong"
    SHOWN = "the state that is shown is not the design's"
    DEVICE = "the device does not bear the step out"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A cell of a field with the value that was shown, or told, and the design's."""

    field: str
    cell: str
    shown: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Conjunct:
    """The first condition of an action that is false, with the values that it was decided by."""

    label: str
    failing: str
    instance: str
    values: tuple[tuple[str, str], ...]
    source: SourceLine | None


@dataclass(frozen=True, slots=True)
class Nearest:
    """An action of the design at the last good state, with the arguments nearest to the event's.

    Permitted: `cell_count` cells of what is shown disagree with the state that it would give.
    Otherwise `conjunct` is what stood in the way.
    """

    action: str
    arguments: tuple[tuple[str, str], ...]
    cell_count: int | None
    conjunct: Conjunct | None

    @property
    def is_permitted(self) -> bool:
        return self.conjunct is None

    @property
    def call(self) -> str:
        """The action as it is called."""
        return f"{self.action}({', '.join(value for _, value in self.arguments)})"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a judge refuses and why.

    `number` counts the events from 1; all was well up to and with `last_good`, 0 if nothing was.
    `wanted` is the event's own action, or the line inside it, with the condition that is false, if
    that is why; `recent` are the last events, this one last; `reported_at` is the line of the
    implementation that reported it.
    """

    number: int
    event: Told
    reason: Reason
    wanted: Nearest | None
    disagreements: tuple[Disagreement, ...]
    frontier: tuple[Nearest, ...]
    last_good: int
    recent: tuple[tuple[int, Told], ...]
    reported_at: SourceLine | None

    @property
    def conjunct(self) -> Conjunct | None:
        """The condition that stood in the way of what was wanted."""
        return None if self.wanted is None else self.wanted.conjunct


class Refused(Exception):
    """The implementation took a step that its design does not have."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(text_of(refusal))
        self.refusal = refusal


def text_of(refusal: Refusal) -> str:
    """The refusal in lines, most telling first."""
    lines = [f"Event {refusal.number}, {refusal.event}: {refusal.reason.value}."]
    if refusal.reported_at is not None:
        at = refusal.reported_at
        lines.append(f"  reported at {at.file}:{at.line}: {at.text}")
    lines.append(f"  all was well up to event {refusal.last_good}")
    for d in refusal.disagreements:
        lines.append(f"  {d.cell}: the implementation has {d.shown}, the design {d.wanted}")
    if refusal.wanted is not None and refusal.wanted.conjunct is not None:
        lines.append(f"  wanted: {refusal.wanted.call}")
        lines += _conjunct_lines(refusal.wanted.conjunct)
    if refusal.frontier:
        lines.append("  the design at the last good state:")
    for near in refusal.frontier:
        if near.conjunct is None:
            cells = "1 cell" if near.cell_count == 1 else f"{near.cell_count} cells"
            lines.append(f"    allows {near.call}, {cells} from what is shown")
        else:
            lines.append(f"    forbids {near.call}: {near.conjunct.label}")
    return "\n".join(lines)


def _conjunct_lines(conjunct: Conjunct) -> list[str]:
    lines = [f"    false: {conjunct.label}"]
    if conjunct.failing:
        lines.append(f"    since not: {conjunct.failing}, here {conjunct.instance}")
    lines += [f"    {name} = {value}" for name, value in conjunct.values]
    if conjunct.source is not None:
        lines.append(f"    {conjunct.source.file}:{conjunct.source.line}: {conjunct.source.text}")
    return lines
