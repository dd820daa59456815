"""Switches that anybody may turn: N of them have exactly 2**N states, level k has N over k."""

from __future__ import annotations

from typing import Annotated

from kvspec.lang import Machine, Map, Model, Range, Size, Sort, action, goal, init, require

LAST = Size("LAST")


class Switch(Sort):
    """On or off."""


class Switches(Machine):
    """Every switch can be turned at any time."""

    on: Map[Switch, bool]

    @classmethod
    def instance(cls, *, N: int = 16) -> Model:
        """N switches."""
        return cls.trace(sizes={"Switch": N}, constants={})

    @init
    def all_off(self) -> None:
        "All are off."

    @action
    def turn(self, s: Switch) -> None:
        "One switch changes."
        self.on[s] = not self.on[s]

    @goal
    def all_on(self) -> bool:
        "Every switch can be on at once."
        return all(self.on[s] for s in Switch)


class Ladder(Machine):
    """One step at a time up to LAST, as deep as it has states; then it may not go on."""

    step: Annotated[int, Range(0, LAST)]

    @classmethod
    def instance(cls, *, LAST: int = 300) -> Model:
        """LAST steps."""
        return cls.trace(sizes={"LAST": LAST}, constants={})

    @init
    def bottom(self) -> None:
        "It starts at the bottom."
        self.step = 0

    @action
    def climb(self) -> None:
        "One step up."
        require("not at the top", self.step < LAST)
        self.step += 1

    @goal
    def top(self) -> bool:
        "The top can be reached."
        return self.step == LAST


class Countdown(Ladder):
    """The ladder from its top: the last state is all zeros, the first is not."""

    @init
    def bottom(self) -> None:
        "It starts at the top."
        self.step = LAST

    @action
    def climb(self) -> None:
        "One step down."
        require("not at the bottom", self.step > 0)
        self.step -= 1

    @goal
    def top(self) -> bool:
        "The bottom can be reached."
        return self.step == 0
