"""Locks that are taken one after the other, by threads and by callbacks of a stream.

It decides in which order locks may be taken; what they protect is other machines' concern. The
idea: whoever waits has locks that others wait for, so everybody asks for them in one order; and a
stream that runs a callback holds the driver's lock like a thread.
"""

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
    Sort,
    Strength,
    action,
    assume,
    goal,
    init,
    invariant,
    require,
)


class Task(Sort):
    "A thread of the host, or a stream's callback."


class Lock(Sort):
    "A mutex; the interpreter's and the driver's are two of them."


Place = Annotated[int, Range(0, Lock)]
One = Capacity(1)


class OrderedLocks(Machine):
    """Locks are asked for in one order, so that somebody can always go on.

    Atomicity: to ask for a lock and to get it are two steps, between which anything may happen.

    | action    | linearisation point in the code               | made atomic by |
    | ask       | the call of lock                              | the thread     |
    | get       | lock returns                                  | the mutex      |
    | give      | unlock                                        | the mutex      |
    | call_back | a host function of a stream begins to execute | the driver     |
    """

    place: Constant[Lock, Place]
    is_driver: Constant[Lock, bool]
    has: Map[Task, Set[Lock]]
    wanted: Map[Task, Annotated[Fifo[Lock], One]]

    @classmethod
    def instance(cls, *, T: int = 2, L: int = 2) -> Model:
        """T tasks and L locks, of which the last is the driver's."""
        return cls.trace(
            sizes={"Task": T, "Lock": L},
            constants={"place": range(L), "is_driver": [False] * (L - 1) + [True]},
        )

    @assume
    def the_driver_has_a_lock(self) -> bool:
        "One of the locks is the driver's."
        return any(self.is_driver[k] for k in Lock)

    @init
    def all_free(self) -> None:
        "Nobody has a lock or waits for one."

    # ---- vocabulary

    def waits(self, t: Task) -> bool:
        return len(self.wanted[t]) > 0

    def is_free(self, k: Lock) -> bool:
        return all(k not in self.has[t] for t in Task)

    def comes_after(self, t: Task, k: Lock) -> bool:
        return all(self.place[own] < self.place[k] for own in Lock if own in self.has[t])

    def may_ask(self, t: Task, k: Lock) -> bool:
        return self.comes_after(t, k)

    # ---- actions

    @action
    def ask(self, t: Task, k: Lock) -> None:
        "A task asks for a lock that comes after all that it has."
        require("it waits for none", not self.waits(t))
        require("it comes after those that the task has", self.may_ask(t, k))
        self.wanted[t].push(k)

    @action
    def get(self, t: Task) -> None:
        "A task gets the lock that it asked for."
        require("it waits", self.waits(t))
        require("nobody has the lock", all(self.is_free(k) for k in self.wanted[t]))
        k = self.wanted[t].pop()
        self.has[t].add(k)

    @action
    def give(self, t: Task, k: Lock) -> None:
        "A task gives a lock back."
        require("it waits for none", not self.waits(t))
        require("it has the lock", k in self.has[t])
        self.has[t].remove(k)

    @action
    def call_back(self, t: Task) -> None:
        "A callback begins, and has the driver's lock from then on."
        k = next(k for k in Lock if self.is_driver[k])
        require("the task waits for none", not self.waits(t))
        require("nobody has the lock", self.is_free(k))
        self.has[t].add(k)

    # ---- what must always hold

    @invariant(
        id="KV-INV-75",
        why="KV-104, KV-105: two tasks waited for each other's lock, and one of them was a stream",
        strength=Strength.EVERY_SIZE,
    )
    def locks_are_taken_in_order(self) -> bool:
        "A task waits only for a lock that comes after all that it has."
        return all(self.comes_after(t, k) for t in Task for k in self.wanted[t])

    @invariant(
        id="KV-INV-76",
        why="S3.1: what two threads believe to have alone, neither has",
        strength=Strength.EVERY_SIZE,
    )
    def one_owner(self) -> bool:
        "No two tasks have one lock."
        return all(
            k not in self.has[a] or k not in self.has[b]
            for a in Task
            for b in Task
            if a != b
            for k in Lock
        )

    # ---- what must be possible

    @goal
    def waits_with_a_lock(self) -> bool:
        "A task waits for a lock that another has, and has one itself."
        return any(
            len(self.has[t]) > 0 and any(not self.is_free(k) for k in self.wanted[t]) for t in Task
        )
