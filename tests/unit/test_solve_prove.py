"""What is reported as proved carries itself, whatever the cache, the processes or the clock do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import pytest
from small_machines import X, Y, both, fact, number, pair, queue, x_is_y

from kvcheck.solve.answer import Answer
from kvcheck.solve.engines import StatedSize
from kvcheck.solve.obligations import proof_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.parallel import Task, run_tasks
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.solve.prove import ProveOptions, prove
from kvcheck.verdict import Evidence, Outcome
from kvspec.lang.ir import BOOL, Apply, Assign, Operator, PropertyKind, Read

HERE = ProveOptions(jobs=0)


def engine(**options):
    return StatedSize(SolveOptions(**options), count().__next__)


def prove_here(model, cache=None, **options):
    given = replace(HERE, audit_hits=options.pop("audit_hits", 0))
    return prove(model, engine(**options), given, clock=count().__next__, cache=cache)


def test_everything_proved_is_proved_at_its_sizes():
    result = prove_here(queue())
    assert result.is_proved
    assert {o.verdict.evidence for o in result.obligations} == {Evidence.PROVED_AT_SIZE}
    assert {o.verdict.bound for o in result.obligations} == {"Block=3"}


def test_framed_obligations_are_listed_and_counted():
    result = prove_here(replace(queue(), properties=(*queue().properties, x_above_nothing())))
    assert result.framed == 2
    assert "Queue/induction/enter/x_above_nothing" in {o.id for o in result.obligations}


def x_above_nothing():
    return fact("x_above_nothing", both(Operator.LE, number(0), Read(X, ())))


def test_an_invariant_that_leans_on_an_unproved_one_is_not_proved():
    # x == y is kept by every step, but false at first, so that nothing may lean on it
    full_last = Apply(
        Operator.OR,
        (both(Operator.LT, Read(Y, ()), number(3)), both(Operator.EQ, Read(X, ()), number(3))),
        BOOL,
    )
    model = pair(x_is_y(), fact("leaning", full_last), x_above_nothing())
    start = model.init.body
    uneven = replace(model.init, body=(start[0], replace(start[1], value=number(1))))
    result = prove_here(replace(model, init=uneven))
    assert {p.name: p.verdict.outcome for p in result.properties} == {
        "x_is_y": Outcome.VIOLATED,
        "leaning": Outcome.INCONCLUSIVE,
        "x_above_nothing": Outcome.HOLDS,
    }
    leaning = next(o for o in result.obligations if o.id == "Pair/induction/up/leaning")
    assert leaning.verdict.outcome is Outcome.INCONCLUSIVE
    assert "x_is_y" in leaning.verdict.reason


def test_a_false_initial_state_is_a_violation():
    result = prove_here(pair(fact("x_is_one", both(Operator.EQ, Read(X, ()), number(1)))))
    (verdict,) = [p.verdict for p in result.properties]
    assert verdict.outcome is Outcome.VIOLATED


def test_a_counterexample_to_induction_is_no_violation_of_the_invariant():
    result = prove_here(queue(count_on_leave=False))
    (broken,) = [o for o in result.obligations if o.verdict.outcome is Outcome.VIOLATED]
    assert broken.counterexample_to_induction
    assert {p.name: p.verdict.outcome for p in result.properties}["counted"] is (
        Outcome.INCONCLUSIVE
    )


# ---- the cache -----------------------------------------------------------------------------------


def test_a_second_run_finds_every_step_in_the_cache(tmp_path):
    cache = ProofCache(tmp_path)
    first, second = prove_here(queue(), cache), prove_here(queue(), cache)
    assert (first.from_cache, second.solved) == (0, 0)
    assert [o.verdict for o in first.obligations] == [o.verdict for o in second.obligations]


def test_a_violation_from_the_cache_is_shown_again(tmp_path):
    cache = ProofCache(tmp_path)
    model = queue(count_on_leave=False)
    first, second = prove_here(model, cache), prove_here(model, cache)
    assert second.solved == 0
    assert first.broken == second.broken


def test_what_a_reader_sees_is_no_part_of_the_key_and_what_z3_sees_is(tmp_path):
    cache = ProofCache(tmp_path)
    model = queue()
    prove_here(model, cache)
    first = model.properties[0]
    retold = replace(
        model,
        sentence="New.",
        properties=(replace(first, sentence="New.", why="x"), *model.properties[1:]),
        actions=tuple(replace(a, sentence="New.") for a in model.actions),
    )
    assert prove_here(retold, cache).solved == 0
    assert prove_here(model, cache, seed=1).from_cache == 0
    assert prove_here(model, cache, timeout_seconds=7).solved == 0
    other = replace(model, properties=(*model.properties, x_above_nothing()))
    assert prove_here(other, cache).from_cache == 0


def test_an_assumption_about_the_constants_is_part_of_the_key(tmp_path):
    cache = ProofCache(tmp_path)
    model = queue()
    prove_here(model, cache)
    assumed = fact("one", both(Operator.EQ, number(1), number(1)), kind=PropertyKind.ASSUMPTION)
    assert prove_here(replace(model, properties=(*model.properties, assumed)), cache).solved


def test_inconclusive_is_never_cached(tmp_path):
    cache = ProofCache(tmp_path)
    first = prove_here(queue(), cache, resource_limit=1)
    again = prove_here(queue(), cache, resource_limit=1)
    unclear = [o.id for o in first.obligations if o.verdict.outcome is Outcome.INCONCLUSIVE]
    assert unclear
    assert not [o for o in again.obligations if o.id in unclear and o.from_cache]


def test_an_audit_solves_hits_again_and_faults_a_lie(tmp_path):
    cache = ProofCache(tmp_path)
    prove_here(queue(), cache)
    assert prove_here(queue(), cache, audit_hits=3).solved == 3
    rows = cache._connection.execute("SELECT key, payload FROM proofs").fetchall()
    for key, payload in rows:
        cache.put(key, payload.replace('"holds"', '"violated"'))
    faults = prove_here(queue(), cache, audit_hits=3).faults
    assert "the cache says violated" in faults[0].message


def test_a_cached_lie_about_a_state_is_not_believed(tmp_path):
    cache = ProofCache(tmp_path)
    model = queue(count_on_leave=False)
    prove_here(model, cache)
    rows = cache._connection.execute("SELECT key, payload FROM proofs").fetchall()
    for key, payload in rows:
        cache.put(key, payload.replace('"moves":[["leave",[', '"moves":[["enter",['))
    again = prove_here(model, cache)
    assert again.solved == 1
    assert "not believed" in again.warnings[0]


# ---- processes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stubborn:
    """An engine that dies on `fatal`, hangs on `slow`, raises on `raising`; else it is content."""

    fatal: str = ""
    slow: str = ""
    raising: str = ""

    def answers(self, task: Task) -> Iterator[Answer]:
        for goal in task.goals:
            if goal.subject == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            if goal.subject == self.slow:
                time.sleep(60)
            if goal.subject == self.raising:
                raise RuntimeError("as asked")
            yield Answer(goal, Outcome.HOLDS, 0.0)


def run_queue(stubborn, *, jobs=1, watchdog_seconds=0.0):
    plan = proof_plan(queue())
    tasks = [
        Task(queue(), name, tuple(g for g in plan.to_prove if g.action == name))
        for name in ("start", "enter", "leave")
    ]
    return plan.to_prove, run_tasks(
        tasks,
        stubborn,
        jobs=jobs,
        watchdog_seconds=watchdog_seconds,
        clock=time.monotonic,
    )


def test_answers_come_in_the_order_of_the_tasks():
    goals, batch = run_queue(Stubborn(), jobs=2)
    assert [answer.obligation for answer in batch.answers] == list(goals)
    assert not batch.interrupted


def test_a_worker_that_dies_is_a_fault_with_a_name_and_the_rest_goes_on():
    goals, batch = run_queue(Stubborn(fatal="the line is not empty"))
    (fault,) = batch.faults
    assert fault.obligation.subject == "the line is not empty"
    assert "exit code -9" in fault.message
    assert len(batch.answers) == len(goals) - 1


@pytest.mark.parametrize("jobs", [0, 1])
def test_an_engine_that_raises_is_a_fault_with_a_name_and_the_rest_goes_on(jobs):
    goals, batch = run_queue(Stubborn(raising="counted"), jobs=jobs)
    assert {fault.message for fault in batch.faults} == {"RuntimeError: as asked"}
    assert len(batch.faults) == 3
    assert len(batch.answers) == len(goals) - 3


def test_a_worker_that_hangs_is_stopped_and_its_obligation_inconclusive():
    goals, batch = run_queue(Stubborn(slow="the line has room"), watchdog_seconds=3.0)
    slow = [a for a in batch.answers if a.outcome is not Outcome.HOLDS]
    assert [a.obligation.subject for a in slow] == ["the line has room"]
    assert slow[0].outcome is Outcome.INCONCLUSIVE
    assert len(batch.answers) == len(goals)


def test_an_interruption_keeps_what_was_finished():
    plan = proof_plan(queue())
    tasks = [Task(queue(), "enter", tuple(g for g in plan.to_prove if g.action == "enter"))]

    def interrupt(answer: Answer) -> None:
        if answer.obligation.number == 1:
            raise KeyboardInterrupt

    batch = run_tasks(
        tasks, Stubborn(), jobs=1, watchdog_seconds=0, clock=time.monotonic, observe=interrupt
    )
    assert batch.interrupted
    assert len(batch.answers) == 2


def test_a_fault_of_the_tool_is_neither_proved_nor_violated():
    model = pair()
    up = model.actions[0]
    bare = replace(up, body=tuple(s for s in up.body if isinstance(s, Assign)))
    result = prove_here(replace(model, actions=(bare, *model.actions[1:])))
    outcomes = {o.verdict.outcome for o in result.obligations if "/up/" in o.id}
    assert outcomes == {Outcome.NOT_RUN}
    assert "UntypedWrite" in result.faults[0].message
    assert not result.is_proved
