"""What comes in the end in the designs with threads, under which fairness, and what breaks it.

A reader may find the pool's lock held whenever it looks: weak fairness does not end a pin. That
loop is too far from the start for the search to reach it in a million states, so it stands here;
the concrete evaluator takes each step of it.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kvcheck.explore import Engine, Options, explore
from kvcheck.live import check
from kvcheck.live.lasso import Lasso, confirm
from kvcheck.live.measure import Rule
from kvcheck.live.ranking import Ranked, rank
from kvcheck.live.telling import lines_of
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.trace.path import Move, NotReproduced
from kvcheck.trace.path import Path as Run
from kvcheck.verdict import Outcome
from kvspec.bugs import BUGS
from kvspec.lang import Machine, Model, eventually, require
from kvspec.lang.concrete import initial_states
from kvspec.lang.ir import Promise
from kvspec.models import MACHINES, VARIANTS
from kvspec.models.remote import Block, Job, Reader, SharedPool
from kvspec.models.remote_proof import ProvedPool
from kvspec.models.remote_recursive_lock import RecursiveLockPool
from kvspec.models.remote_try_lock import TryLockPool

PAGE = Path(__file__).parents[2] / "docs" / "cases" / "s3.md"
READER, OFFLOAD = 0, 0
WHY = "a test"


# ---- a lock that is held whenever a reader looks


class WeaklyPromised(ProvedPool):
    """The promise as it was stated first: every thread is weakly fair, and the lock to nobody."""

    @eventually(
        id="KV-LIV-01",
        why=WHY,
        weak=("reader", "scheduler", "complete"),
        measure=("has_not_begun", "waits_for_write"),
        relies_on="the_lock_comes_free",
    )
    def every_pin_comes_back(self, r: Reader) -> bool:
        "What a reader has it gives back."
        require("the reader has a block", self.has[r])
        return not self.has[r]


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


def promise_of(model: Model, name: str) -> Promise:
    (promise,) = (p for p in model.promises if p.name == name)
    return promise


def starved(machine: type[Machine]) -> tuple[Model, Lasso]:
    model = machine.instance(P=2, S=1, R=1)
    (start,) = initial_states(model)
    promise = promise_of(model, "every_pin_comes_back")
    return model, Lasso(promise, (READER,), Run(start, tuple(STEM)), tuple(LOOP))


def test_weak_fairness_leaves_a_reader_before_a_lock_that_is_held_whenever_it_looks() -> None:
    lines = lines_of(*starved(WeaklyPromised))
    assert (
        lines[0] == "every_pin_comes_back(reader0) is never met: What a reader has it gives back."
    )
    assert (
        "  reader(reader0) is enabled on the loop, but not all along: weak fairness lets it wait."
        in lines
    )


def test_a_lock_that_is_fair_to_readers_does_not() -> None:
    with pytest.raises(NotReproduced, match=r"not fair to reader\(0,\)"):
        confirm(*starved(MACHINES["remote"]))


def test_a_lock_that_is_not_kept_over_steps_keeps_no_reader_waiting() -> None:
    with pytest.raises(NotReproduced, match=r"not fair to reader\(0,\)"):
        confirm(*starved(VARIANTS["remote-short-lock"]))


# ---- by search, and by measure


def searched(machine: type[Machine], **sizes: int) -> dict[str, Outcome]:
    model = machine.instance(**(sizes or {"P": 1, "S": 1}))
    return {kept.promise.name: kept.verdict.outcome for kept in check(model, bound="")}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> ProofCache:
    """Designs that differ in their promises alone have their lemmas proved once."""
    return ProofCache(tmp_path_factory.mktemp("cache"))


def ranked(model: Model, cache: ProofCache) -> dict[str, Ranked]:
    options = SolveOptions(minimise_work=0)
    found = rank(model, bound="", options=options, clock=time.perf_counter, cache=cache)
    return {one.promise.name: one for one in found}


def refusal(model: Model, name: str, cache: ProofCache) -> Rule:
    """The rule by which the promise's measure is refused, which nothing else may be."""
    needed = {name, promise_of(model, name).relies_on}
    asked = replace(model, promises=tuple(p for p in model.promises if p.name in needed))
    refused = ranked(asked, cache)[name]
    assert refused.verdict.outcome is Outcome.INCONCLUSIVE
    assert refused.breach is not None
    return refused.breach.rule


PIN, JOB, LOCK = "every_pin_comes_back", "every_job_ends", "the_lock_comes_free"
HOLDS, VIOLATED, NOT_RUN = Outcome.HOLDS, Outcome.VIOLATED, Outcome.NOT_RUN
RIGHT = {
    "remote": {PIN: HOLDS, JOB: HOLDS, LOCK: HOLDS},
    "remote-try-lock": {PIN: HOLDS, JOB: HOLDS, LOCK: HOLDS},
    "remote-recursive-lock": {PIN: HOLDS, JOB: HOLDS, LOCK: HOLDS},
    "remote-by-id": {PIN: HOLDS, JOB: HOLDS, LOCK: HOLDS},
    "remote-short-lock": {PIN: HOLDS, JOB: HOLDS, LOCK: NOT_RUN},  # nobody finds it held
}
OWED = {  # what each design promises in its own way: who is strongly fair, who weakly
    ("remote", PIN): ("`reader`", "`scheduler`, `complete`"),
    ("remote", JOB): ("nobody", "`scheduler`, `complete`"),
    ("remote", LOCK): ("nobody", "`scheduler`"),
    ("remote-recursive-lock", JOB): ("`scheduler`", "`reader`, `complete`"),
    ("remote-recursive-lock", LOCK): ("nobody", "`scheduler`, `reader`"),
    ("remote-short-lock", PIN): ("nobody", "`reader`, `scheduler`, `complete`"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_design_keeps_its_promises_at_one_size(name: str) -> None:
    assert searched({**MACHINES, **VARIANTS}[name]) == RIGHT[name]


@pytest.mark.parametrize("name", sorted({name for name, _ in OWED}))
def test_what_a_design_promises_in_its_own_way_is_proved(name: str, cache: ProofCache) -> None:
    model = {**MACHINES, **VARIANTS}[name].instance(P=1, S=1)
    mine = tuple(p for p in model.promises if (name, p.name) in OWED)
    found = ranked(replace(model, promises=mine), cache)
    proved = {promise: one.verdict.outcome for promise, one in found.items()}
    assert proved == {p.name: HOLDS for p in mine}
    assert {(name, p.name): (told_of(p.strong), told_of(p.weak)) for p in mine} == {
        key: owed for key, owed in OWED.items() if key[0] == name
    }


def told_of(actors: tuple[str, ...]) -> str:
    return ", ".join(f"`{who}`" for who in actors) or "nobody"


ROW = re.compile(r"^\| `([\w-]+)` \| `(\w+)` \| (.*) \| (.*) \|$", re.MULTILINE)


def test_the_page_of_the_case_says_to_whom_fairness_is_owed() -> None:
    rows = ROW.findall(PAGE.read_text("utf-8"))
    assert {(design, promise): owed for design, promise, *owed in rows} == {
        key: list(owed) for key, owed in OWED.items()
    }


# ---- what breaks a promise, and what refuses its measure


class WeakScheduler(RecursiveLockPool):
    """A reader takes the lock again and again, and the lock is not fair to the scheduler."""

    @eventually(
        id="KV-LIV-02", why=WHY, weak=("scheduler", "reader", "complete"), measure=("steps_left",)
    )
    def every_job_ends(self) -> bool:
        "A job that the scheduler was given ends."
        require("there is a job", self.job != Job.NONE)
        return self.job == Job.NONE


class PatientPool(SharedPool):
    """The second look waits until no reader has the block; meanwhile another one comes."""

    def may_not_go(self, b: Block) -> bool:
        require("no reader has it", self.refs[b] == 1)
        return False

    @eventually(
        id="KV-LIV-02",
        why=WHY,
        strong=("reader",),
        weak=("scheduler", "complete"),
        measure=("references",),
    )
    def every_job_ends(self) -> bool:
        "A job ends, if readers give back what they have."
        require("there is a job", self.job != Job.NONE)
        return self.job == Job.NONE

    def references(self) -> int:
        "References of readers"
        return sum(1 for r in Reader if self.has[r])


class PatientProved(PatientPool, ProvedPool):
    """The same with lemmas and measures, which do not help it."""


def with_measures(bug: str, right: type[Machine]) -> type[Machine]:
    """The wrong design with the lemmas and measures of a right one."""
    wrong = BUGS[bug].machine
    return type(f"Proved{wrong.__name__}", (wrong, right), {})


# what is broken, and what is said of somebody there
BROKEN = {
    "recursive": (
        WeakScheduler,
        JOB,
        "scheduler() is enabled on the loop, but not all along: weak fairness lets it wait.",
    ),
    "patient": (
        PatientProved,
        JOB,
        "scheduler() is enabled on the loop, but not all along: weak fairness lets it wait.",
    ),
    "s3-7-relock": (
        with_measures("s3-7-relock", RecursiveLockPool),
        LOCK,
        "reader(reader0) is not enabled there: 'the lock is free' is false.",
    ),
    "s3-7-stale-note": (
        with_measures("s3-7-stale-note", ProvedPool),
        PIN,
        "reader(reader0) is not enabled there: 'its bytes are there' is false.",
    ),
}


@pytest.mark.parametrize("wrong", BROKEN)
def test_a_broken_promise_has_a_loop_and_its_measure_is_refused(
    wrong: str, cache: ProofCache
) -> None:
    machine, broken, excuse = BROKEN[wrong]
    model = machine.instance(P=1, S=1)
    (kept,) = (kept for kept in check(model, bound="") if kept.promise.name == broken)
    assert kept.verdict.outcome is VIOLATED
    assert kept.lasso is not None
    assert f"  {excuse}" in lines_of(model, kept.lasso)
    assert refusal(model, broken, cache) is Rule.SOMEBODY_ABLE


def test_the_weak_statement_is_refused_where_no_search_finds_it_broken(
    cache: ProofCache,
) -> None:
    assert searched(WeaklyPromised)[PIN] is HOLDS
    assert refusal(WeaklyPromised.instance(P=1, S=1), PIN, cache) is Rule.SOMEBODY_ABLE


def test_only_its_promise_tells_that_a_scheduler_waits_for_readers() -> None:
    found = explore(PatientPool.instance(P=1, S=1), Options(engine=Engine.PYTHON))
    assert (found.complete, found.findings) == (True, ())
    assert searched(PatientPool) == {PIN: HOLDS, JOB: VIOLATED, LOCK: HOLDS}


# ---- what a try-lock answers


class Answered(TryLockPool):
    """A request that finds the lock held is dropped: answered, and not served."""

    @eventually(id="TEST", why=WHY, weak=("reader",))
    def answered(self, r: Reader) -> bool:
        "Every request is pinned or refused."
        require("a block is wanted", self.wants[r])
        return self.has[r] or not self.wants[r]


class Served(TryLockPool):
    """What a try-lock does not promise, to however fair a reader."""

    @eventually(id="TEST", why=WHY, strong=("reader",), weak=("scheduler", "complete", "order"))
    def served(self, r: Reader) -> bool:
        "A reader that is asked again and again has a block at last."
        require("a block is wanted", self.wants[r])
        return self.has[r]


def test_a_try_lock_that_is_fair_to_nobody_answers_every_request_and_may_serve_none() -> None:
    assert searched(Answered)["answered"] is HOLDS
    assert searched(Served)["served"] is VIOLATED
