"""The sizes and policies of one manager, checked before anything is allocated.

It decides what may be asked for; the defaults switch priorities off and set no other limit than
what the page table can name. A size of one switches a feature off: one priority, no host slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvimpl.blocks.errors import SizeError
from kvimpl.blocks.pages import INDEX_MAX
from kvspec.events import Priority, Shape

COUNT_MAX = 2**31 - 1
LOWEST = Priority(0)
BYTES_MAX = 2**62


class QueueDesign(Enum):
    "How a queued block is found again: by what it is now, or by what was noted."

    NAMED = "named"
    STORED = "stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long a request wants a block kept once it is free: `seconds` from then, or for good."""

    priority: Priority
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """Sizes and policies.

    `primary_count` device slots and `secondary_count` host slots of `slot_bytes` each. Free blocks
    of lower priority go first, 0 lowest; a block below `offload_priority_min` is not worth a copy
    to host memory. `references_max` and `pins_max` bound the counts of one block, `copies_max` the
    copies in flight of one copy stream: beyond it, content is dropped rather than waited for.

    Raises:
        SizeError: a size is zero, negative, absurd, or contradicts another.
    """

    primary_count: int
    slot_bytes: int
    secondary_count: int = 0
    priority_count: int = 1
    default_priority: Priority = LOWEST
    offload_priority_min: Priority = LOWEST
    references_max: int = COUNT_MAX
    pins_max: int = COUNT_MAX
    copies_max: int = 1024
    queues: QueueDesign = QueueDesign.NAMED

    def __post_init__(self) -> None:
        _check("primary_count", self.primary_count, 1, INDEX_MAX)
        _check("secondary_count", self.secondary_count, 0, INDEX_MAX)
        _check("slot_bytes", self.slot_bytes, 1, BYTES_MAX)
        largest = max(self.primary_count, self.secondary_count)
        _check("slot_bytes times the slots of a level", self.slot_bytes * largest, 1, BYTES_MAX)
        _check("priority_count", self.priority_count, 1, 1 << 16)
        _check("default_priority", self.default_priority, 0, self.priority_count - 1)
        _check("offload_priority_min", self.offload_priority_min, 0, self.priority_count - 1)
        _check("references_max", self.references_max, 1, COUNT_MAX)
        _check("pins_max", self.pins_max, 0, COUNT_MAX)
        _check("copies_max", self.copies_max, 1, COUNT_MAX)

    @property
    def shape(self) -> Shape:
        """What a reporter is told of the sizes."""
        return Shape(
            primary_count=self.primary_count,
            secondary_count=self.secondary_count,
            priority_count=self.priority_count,
            references_max=self.references_max,
            pins_max=self.pins_max,
            copies_max=self.copies_max,
            default_priority=self.default_priority,
            offload_priority_min=self.offload_priority_min,
        )


def check_keep(keep: Keep, priority_count: int) -> None:
    """Raises: SizeError if the priority does not exist or the time is negative or no number."""
    _check("priority", keep.priority, 0, priority_count - 1)
    if keep.seconds is not None and not 0 <= keep.seconds < float("inf"):
        raise SizeError(
            f"A block is to be kept for {keep.seconds} seconds.",
            cause="The time was computed from two clocks, or 'for good' was written as infinity.",
            mend="Pass seconds >= 0, or None to keep it for good.",
        )


def _check(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SizeError(
            f"{name} is {value!r}.",
            cause="It was computed from another setting, or from memory that is not there.",
            mend=f"Set {name} to an int from {least} to {most}.",
        )
