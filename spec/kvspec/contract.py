"""What every manager of a KV cache owes its users, whatever its queues and levels look like.

It decides who may have a place in memory and what a hit returns; it knows no queue order, no level,
no priority and no byte. The idea: a place is available or somebody's, it keeps the content of a
key or nothing, and nine actions are all that may happen to it; a design refines this if each of
its steps is none of them, one, or a few in a row.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Machine,
    Map,
    Model,
    Range,
    Set,
    Size,
    Sort,
    Strength,
    action,
    goal,
    init,
    invariant,
    lemma,
    require,
)


class Place(Sort):
    "A piece of memory that holds one block's bytes: a slot, a page."


class User(Sort):
    "Whoever was given places by name: a request."


class Key(Sort):
    "What a content is found by."


class Traffic(Enum):
    "What a copy does with a place: nothing, read it, or write it."

    NONE = 0
    READ = 1
    WRITTEN = 2


PINS = Size("PINS")
PinCount = Annotated[int, Range(0, PINS)]
PlaceCount = Annotated[int, Range(0, Place)]


class Contract(Machine):
    """Places are handed out, shared by content and given back, and none is lost or given twice.

    Atomicity: each action is one step of whoever keeps the books.

    | action     | what it is in a manager                               | made atomic by   |
    | take       | a user gets a place for new content                   | the manager      |
    | share      | a user hits a key and gets the place of its content   | the manager      |
    | fill       | the one user of a place has written it: a key finds it | the manager     |
    | drop       | a user gives a place back                             | the manager      |
    | pin, unpin | an outsider holds a place where it is, and lets go    | the manager      |
    | evict      | an unused place's content is forgotten                | the manager      |
    | move       | an unused place's content is sent to another place    | the manager      |
    | settle     | the copy that used a place is known to be complete    | the copy's order |
    """

    users: Map[Place, Set[User]]
    pinned: Map[Place, PinCount]
    traffic: Map[Place, Traffic]
    filled: Map[Place, bool]
    content: Map[Place, Key]
    known: Map[Key, bool]
    place_of: Map[Key, Place]
    available: Map[Place, bool]
    available_count: PlaceCount

    @classmethod
    def instance(cls, *, N: int = 2, U: int = 2, K: int = 2, PINS: int = 1) -> Model:
        """N places, U users, K keys, at most PINS pins a place."""
        return cls.trace(sizes={"Place": N, "User": U, "Key": K, "PINS": PINS})

    @init
    def all_available(self) -> None:
        "Every place is available and keeps nothing."
        for p in Place:
            self.available[p] = True
        self.available_count = sum(1 for p in Place if self.available[p])

    # ---- vocabulary

    def is_unused(self, p: Place) -> bool:
        return len(self.users[p]) == 0 and self.pinned[p] == 0

    def is_idle(self, p: Place) -> bool:
        return self.is_unused(p) and self.traffic[p] == Traffic.NONE

    def claim(self, p: Place) -> None:
        if self.available[p]:
            self.available[p] = False
            self.available_count -= 1

    def return_if_idle(self, p: Place) -> None:
        if self.is_idle(p):
            self.available[p] = True
            self.available_count += 1

    # ---- actions

    @action
    def take(self, p: Place, u: User) -> None:
        "A user gets a place for new content; a copy may still read what was there."
        require("nobody uses it", self.is_unused(p))
        require("it keeps nothing", not self.filled[p])
        self.claim(p)
        self.users[p].add(u)

    @action
    def share(self, k: Key, p: Place, u: User) -> None:
        "A user hits a key and gets the place that has its content."
        require("the key is known", self.known[k])
        require("the place has the key's content", self.filled[p] and self.content[p] == k)
        require("the user does not use it yet", u not in self.users[p])
        self.claim(p)
        self.users[p].add(u)

    @action
    def fill(self, p: Place, u: User, k: Key) -> None:
        "The one user of a place has written it, and the key finds it from now on."
        require("the user uses it", u in self.users[p])
        require("nobody else uses it", len(self.users[p]) == 1)
        require("it is not filled yet", not self.filled[p])
        require("no copy uses it", self.traffic[p] == Traffic.NONE)
        require("the key is not known yet", not self.known[k])
        self.filled[p] = True
        self.content[p] = k
        self.known[k] = True
        self.place_of[k] = p

    @action
    def drop(self, p: Place, u: User) -> None:
        "A user gives a place back; what nobody uses is available again, its content kept."
        require("the user uses it", u in self.users[p])
        self.users[p].discard(u)
        self.return_if_idle(p)

    @action
    def pin(self, p: Place) -> None:
        "An outsider holds a place where it is."
        require("the pin fits its counter", self.pinned[p] < PINS)
        self.claim(p)
        self.pinned[p] += 1

    @action
    def unpin(self, p: Place) -> None:
        "The outsider lets go."
        require("it is pinned", self.pinned[p] > 0)
        self.pinned[p] -= 1
        self.return_if_idle(p)

    @action
    def evict(self, p: Place) -> None:
        "An available place's content is forgotten, and its key with it."
        require("it is available", self.available[p])
        require("it keeps something", self.filled[p])
        self.filled[p] = False
        self.known[self.content[p]] = False

    @action
    def move(self, p: Place, q: Place) -> None:
        "An available place's content is sent to another available place, which kept nothing."
        require("the source is available", self.available[p])
        require("the source keeps something", self.filled[p])
        require("the target is available", self.available[q])
        require("the target keeps nothing", not self.filled[q])
        self.claim(p)
        assert self.available_count == sum(1 for x in Place if self.available[x]), (
            "the count is true between the two"
        )
        self.claim(q)
        self.traffic[p] = Traffic.READ
        self.traffic[q] = Traffic.WRITTEN
        self.filled[p] = False
        self.filled[q] = True
        self.content[q] = self.content[p]
        self.place_of[self.content[p]] = q

    @action
    def settle(self, p: Place) -> None:
        "The copy that read or wrote a place is known to be complete."
        require("a copy uses it", self.traffic[p] != Traffic.NONE)
        self.traffic[p] = Traffic.NONE
        self.return_if_idle(p)

    # ---- what is owed

    @invariant(
        id="KV-INV-03",
        why="TensorRT-LLM verifyQueueIntegrity; S1.5, a pinned block was handed out",
        strength=Strength.EVERY_SIZE,
    )
    def available_is_idle(self) -> bool:
        "No available place is used, pinned or in a copy."
        return all(not self.available[p] or self.is_idle(p) for p in Place)

    @invariant(
        id="KV-INV-11",
        why="TensorRT-LLM #12892 and #13029: claimed blocks that nobody released were lost",
        strength=Strength.EVERY_SIZE,
    )
    def idle_is_available(self) -> bool:
        "Every place that nobody uses, pins or copies is available: every hold comes back."
        return all(not self.is_idle(p) or self.available[p] for p in Place)

    @invariant(
        id="KV-INV-04",
        why="TensorRT-LLM #11879: counters drifted until the used count was -2",
        strength=Strength.EVERY_SIZE,
    )
    def count_is_true(self) -> bool:
        "The number shown as available is the number of available places."
        return self.available_count == sum(1 for x in Place if self.available[x])

    @invariant(
        id="KV-INV-20",
        why="TensorRT-LLM copies a partial block that has references; one writer, no second reader",
        strength=Strength.EVERY_SIZE,
    )
    def writer_is_alone(self) -> bool:
        "A place that is not filled yet has at most one user: shared means shared by content."
        return all(self.filled[p] or len(self.users[p]) <= 1 for p in Place)

    @invariant(
        id="KV-INV-27",
        why="TensorRT-LLM #9056: a slot was written while an offload still read it",
        strength=Strength.EVERY_SIZE,
    )
    def source_is_not_overwritten(self) -> bool:
        "A place that a copy still reads is not filled anew."
        return all(self.traffic[p] != Traffic.READ or not self.filled[p] for p in Place)

    @invariant(
        id="KV-INV-58",
        why="S1.2 and TensorRT-LLM claimLeafBlock: a key found a block that was someone else's",
        strength=Strength.EVERY_SIZE,
    )
    def hit_returns_its_content(self) -> bool:
        "The place of a known key has that key's content."
        return all(
            not self.known[k]
            or (self.filled[self.place_of[k]] and self.content[self.place_of[k]] == k)
            for k in Key
        )

    @lemma
    def content_is_found(self) -> bool:
        "What a place keeps is found there by its key."
        return all(
            not self.filled[p]
            or (self.known[self.content[p]] and self.place_of[self.content[p]] == p)
            for p in Place
        )

    @lemma
    def target_is_filled(self) -> bool:
        "The place that a copy writes keeps what was sent."
        return all(self.traffic[p] != Traffic.WRITTEN or self.filled[p] for p in Place)

    # ---- what must be possible

    @goal
    def a_place_is_shared(self) -> bool:
        "Two users have one place."
        return any(len(self.users[p]) > 1 for p in Place)

    @goal
    def taken_while_read(self) -> bool:
        "A place was handed out while a copy still reads it."
        return any(len(self.users[p]) > 0 and self.traffic[p] == Traffic.READ for p in Place)
