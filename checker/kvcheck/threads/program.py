"""What the scheduler and the readers of one run do, as data.

It decides no order: that is the schedule's. The idea: programs are so small that every order of
them can be run, and each has the moments that the case is about: a release, an offload and an
onboard while readers come and go.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TypeAlias

from kvimpl.blocks import PoolSettings
from kvspec.events import Key, RequestId

SLOT_BYTES = 4
FIRST, SECOND = RequestId(0), RequestId(1)
W, X, Y, Z = Key(b"w"), Key(b"x"), Key(b"y"), Key(b"z")


@dataclass(frozen=True, slots=True)
class Put:
    "A request gets an empty block, fills it with the content of the key and commits it."

    request: RequestId
    key: Key


@dataclass(frozen=True, slots=True)
class Get:
    "A request acquires the block of the key, and a kernel reads it; a miss is no error."

    request: RequestId
    key: Key


@dataclass(frozen=True, slots=True)
class Drop:
    "A request lets go of all that it has."

    request: RequestId


Job: TypeAlias = Put | Get | Drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`before` is done while there is one thread; then `jobs` by the scheduler, and one thread a
    reader, each of which reads its keys one after another. By default a block can count a reference
    of every reader and one more."""

    primary_count: int = 1
    secondary_count: int = 1
    references_max: int = 0
    before: tuple[Job, ...] = (Put(FIRST, X),)
    jobs: tuple[Job, ...] = ()
    readers: tuple[tuple[Key, ...], ...] = ((X,),)

    def settings(self) -> PoolSettings:
        """The manager's."""
        return PoolSettings(
            primary_count=self.primary_count,
            secondary_count=self.secondary_count,
            slot_bytes=SLOT_BYTES,
            references_max=self.references_max or len(self.readers) + 1,
        )


DOWN_AND_UP = Program(jobs=(Drop(FIRST), Put(SECOND, Y), Drop(SECOND), Get(FIRST, X)))
"""X is let go, moved down for Y, and brought up again in its place."""
DOWN_TWICE = Program(
    before=(Put(FIRST, X), Drop(FIRST)),
    jobs=(Put(SECOND, Y), Drop(SECOND), Put(FIRST, Z)),
)
"""X is moved down for Y, and Y for Z, to where X was."""
UP_THEN_DOWN = Program(
    primary_count=2,
    before=(Put(FIRST, Y), Put(FIRST, X), Drop(FIRST), Put(SECOND, Z)),
    jobs=(Drop(SECOND), Get(FIRST, X), Put(SECOND, W)),
)
"""X, which was moved down, is brought up in the place of Y, and Z is moved down to where X was."""
SMALL = (DOWN_AND_UP, DOWN_TWICE, UP_THEN_DOWN)
"""What every order of is run to find a bug."""
TWO_READERS = Program(
    before=(Put(FIRST, X), Drop(FIRST)), jobs=(Put(SECOND, Y),), readers=((X,), (X,))
)
TWO_BLOCKS = Program(
    primary_count=2,
    jobs=(Drop(FIRST), Put(SECOND, Y), Put(SECOND, Z), Drop(SECOND), Get(FIRST, X)),
)


def bytes_of(key: Key) -> bytes:
    """The content of a block that has the key."""
    return bytes(key).ljust(SLOT_BYTES, b".")


def drawn(seed: int, *, job_count: int = 6) -> Program:
    """A program by chance: one to three blocks a level, one or two requests and readers.

    No two requests hold one block at a time, since the design has one table.
    """
    chance = random.Random(seed)
    keys = (X, Y, Z)[: chance.randint(2, 3)]
    requests = (FIRST, SECOND)[: chance.randint(1, 2)]
    held: dict[Key, set[RequestId]] = {key: set() for key in keys}
    jobs: list[Job] = []
    for number in range(job_count):
        request = chance.choice(requests)
        unheld = [key for key in keys if not held[key]]
        kinds = ["put"] if number == 0 else ["put", "get", "drop"]
        kind = chance.choice(kinds)
        if kind == "drop" or not unheld:
            jobs.append(Drop(request))
            for users in held.values():
                users.discard(request)
            continue
        key = chance.choice(unheld)
        held[key].add(request)
        jobs.append(Put(request, key) if kind == "put" else Get(request, key))
    readers = chance.randint(1, 2)
    return Program(
        primary_count=chance.randint(1, 2),
        secondary_count=chance.randint(1, 2),
        references_max=chance.choice((0, 2)),
        before=tuple(jobs[:1]),
        jobs=tuple(jobs[1:]),
        readers=tuple(tuple(chance.choices(keys, k=chance.randint(1, 2))) for _ in range(readers)),
    )
