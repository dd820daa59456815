"""A machine whose invariants count in every way that a proof for every size has a theorem for."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Constant,
    Machine,
    Map,
    Model,
    Range,
    Set,
    Size,
    Sort,
    Strength,
    UniqueFifo,
    action,
    assume,
    init,
    invariant,
    lemma,
    require,
)

EVERY = Strength.EVERY_SIZE


class Book(Sort):
    """What is counted."""


class Spot(Sort):
    """Where a book stands."""


class Reader(Sort):
    """Who takes books."""


class Floor(Enum):
    """Spots are on one of two."""

    LOW = 0
    HIGH = 1


LOANS = Size("LOANS")


class CountedShelf(Machine):
    """Books stand on spots of two floors, wait in a queue per floor, and are lent."""

    floor: Constant[Spot, Floor]
    home: Constant[Book, Spot]
    spot: Map[Book, Spot]
    lent: Map[Book, bool]
    loans: Annotated[int, Range(0, Book)]
    waiting: Map[Floor, UniqueFifo[Book]]
    readers: Map[Book, Set[Reader]]
    worn: Map[Book, Annotated[int, Range(0, LOANS)]]

    @classmethod
    def instance(cls, *, B: int = 3, R: int = 2, LOANS: int = 2) -> Model:
        """B books and spots, R readers, at most LOANS wear."""
        return cls.trace(
            sizes={"Book": B, "Spot": B, "Reader": R, "LOANS": LOANS},
            constants={
                "floor": [Floor.LOW, *[Floor.HIGH] * (B - 1)],
                "home": range(B),
            },
        )

    @assume
    def homes_distinct(self) -> bool:
        "Every book starts on a spot of its own."
        return all(self.home[a] != self.home[b] for a in Book for b in Book if a != b)

    @init
    def all_in(self) -> None:
        "Every book is at home and waits."
        for b in Book:
            self.spot[b] = self.home[b]
        for f in Floor:
            self.waiting[f].fill(b for b in Book if self.floor_of(b) == f)

    def floor_of(self, b: Book) -> Floor:
        """The floor of the book's spot."""
        return self.floor[self.spot[b]]

    @action
    def lend(self, f: Floor, r: Reader) -> None:
        "The book that waits longest is lent."
        require("one waits", len(self.waiting[f]) > 0)
        b = self.waiting[f].pop()
        self.lent[b] = True
        self.loans += 1
        self.readers[b].add(r)

    @action
    def give_back(self, b: Book) -> None:
        "A lent book waits again, read by nobody."
        require("it is lent", self.lent[b])
        self.lent[b] = False
        self.loans -= 1
        for r in Reader:
            self.readers[b].discard(r)
        self.waiting[self.floor_of(b)].push(b)

    @action
    def swap(self, a: Book, b: Book) -> None:
        "Two lent books change places."
        require("both are lent", self.lent[a] and self.lent[b])
        spot_of_a = self.spot[a]
        self.spot[a] = self.spot[b]
        self.spot[b] = spot_of_a

    @action
    def wear(self, b: Book) -> None:
        "A book is worn."
        require("it can be", self.worn[b] < LOANS)
        self.worn[b] += 1

    @lemma
    def spots_distinct(self) -> bool:
        "No two books stand on one spot."
        return all(self.spot[a] != self.spot[b] for a in Book for b in Book if a != b)

    @lemma
    def waits_on_its_floor(self) -> bool:
        "A book waits exactly while it is not lent, on its floor."
        return all(
            (b in self.waiting[f]) == (not self.lent[b] and self.floor_of(b) == f)
            for b in Book
            for f in Floor
        )

    @invariant(id="SHELF-1", why="a point update changes a count by one", strength=EVERY)
    def loans_counted(self) -> bool:
        "The counter is the number of lent books."
        return self.loans == sum(1 for b in Book if self.lent[b])

    @invariant(id="SHELF-2", why="an injection bounds a count", strength=EVERY)
    def floor_has_room(self) -> bool:
        "No more books wait on a floor than it has spots."
        return all(
            len(self.waiting[f]) <= sum(1 for s in Spot if self.floor[s] == f) for f in Floor
        )

    @invariant(id="SHELF-3", why="disjoint sets add up", strength=EVERY)
    def all_accounted_for(self) -> bool:
        "Every book waits or is lent."
        return sum(len(self.waiting[f]) for f in Floor) + self.loans == sum(1 for b in Book)

    @invariant(id="SHELF-4", why="a subset is no larger", strength=EVERY)
    def lent_low_is_lent(self) -> bool:
        "No more books are lent on the low floor than at all."
        return sum(1 for b in Book if self.lent[b] and self.floor_of(b) == Floor.LOW) <= self.loans

    @invariant(id="SHELF-5", why="a count inside a quantifier", strength=EVERY)
    def nobody_reads_what_waits(self) -> bool:
        "A book with a reader is lent."
        return all(
            sum(1 for r in Reader if r in self.readers[b]) == 0 or self.lent[b] for b in Book
        )
