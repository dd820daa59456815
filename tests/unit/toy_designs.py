"""Tiny designs for the command line's tests, each with one ending that is known beforehand."""

from __future__ import annotations

from typing import Annotated

from kvspec.bugs import Bug
from kvspec.lang import (
    Machine,
    Map,
    Model,
    Range,
    Size,
    Sort,
    Strength,
    action,
    init,
    invariant,
    require,
)

TOP = Size("TOP")
Level = Annotated[int, Range(0, TOP)]


class Cup(Sort):
    "Something that is filled and emptied."


class Cups(Machine):
    "Cups are filled and emptied one step at a time, and the total is kept beside them."

    level: Map[Cup, Level]
    is_used: bool

    @classmethod
    def instance(cls, *, C: int = 2, N: int = 2) -> Model:
        return cls.trace(sizes={"Cup": C, "TOP": N})

    @init
    def empty(self) -> None:
        "Every cup is empty."
        self.is_used = False

    @action
    def fill(self, c: Cup) -> None:
        "One cup gets one unit more."
        require("there is room", self.level[c] < TOP)
        self.level[c] += 1
        self.is_used = True

    @action
    def drain(self, c: Cup) -> None:
        "One cup gets one unit less."
        require("there is something", self.level[c] > 0)
        self.level[c] -= 1

    @invariant(id="TOY-1", why="a toy")
    def full_means_used(self) -> bool:
        "A cup that holds something was filled."
        return all(self.level[c] == 0 or self.is_used for c in Cup)


class Overfull(Cups):
    "The room is not looked at."

    @action
    def fill(self, c: Cup) -> None:
        "One cup gets one unit more, room or not."
        self.level[c] += 1
        self.is_used = True


class Forgetful(Cups):
    "The first unit is not noted."

    @action
    def fill(self, c: Cup) -> None:
        "One cup gets one unit more."
        require("there is room", self.level[c] < TOP)
        self.level[c] += 1


class OneWay(Cups):
    "Nothing is ever emptied, so that a full design is stuck."

    @action
    def drain(self, c: Cup) -> None:
        "Never."
        require("never", self.level[c] > TOP)
        self.level[c] -= 1


class OneAtATime(Cups):
    "One cup is in use; with a single cup, as here, that says nothing."

    @classmethod
    def instance(cls, *, C: int = 1, N: int = 1) -> Model:
        return cls.trace(sizes={"Cup": C, "TOP": N})

    @action
    def fill(self, c: Cup) -> None:
        "The one cup in use gets one unit more."
        require("no other is in use", all(d == c or self.level[d] == 0 for d in Cup))
        super().fill(c)

    @invariant(id="TOY-3", why="a toy")
    def one_in_use(self) -> bool:
        "At most one cup holds something."
        return all(a == b or self.level[a] == 0 or self.level[b] == 0 for a in Cup for b in Cup)


class Hollow(Cups):
    "An invariant that the types alone imply, at any size."

    @invariant(id="TOY-4", why="a toy")
    def within_the_range(self) -> bool:
        "No cup holds more than its range allows."
        return all(self.level[c] <= TOP for c in Cup)


class Blinking(Machine):
    "A lamp goes through three colours; that it is never broken needs two steps to see."

    colour: Annotated[int, Range(0, 3)]

    @classmethod
    def instance(cls, *, N: int = 1) -> Model:
        return cls.trace(sizes={"TOP": N})

    @init
    def off(self) -> None:
        "Off."
        self.colour = 0

    @action
    def turn(self) -> None:
        "From colour 0 to 1 and back; from 2, where it never is, to 3."
        require("not broken", self.colour < 3)
        if self.colour == 0:
            self.colour = 1
        elif self.colour == 1:
            self.colour = 0
        else:
            self.colour = 3

    @invariant(id="TOY-2", why="a toy", strength=Strength.STATED_SIZE)
    def never_broken(self) -> bool:
        "The lamp never comes to colour 3."
        return self.colour != 3


MACHINES: dict[str, type[Machine]] = {
    "cups": Cups,
    "overfull": Overfull,
    "forgetful": Forgetful,
    "oneway": OneWay,
    "blinking": Blinking,
    "one-at-a-time": OneAtATime,
    "hollow": Hollow,
}


def bug(name: str, machine: type[Machine], *breaks: str, killed_by: tuple[str, ...]) -> Bug:
    """A known bug among the toys."""
    return Bug(
        id=name,
        row="T1",
        design="cups",
        machine=machine,
        source="nowhere",
        sentence=f"{machine.__doc__}",
        breaks=breaks,
        sizes={"C": 1, "N": 1},
        killed_by=killed_by,
    )


BUGS = {
    found.id: found
    for found in (
        bug("t1-overfull", Overfull, "fill", killed_by=("explicit", "induction")),
        bug("t1-forgetful", Forgetful, "full_means_used", killed_by=("explicit",)),
    )
}
