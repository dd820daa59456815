"""Known answers for liveness: who must be fair for a waiter to be served."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from kvspec.lang import (
    Machine,
    Map,
    Model,
    Sort,
    action,
    eventually,
    init,
    require,
    thread,
)

WHY = "a toy whose answer is known"


class Light(Enum):
    """A traffic light."""

    RED = 0
    GREEN = 1


class Crossing(Machine):
    """A light changes; a car waits and goes on green; the light may change for ever meanwhile."""

    light: Light
    waits: bool

    @classmethod
    def instance(cls) -> Model:
        """There is one size."""
        return cls.trace(sizes={})

    @init
    def red(self) -> None:
        "Red, and nobody there."

    @action
    def arrive(self) -> None:
        "A car comes."
        require("nobody waits", not self.waits)
        self.waits = True

    @action
    def change(self) -> None:
        "The light changes."
        self.light = Light.GREEN if self.light == Light.RED else Light.RED

    @action
    def go(self) -> None:
        "The car goes."
        require("it waits", self.waits)
        require("green", self.light == Light.GREEN)
        self.waits = False

    @eventually(id="TOY-L1", why=WHY, strong=("go",), weak=("change",))
    def served(self) -> bool:
        "A car that waits goes, if it takes a green light that comes again and again."
        require("it waits", self.waits)
        return not self.waits


class WeakCrossing(Crossing):
    """Being enabled again and again is not being enabled for ever: the car may miss every green."""

    @eventually(id="TOY-L1", why=WHY, weak=("go", "change"))
    def served(self) -> bool:
        "A car that waits goes, if it takes a green light that stays."
        require("it waits", self.waits)
        return not self.waits


class StuckCrossing(Crossing):
    """Nobody owes a change of the light."""

    @eventually(id="TOY-L1", why=WHY, strong=("go",))
    def served(self) -> bool:
        "A car that waits goes, though the light need not change."
        require("it waits", self.waits)
        return not self.waits


class EmptyCrossing(Crossing):
    """A promise that is never made."""

    @eventually(id="TOY-L1", why=WHY)
    def served(self) -> bool:
        "A car that waits on green and red at once goes."
        require("red", self.light == Light.RED)
        require("green", self.light == Light.GREEN)
        return not self.waits


class Client(Sort):
    """Wants the lock now and then."""


class Lock(Machine):
    """Clients take one lock in turn: each thread asks, enters when it is free, and leaves."""

    taken: bool
    wants: Map[Client, bool]

    @classmethod
    def instance(cls, *, C: int = 2) -> Model:
        """C clients."""
        return cls.trace(sizes={"Client": C})

    @init
    def free(self) -> None:
        "Nobody has it."

    @thread
    def client(self, c: Client) -> Iterator[str]:
        "Asks, waits, holds, gives back, and again."
        while True:
            self.wants[c] = True
            yield "waits"
            require("free", not self.taken)
            self.taken = True
            self.wants[c] = False
            yield "holds"
            self.taken = False
            yield "rests"

    @eventually(id="TOY-L2", why=WHY, strong=("client",))
    def everybody_gets_it(self, c: Client) -> bool:
        "A client that waits has the lock in the end, if it takes one of the chances it gets."
        require("it wants", self.wants[c])
        return not self.wants[c]


class WeakLock(Lock):
    """Weak fairness lets the other always be quicker."""

    @eventually(id="TOY-L2", why=WHY, weak=("client",))
    def everybody_gets_it(self, c: Client) -> bool:
        "A client that waits has the lock in the end."
        require("it wants", self.wants[c])
        return not self.wants[c]


class ForgottenLock(Lock):
    """One may keep the lock for ever: it stands before a step that is never enabled."""

    @thread
    def client(self, c: Client) -> Iterator[str]:
        "Does not give back what it got."
        while True:
            self.wants[c] = True
            yield "waits"
            require("free", not self.taken)
            self.taken = True
            self.wants[c] = False
            yield "holds"
            require("never", not self.taken)
            yield "rests"
