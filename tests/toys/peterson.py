"""Peterson's mutual exclusion of two processes, and the same without waiting for one's turn."""

from __future__ import annotations

from enum import Enum

from kvspec.lang import Machine, Map, Model, action, goal, init, invariant, require


class Process(Enum):
    """The two of them; not a sort, since `turn` starts at one of them."""

    LEFT = 0
    RIGHT = 1


class Place(Enum):
    """Where a process is in its program."""

    IDLE = 0
    WANTS = 1
    WAITS = 2
    CRITICAL = 3


class Peterson(Machine):
    """Two processes take turns at a critical section."""

    wants: Map[Process, bool]
    turn: Process
    place: Map[Process, Place]

    @classmethod
    def instance(cls) -> Model:
        """There is one size."""
        return cls.trace(sizes={}, constants={})

    @init
    def start(self) -> None:
        "Nobody wants to enter."
        self.turn = Process.LEFT

    def other(self, p: Process) -> Process:
        """The other process."""
        return Process.RIGHT if p == Process.LEFT else Process.LEFT

    @action
    def ask(self, p: Process) -> None:
        "A process says that it wants to enter."
        require("idle", self.place[p] == Place.IDLE)
        self.wants[p] = True
        self.place[p] = Place.WANTS

    @action
    def yield_turn(self, p: Process) -> None:
        "It lets the other go first."
        require("wants", self.place[p] == Place.WANTS)
        self.turn = self.other(p)
        self.place[p] = Place.WAITS

    @action
    def enter(self, p: Process) -> None:
        "It enters when the other does not want to, or gave way."
        require("waits", self.place[p] == Place.WAITS)
        require("free or my turn", not self.wants[self.other(p)] or self.turn == p)
        self.place[p] = Place.CRITICAL

    @action
    def leave(self, p: Process) -> None:
        "It leaves."
        require("inside", self.place[p] == Place.CRITICAL)
        self.wants[p] = False
        self.place[p] = Place.IDLE

    @invariant(id="TOY-1", why="mutual exclusion")
    def one_inside(self) -> bool:
        "The critical section holds one process at most."
        inside = sum(1 for p in Process if self.place[p] == Place.CRITICAL)
        return inside <= 1

    @goal
    def right_gets_in(self) -> bool:
        "The second process can enter."
        return self.place[Process.RIGHT] == Place.CRITICAL


class Impatient(Peterson):
    """It looks at the other's wish only before it says its own."""

    @action
    def enter(self, p: Process) -> None:
        "It enters when it is its turn, or the other's: always."
        require("waits", self.place[p] == Place.WAITS)
        self.place[p] = Place.CRITICAL
