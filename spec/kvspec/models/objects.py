"""A store of objects under keys: who may refer to an object's memory, and when it is given back.

It decides when a slot is free; where a slot is and how its bytes get there are other machines'
concern. The idea: an index, readers, a queue of offloads and a prefetch refer to a slot each in a
way of its own, so whoever lets go asks whether all the others have, and whoever acts on what it
saw before looks again.
"""

from __future__ import annotations

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
    UniqueFifo,
    action,
    assume,
    goal,
    init,
    invariant,
    lemma,
    require,
)


class Key(Sort):
    "The name of an object's content."


class Slot(Sort):
    "Memory for one object."


class Reader(Sort):
    "A thread that copies objects out of the store."


REFS = Size("REFS")
PINS = Size("PINS")

RefCount = Annotated[int, Range(0, REFS)]
PinCount = Annotated[int, Range(0, PINS)]


class ObjectStore(Machine):
    """Memory goes back to the pool exactly when the last of all who refer to it lets go.

    References are the index's and the readers'; a pin is the offload queue's. Both are counted.

    Atomicity: every action is a critical section of the store's lock; a reader has two.

    | action     | linearisation point in the code                         | made atomic by |
    | put        | the object is allocated and enters the index            | store lock     |
    | put_beside | prepare_store of two keys, one of which is there        | store lock     |
    | remove     | eviction or removal takes the object out of the index   | store lock     |
    | seek       | a reader sees the key in the index                      | store lock     |
    | open       | the reader takes a reference, if the key is still there | store lock     |
    | let_go     | ref_count_down                                          | store lock     |
    | ask        | the object enters the offload queue, and is pinned      | store lock     |
    | done       | the offload is done, and the object unpinned            | store lock     |
    | reserve    | a prefetch takes memory                                 | store lock     |
    | land       | a prefetched object enters the index                    | store lock     |
    | give_up    | the prefetch gives back what it did not fill            | store lock     |
    """

    stored: Map[Key, bool]
    slot_of: Map[Key, Slot]
    refs: Map[Slot, RefCount]
    pins: Map[Slot, PinCount]
    readers: Map[Slot, Set[Reader]]
    seen: Map[Reader, Set[Key]]
    queue: UniqueFifo[Slot]
    reserved: Set[Slot]
    free: UniqueFifo[Slot]

    @classmethod
    def instance(cls, *, N: int = 3, S: int = 2, R: int = 1, REFS: int = 2, PINS: int = 1) -> Model:
        """N keys, S slots, R readers; references and pins a slot can count."""
        return cls.trace(sizes={"Key": N, "Slot": S, "Reader": R, "REFS": REFS, "PINS": PINS})

    @assume
    def one_of_each_fits(self) -> bool:
        "The counters can count to one."
        return REFS >= 1 and PINS >= 1

    @init
    def all_free(self) -> None:
        "Nothing is stored, and every slot is free."
        self.free.fill(s for s in Slot)

    # ---- vocabulary

    def is_indexed(self, s: Slot) -> bool:
        return any(self.stored[k] and self.slot_of[k] == s for k in Key)

    # ---- building blocks

    def enter(self, k: Key, s: Slot) -> None:
        self.stored[k] = True
        self.slot_of[k] = s
        self.refs[s] += 1

    def leave(self, k: Key) -> None:
        self.stored[k] = False
        self.refs[self.slot_of[k]] -= 1
        self.give_back_if_unused(self.slot_of[k])

    def give_back_if_unused(self, s: Slot) -> None:
        if self.refs[s] == 0 and self.pins[s] == 0:
            self.free.push(s)

    # ---- the store

    @action
    def put(self, k: Key) -> None:
        "An object is stored."
        require("it is not there", not self.stored[k])
        require("a slot is free", len(self.free) > 0)
        s = self.free.pop()
        self.enter(k, s)

    @action
    def put_beside(self, a: Key, b: Key, victim: Key) -> None:
        "Two objects are to be there; one is, and a third makes room for the other."
        require("the one is there", self.stored[a])
        require("the other is not", not self.stored[b])
        require("the victim is none of the two", victim != a)
        require("the victim is there", self.stored[victim])
        require("nobody reads it", self.refs[self.slot_of[victim]] == 1)
        require("nobody offloads it", self.pins[self.slot_of[victim]] == 0)
        self.leave(victim)
        s = self.free.pop()
        self.enter(b, s)
        assert self.stored[a], "the one is there still"

    @action
    def remove(self, k: Key) -> None:
        "An object leaves the index, and its memory is given back unless somebody refers to it."
        require("it is there", self.stored[k])
        self.leave(k)

    # ---- readers

    @action
    def seek(self, r: Reader, k: Key) -> None:
        "A reader looks for an object, remembers whether it is there, and lets go of the lock."
        if self.stored[k]:
            self.seen[r].add(k)

    @action
    def open(self, r: Reader, k: Key) -> None:
        "The reader takes a reference to what it saw, or nothing if that is gone."
        require("it has seen the object", k in self.seen[r])
        self.seen[r].remove(k)
        if self.is_there_still(k):
            assert self.stored[k], "the key is in the index"
            s = self.slot_of[k]
            if self.refs[s] < REFS and r not in self.readers[s]:
                self.readers[s].add(r)
                self.refs[s] += 1

    def is_there_still(self, k: Key) -> bool:
        return self.stored[k]

    @action
    def let_go(self, r: Reader, s: Slot) -> None:
        "The reader has its copy."
        require("it reads the slot", r in self.readers[s])
        self.readers[s].remove(r)
        self.refs[s] -= 1
        self.give_back_if_unused(s)

    # ---- the offload queue

    @action
    def ask(self, k: Key) -> None:
        "An object is to be offloaded: it is queued and pinned, unless it is queued already."
        require("it is there", self.stored[k])
        if self.slot_of[k] not in self.queue:
            self.queue.push(self.slot_of[k])
            self.pins[self.slot_of[k]] += 1

    @action
    def done(self) -> None:
        "The oldest offload is done."
        require("an offload is queued", len(self.queue) > 0)
        s = self.queue.pop()
        self.pins[s] -= 1
        self.give_back_if_unused(s)

    # ---- a prefetch

    @action
    def reserve(self) -> None:
        "A prefetch takes a slot."
        require("a slot is free", len(self.free) > 0)
        s = self.free.pop()
        self.reserved.add(s)

    @action
    def land(self, s: Slot, k: Key) -> None:
        "A slot of the prefetch is filled, and its object is stored."
        require("it is the prefetch's", s in self.reserved)
        require("the object is not there", not self.stored[k])
        self.reserved.remove(s)
        self.enter(k, s)

    @action
    def give_up(self, s: Slot) -> None:
        "The prefetch ends early, and gives a slot back."
        require("it is the prefetch's", s in self.reserved)
        self.reserved.remove(s)
        self.free.push(s)

    # ---- what must always hold

    @invariant(
        id="KV-INV-71",
        why="KV-017, LMCache #3130: eviction gave memory back while a reader copied from it",
        strength=Strength.EVERY_SIZE,
    )
    def free_is_unused(self) -> bool:
        "Nobody refers to a free slot."
        return all(
            self.refs[s] == 0 and self.pins[s] == 0 and s not in self.reserved
            for s in Slot
            if s in self.free
        )

    @invariant(
        id="KV-INV-72",
        why="KV-016, LMCache #1173: only one of two releases asked whether it was the last",
        strength=Strength.EVERY_SIZE,
    )
    def unused_is_free(self) -> bool:
        "A slot to which nobody refers is free."
        return all(
            self.refs[s] > 0 or self.pins[s] > 0 or s in self.reserved or s in self.free
            for s in Slot
        )

    @invariant(
        id="KV-INV-73",
        why="KV-019, Mooncake #1853: an object was pinned twice for one place in the queue",
        strength=Strength.EVERY_SIZE,
    )
    def pins_are_queued(self) -> bool:
        "A slot has one pin if it is queued for offload, and else none."
        return all(self.pins[s] == (1 if s in self.queue else 0) for s in Slot)

    @lemma
    def references_counted(self) -> bool:
        "The references of a slot are its readers, and one more if it is in the index."
        return all(
            self.refs[s] == len(self.readers[s]) + (1 if self.is_indexed(s) else 0) for s in Slot
        )

    @lemma
    def one_slot_each(self) -> bool:
        "No two stored objects have one slot."
        return all(
            not (self.stored[a] and self.stored[b]) or self.slot_of[a] != self.slot_of[b]
            for a in Key
            for b in Key
            if a != b
        )

    @lemma
    def reserved_is_unused(self) -> bool:
        "Nobody refers to a slot that a prefetch has reserved."
        return all(self.refs[s] == 0 and self.pins[s] == 0 for s in Slot if s in self.reserved)

    # ---- what must be possible

    @goal
    def removed_while_read(self) -> bool:
        "A reader has an object that is no longer in the index."
        return any(len(self.readers[s]) > 0 and not self.is_indexed(s) for s in Slot)

    @goal
    def removed_while_queued(self) -> bool:
        "An object waits for its offload and is no longer in the index."
        return any(s in self.queue and not self.is_indexed(s) for s in Slot)
