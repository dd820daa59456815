"""Guests, rooms and keys: sorts tied together by maps, sets, queues and a constant."""

from __future__ import annotations

from typing import Annotated

from kvspec.lang import (
    Capacity,
    Constant,
    Fifo,
    Machine,
    Map,
    Model,
    Range,
    Set,
    Size,
    Sort,
    action,
    goal,
    init,
    invariant,
    require,
)

CAREFUL = Size("CAREFUL")


class Guest(Sort):
    """Has at most one room."""


class Room(Sort):
    """Holds guests."""


class Key(Sort):
    """Opens one room."""


class Rooms(Machine):
    """A guest takes a key from a board, visits its room, and hands it back."""

    opens: Constant[Key, Room]
    holder: Map[Key, Set[Guest]]
    inside: Map[Room, Set[Guest]]
    log: Annotated[Fifo[Guest], Capacity(2)]

    @classmethod
    def instance(cls, *, GUESTS: int = 3, ROOMS: int = 3, KEYS: int = 2) -> Model:
        """Key k opens room 2k modulo ROOMS."""
        return cls.trace(
            sizes={"Guest": GUESTS, "Room": ROOMS, "Key": KEYS},
            constants={"opens": [2 * k % ROOMS for k in range(KEYS)]},
        )

    @init
    def empty(self) -> None:
        "All keys hang on the board."

    @action
    def take_key(self, g: Guest, k: Key) -> None:
        "A guest takes a key that nobody has."
        require("on the board", not self.holder[k])
        self.holder[k].add(g)

    @action
    def enter(self, g: Guest, k: Key) -> None:
        "Who has the key may go in."
        require("has the key", g in self.holder[k])
        require("is outside", g not in self.inside[self.opens[k]])
        self.inside[self.opens[k]].add(g)
        if len(self.log) == 2:
            self.log.pop()
        self.log.push(g)

    @action
    def leave(self, g: Guest, k: Key) -> None:
        "A guest leaves and hangs the key up."
        require("is inside", g in self.inside[self.opens[k]])
        require("has the key", g in self.holder[k])
        self.inside[self.opens[k]].remove(g)
        self.holder[k].remove(g)

    @invariant(id="TOY-4", why="a room without a key stays empty")
    def only_with_a_key(self) -> bool:
        "Who is inside a room has its key."
        return all(
            g in self.holder[k] for k in Key for g in Guest if g in self.inside[self.opens[k]]
        )

    @goal
    def a_guest_came_twice(self) -> bool:
        "The log can name one guest twice."
        return len(self.log) == 2 and any(all(x == g for x in self.log) for g in Guest)


class Wanderers(Machine):
    """Guests move from room to room; a room's guest is found by looking through all of them."""

    where: Map[Guest, Room]
    greeted: Map[Guest, Annotated[int, Range(0, 1)]]

    @classmethod
    def instance(cls, *, GUESTS: int = 3, ROOMS: int = 3, CAREFUL: int = 1) -> Model:
        """With CAREFUL 1 the doorman looks only where exactly one guest is."""
        return cls.trace(sizes={"Guest": GUESTS, "Room": ROOMS, "CAREFUL": CAREFUL}, constants={})

    @init
    def anywhere(self, r: Room) -> None:
        "All start in one room."
        for g in Guest:
            self.where[g] = r

    @action
    def move(self, g: Guest, r: Room) -> None:
        "A guest goes to another room."
        require("another", self.where[g] != r)
        self.where[g] = r

    @action
    def greet(self, r: Room) -> None:
        "The first guest in a room is greeted."
        count = sum(1 for g in Guest if self.where[g] == r)
        require("somebody is there", count > 0)
        require("alone if the doorman is careful", CAREFUL == 0 or count == 1)
        first = next(g for g in Guest if self.where[g] == r)
        self.greeted[first] = 1

    @goal
    def all_greeted(self) -> bool:
        "Everybody can be greeted."
        return all(self.greeted[g] == 1 for g in Guest)
