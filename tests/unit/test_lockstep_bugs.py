"""Each known bug that steps or parts show is refused at one event, for one reason, and no other.

One story is told by every bug; the table says where it stops. The bugs of two threads have
`test_lockstep_threads.py`, those that only bytes show `test_lockstep_order.py`.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import pytest
from block_bench import A, B, Bench, C, key

from kvcheck.lockstep import Judge, OnRefusal, Reason, Refusal, design_for
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockError, BlockManager, BlockPool, Keep, NoFreeBlock
from kvimpl.bugs import BUGS, Bug, Evidence, Needs
from kvspec.events import Detail, Priority


def story(at: Bench) -> None:
    "A block is cached, released twice, hit, pinned, moved down, pinned there, and brought back."
    manager = at.manager
    wish = None
    if at.settings.priority_count > 1:
        wish = Keep(priority=Priority(2), seconds=9.0)
    first = manager.allocate(A, keep=wish)
    at.write(first, "x")
    manager.commit(first, A, key("x"))
    manager.release(first, A)
    with contextlib.suppress(BlockError):
        manager.release(first, A)
    manager.acquire(B, key("x"))
    manager.release_request(B)
    receipt = manager.pin_key(key("x"))
    assert receipt is not None
    manager.unpin(receipt)
    second = manager.allocate(B)
    at.settle()
    manager.release(second, B)
    receipt = manager.pin_key(key("x"))
    assert receipt is not None
    manager.acquire(C, key("x"))
    manager.unpin(receipt)
    manager.acquire(C, key("x"))
    at.settle()
    manager.release_request(C)
    low = manager.allocate(A, keep=Keep(priority=Priority(0)))
    at.write(low, "y")
    manager.commit(low, A, key("y"))
    manager.release(low, A)
    manager.allocate(B)
    at.settle()
    manager.release_request(B)
    third = manager.allocate(A)
    at.write(third, "z")
    manager.commit(third, A, key("z"))
    manager.release(third, A)
    receipt = manager.pin_key(key("z"))
    assert receipt is not None
    with contextlib.suppress(NoFreeBlock):
        manager.allocate(B)
    manager.unpin(receipt)


def told(bug: Bug, detail: Detail, *, right: bool = False) -> Judge:
    "The judge after the story; what breaks once a refusal is kept is of no interest."
    settings = bug.sized(slot_bytes=4)
    design = design_for(settings.shape, request_count=4)
    judge = Judge(design, detail=detail, on_refusal=OnRefusal.KEEP)
    at = Bench(
        settings,
        reporter=judge,
        pool=BlockPool if right else bug.pool,
        manager_class=BlockManager if right else bug.manager,
    )
    try:
        story(at)
    except (BlockError, KeyError, ValueError, IndexError):
        assert judge.refusal is not None
    return judge


@dataclass(frozen=True)
class Where:
    """The event with its number in steps (None: not seen) and in parts, and why it is refused.

    `why` is the condition that is false, or the cells that disagree.
    """

    event: str
    steps: int | None
    parts: int
    reason: Reason
    why: str | tuple[str, ...]


PRIMARY = ("free[PRIMARY]", "free_count[PRIMARY]")
SECONDARY = ("free[SECONDARY]", "free_count[SECONDARY]")
COUNTERS = ("free_count[PRIMARY]", "free_count[SECONDARY]")
AGAIN = "the block is in no queue"
LEVEL = "the block is queued at the level that was told"

REFUSED_AT = {
    "canary": Where("Allocate", 3, 4, Reason.SHOWN, ("free_count[PRIMARY]",)),
    "inv-03-queued-in-flight": Where("OffloadAllocate", 13, 24, Reason.SHOWN, SECONDARY),
    "inv-07-half-swap": Where("OffloadAllocate", 13, 23, Reason.SHOWN, ("slot[block1]",)),
    "inv-10-kept-reference": Where("Release", 7, 8, Reason.SHOWN, ("refs[block0]", *PRIMARY)),
    "inv-11-forgotten": Where("Complete", 14, 24, Reason.SHOWN, SECONDARY),
    "inv-12-reused-in-host": Where("Reuse", 17, 30, Reason.DISABLED, "it is in device memory"),
    "inv-56-backwards": Where("OffloadAllocate", 13, 23, Reason.SHOWN, ("pending[stream1]",)),
    "kv-001": Where("Reuse", 9, 11, Reason.SHOWN, PRIMARY),
    "kv-002": Where("PutBack", None, 10, Reason.PART, AGAIN),
    "kv-017": Where("OffloadAllocate", 38, 80, Reason.DISABLED, "a primary block is free"),
    "s1-1": Where("Claim", None, 21, Reason.PART, LEVEL),
    "s1-4-uncounted-pin": Where("Pin", 11, 16, Reason.SHOWN, ("free_count[PRIMARY]",)),
    "s1-4-wrong-level": Where("OffloadAllocate", 13, 23, Reason.SHOWN, COUNTERS),
    "s1-5": Where("Pin", 11, 15, Reason.SHOWN, PRIMARY),
    "s1-5-kept": Where("Unpin", 12, 17, Reason.SHOWN, PRIMARY),
    "s1-5-moved": Where("Onboard", 17, 33, Reason.DISABLED, "it is free in secondary"),
    "s1-6": Where("Reuse", 9, 13, Reason.SHOWN, ("timed[block0]",)),
    "s1-6-expires-in-use": Where("Reuse", 9, 13, Reason.SHOWN, ("expiring",)),
    "s1-6-unworthy": Where("OffloadAllocate", 28, 62, Reason.DISABLED, "it is worth a copy"),
}


def where(refusal: Refusal | None) -> tuple[str, int, Reason, str | tuple[str, ...]]:
    "A refusal in the words of the table."
    assert refusal is not None
    why: str | tuple[str, ...] = tuple(d.cell for d in refusal.disagreements)
    if refusal.conjunct is not None:
        why = refusal.conjunct.label
    return type(refusal.event).__name__, refusal.number, refusal.reason, why


@pytest.mark.parametrize("name", REFUSED_AT)
def test_a_bug_is_refused_at_its_event_for_its_reason(name: str) -> None:
    at = REFUSED_AT[name]
    judge = told(BUGS[name], Detail.PARTS)
    assert where(judge.refusal) == (at.event, at.parts, at.reason, at.why)
    assert judge.last_good == at.parts - 1
    assert told(BUGS[name], Detail.PARTS, right=True).refusal is None


@pytest.mark.parametrize(
    "name", [n for n in REFUSED_AT if BUGS[n].evidence is Evidence.STEP and n != "kv-002"]
)
def test_steps_show_a_bug_of_steps_for_the_same_reason(name: str) -> None:
    at = REFUSED_AT[name]
    judge = told(BUGS[name], Detail.STEPS)
    assert where(judge.refusal) == (at.event, at.steps, at.reason, at.why)


@pytest.mark.parametrize("name", [n for n in REFUSED_AT if BUGS[n].evidence is Evidence.PART])
def test_steps_alone_miss_a_bug_of_parts(name: str) -> None:
    judge = told(BUGS[name], Detail.STEPS)
    assert judge.refusal is None
    assert judge.verdict().outcome is Outcome.HOLDS
    assert judge.step_count > 20


def test_a_step_that_is_not_reported_is_seen_in_the_next_one() -> None:
    judge = told(BUGS["kv-002"], Detail.STEPS)
    assert where(judge.refusal) == ("Reuse", 8, Reason.SHOWN, PRIMARY)


def test_every_bug_has_its_place() -> None:
    threads = {bug.id for bug in BUGS.values() if Needs.THREADS in bug.needs}
    by_bytes = {bug.id for bug in BUGS.values() if bug.evidence is Evidence.BYTES}
    assert {*REFUSED_AT} | threads | by_bytes == {*BUGS}
    assert not {*REFUSED_AT} & (threads | by_bytes)
