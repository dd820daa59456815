"""A bounded buffer of marked items, filled and emptied in order: its states can be counted by hand.

With capacity C and M marks there are M**0 + ... + M**C contents.
"""

from __future__ import annotations

from typing import Annotated

from kvspec.lang import (
    Capacity,
    Fifo,
    Machine,
    Model,
    Range,
    Size,
    Sort,
    action,
    goal,
    init,
    require,
)

PLACES = Size("PLACES")
MOST = Size("MOST")


class Mark(Sort):
    """What an item is known by."""


class Buffer(Machine):
    """Items go in at one end and out at the other."""

    items: Annotated[Fifo[Mark], Capacity(PLACES)]
    passed: Annotated[int, Range(0, MOST)]

    @classmethod
    def instance(cls, *, MARKS: int = 3, PLACES: int = 4, MOST: int = 0) -> Model:
        """MARKS kinds of items, PLACES of room; `passed` counts to MOST, 0 for not at all."""
        return cls.trace(sizes={"Mark": MARKS, "PLACES": PLACES, "MOST": MOST}, constants={})

    @init
    def empty(self) -> None:
        "Nothing is in it."

    @action
    def put(self, m: Mark) -> None:
        "An item goes in where there is room."
        require("room", len(self.items) < PLACES)
        self.items.push(m)

    @action
    def take(self) -> None:
        "The oldest item goes out."
        require("an item", self.items)
        self.items.pop()
        if self.passed < MOST:
            self.passed += 1

    @goal
    def full(self) -> bool:
        "The buffer can be full."
        return len(self.items) == PLACES


class Overflowing(Buffer):
    """Puts without looking."""

    @action
    def put(self, m: Mark) -> None:
        "An item goes in."
        self.items.push(m)


class Stuck(Buffer):
    """Its guard is written the wrong way round, so that nothing ever goes in."""

    @action
    def put(self, m: Mark) -> None:
        "An item goes in where there is already one."
        require("an item", len(self.items) > 0)
        require("room", len(self.items) < PLACES)
        self.items.push(m)
