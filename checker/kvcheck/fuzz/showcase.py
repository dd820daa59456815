"""Two cases for newcomers: what is wrong in the books, and what is wrong in the bytes only.

It decides calls, sizes and orders, and nothing about how they are judged: each case is run like any
other, on the manager with a known bug and on the right one.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kvcheck.fuzz import case as calls
from kvcheck.fuzz.case import Case, Ran, Sizes

FILLED = (
    calls.BeginStep(),
    calls.Allocate(0),
    calls.EndStep(),
    calls.Fill(0, 0, key=1),
    calls.Commit(0, 0),
    calls.Release(0, 0),
)
"""Request 0 computes a block, caches it under key 1, and is done with it."""

WRONG_QUEUE = Case(
    Sizes(1, 1, slot_bytes=32),
    ((*FILLED, calls.BeginStep(), calls.Allocate(1), calls.EndStep()),),
    "host-first",
    "s1-1",
)
"""A second request takes the slot of what the first one cached, so that it moves to host memory."""

WRONG_BYTES = Case(
    Sizes(1, 1, slot_bytes=32),
    (
        (
            *FILLED,
            calls.BeginStep(),
            calls.Allocate(1),
            calls.Release(1, 0),
            calls.Poll(),
            calls.Poll(),
            calls.Acquire(0, key=1),
            calls.EndStep(),
            calls.Read(0, 0),
        ),
    ),
    "eager",
    "inv-28-copies-too-early",
)
"""The same, and then the first prompt comes back and finds its block in host memory."""


def orders_until_witness(case: Case, run: Callable[[Case], Ran], *, most: int) -> tuple[int, Ran]:
    """The case under one drawn order after the other, until bytes are wrong or `most` are run.

    `run` has to look at bytes and not at order, which is refused before any byte is wrong. How many
    were run, and the last of them.
    """
    number, ran = 1, run(case)
    while number < most and (ran.failure is None or not ran.failure.witness):
        ran = run(msgspec.structs.replace(case, order=f"pct {number} 3 60"))
        number += 1
    return number, ran
