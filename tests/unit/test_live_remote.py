"""A reader may find the pool's lock held whenever it looks: weak fairness does not end a pin.

The loop is too far from the start for the search to reach it in a million states, so it stands
here; the concrete evaluator takes each step of it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from kvcheck.live.lasso import Lasso, confirm
from kvcheck.live.telling import lines_of
from kvcheck.trace.path import Move, NotReproduced, Path
from kvspec.lang.concrete import initial_states
from kvspec.models.remote import Job, SharedPool

READER, OFFLOAD = 0, 0


def ask(job: Job, block: int) -> Move:
    return Move("ask", (list(Job).index(job), block))


def steps(*places: str) -> list[Move]:
    return [Move(f"scheduler__{place}", ()) for place in places]


def offloaded(for_block: int) -> list[Move]:
    """The one free block goes down, `for_block` takes its slot, is filled and let go of."""
    return [
        ask(Job.ALLOCATE, 0),
        *steps("idle", "claimed"),
        Move("complete", (OFFLOAD,)),
        *steps("sent", "swapped"),  # the lock is held between the two
        Move("fill", (for_block,)),
        ask(Job.RELEASE, for_block),
        *steps("idle"),
    ]


LOOP = [*offloaded(2), *offloaded(1)]
STEM = [
    ask(Job.ALLOCATE, 0),
    *steps("start"),
    Move("fill", (0,)),
    ask(Job.RELEASE, 0),
    *steps("idle"),
    ask(Job.ALLOCATE, 0),
    *steps("idle"),
    Move("fill", (1,)),
    Move("order", (READER, 0)),
    Move("reader__start", (READER,)),
    Move("reader__pinned", (READER,)),
    ask(Job.RELEASE, 1),
    *steps("idle"),
    *LOOP,
]


def starved(*, weak: tuple[str, ...], strong: tuple[str, ...]) -> Lasso:
    model = SharedPool.instance(P=2, S=1, R=1)
    (promise,) = [p for p in model.promises if p.id == "KV-LIV-01"]
    owed = replace(promise, weak=weak, strong=strong)
    (start,) = initial_states(model)
    return Lasso(owed, (READER,), Path(start, tuple(STEM)), tuple(LOOP))


def test_weak_fairness_leaves_a_reader_before_a_lock_that_is_held_whenever_it_looks() -> None:
    lasso = starved(weak=("reader", "scheduler", "complete"), strong=())
    lines = lines_of(SharedPool.instance(P=2, S=1, R=1), lasso)
    assert (
        lines[0] == "every_pin_comes_back(reader0) is never met: What a reader has it gives back."
    )
    assert (
        "  reader(reader0) is enabled on the loop, but not all along: weak fairness lets it wait."
        in lines
    )


def test_a_lock_that_is_fair_to_readers_does_not() -> None:
    lasso = starved(weak=("scheduler", "complete"), strong=("reader",))
    with pytest.raises(NotReproduced, match=r"not fair to reader\(0,\)"):
        confirm(SharedPool.instance(P=2, S=1, R=1), lasso)
