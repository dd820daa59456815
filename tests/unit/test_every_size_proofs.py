"""What a proof for every size claims, refuses to claim, and says when it cannot."""

from __future__ import annotations

import pickle
from enum import Enum
from typing import Annotated

import pytest
import z3

from kvcheck.solve import every_size_step
from kvcheck.solve.every_size import (
    EverySizeEngine,
    EverySizeOptions,
    decide_every_size,
    refuted,
)
from kvcheck.solve.obligations import proof_plan
from kvcheck.solve.parallel import Task
from kvcheck.verdict import Evidence, Outcome
from kvspec.lang import (
    Capacity,
    Fifo,
    Machine,
    Map,
    Model,
    Range,
    Set,
    Size,
    Sort,
    UniqueFifo,
    action,
    assume,
    init,
    invariant,
    require,
)

OPTIONS = EverySizeOptions(timeout_seconds=30, resource_limit=4_000_000)


class Cup(Sort):
    """A thing in a row."""


class Guest(Sort):
    """Who holds cups."""


class Side(Enum):
    """Of the sink."""

    CLEAN = 0
    DIRTY = 1


LIMIT = Size("LIMIT")


class Sink(Machine):
    """Cups are taken and put back; each invariant is right unless its name says otherwise."""

    clean: UniqueFifo[Cup]
    count: Annotated[int, Range(0, Cup)]
    side: Map[Cup, Side]
    orders: Annotated[Fifo[Cup], Capacity(LIMIT)]
    uses: Map[Cup, Annotated[int, Range(0, LIMIT)]]
    held: Map[Guest, Set[Cup]]

    @classmethod
    def instance(cls) -> Model:
        """Three cups, two guests."""
        return cls.trace(sizes={"Cup": 3, "Guest": 2, "LIMIT": 2})

    @init
    def all_clean(self) -> None:
        "Every cup is clean and queued."
        self.clean.fill(c for c in Cup if self.side[c] == Side.CLEAN)
        self.count = len(self.clean)

    @action
    def take(self, g: Guest) -> None:
        "A guest takes the cup that has been clean longest."
        require("one is clean", len(self.clean) > 0)
        c = self.clean.pop()
        self.count -= 1
        self.side[c] = Side.DIRTY
        self.held[g].add(c)

    @action
    def wash(self, c: Cup) -> None:
        "A dirty cup is washed."
        require("it is dirty", self.side[c] == Side.DIRTY)
        self.side[c] = Side.CLEAN
        for g in Guest:
            self.held[g].discard(c)
        self.clean.push(c)
        self.count += 1

    @action
    def order(self, c: Cup) -> None:
        "A cup is asked for."
        require("the list has room", len(self.orders) < LIMIT)
        self.orders.push(c)

    @action
    def serve(self) -> None:
        "The oldest order is served."
        require("something is ordered", len(self.orders) > 0)
        self.orders.pop()

    @invariant(id="SINK-1", why="it is what the queue is for")
    def queued_iff_clean(self) -> bool:
        "A cup is queued exactly while it is clean."
        return all((c in self.clean) == (self.side[c] == Side.CLEAN) for c in Cup)

    @invariant(id="SINK-2", why="a counter drifts")
    def counted(self) -> bool:
        "The counter is the length of the queue."
        return self.count == len(self.clean)

    @invariant(id="SINK-3", why="nobody holds what is clean")
    def held_is_dirty(self) -> bool:
        "A held cup is dirty."
        return all(c not in self.held[g] or self.side[c] == Side.DIRTY for g in Guest for c in Cup)


class TrueOfThree(Sink):
    """A claim that holds at the stated size alone."""

    @invariant(id="SINK-4", why="it is true of three cups and not of four")
    def at_most_three(self) -> bool:
        "No more than three cups are queued."
        return len(self.clean) <= 3


class ForgetsToCount(Sink):
    """One line is missing."""

    @action
    def take(self, g: Guest) -> None:
        "A guest takes a cup, and the counter is not told."
        require("one is clean", len(self.clean) > 0)
        c = self.clean.pop()
        self.side[c] = Side.DIRTY
        self.held[g].add(c)


class AssertsInTheWrongOrder(Sink):
    """The first assertion would follow from the second."""

    @action
    def take(self, g: Guest) -> None:
        "Two checks, of which only the later one is a guard's."
        assert len(self.clean) > 0, "there is a cup"
        assert self.count > 0, "the counter says so too"
        c = self.clean.pop()
        self.count -= 1
        self.side[c] = Side.DIRTY


class StartsUsed(Sink):
    """It writes a 1 where, at some size, only a 0 fits."""

    @action
    def use(self, c: Cup) -> None:
        "A cup is used for the first time."
        self.uses[c] = 1


class StartsUsedOnce(StartsUsed):
    """The same, with what it assumed said."""

    @assume
    def one_use_fits(self) -> bool:
        "A cup may be used once."
        return LIMIT >= 1


class WalksTheQueue(Sink):
    """A loop over a queue has no meaning at every size."""

    @action
    def soil_all(self) -> None:
        "Every queued cup is soiled."
        for c in self.clean:
            self.side[c] = Side.DIRTY


def results(machine: type[Machine], options: EverySizeOptions = OPTIONS):
    model = machine.instance()
    plan = proof_plan(model)
    return {
        f"{goal.action}/{goal.subject}": decide_every_size(model, goal, options).verdict
        for goal in plan.to_prove
    }


def unproved(machine: type[Machine]) -> dict[str, Outcome]:
    found = results(machine)
    return {name: v.outcome for name, v in found.items() if v.outcome is not Outcome.HOLDS}


def test_every_obligation_of_a_right_design_is_proved_for_every_size():
    found = results(Sink)
    assert len(found) > 10
    assert {v.outcome for v in found.values()} == {Outcome.HOLDS}
    assert {v.evidence for v in found.values()} == {Evidence.PROVED}
    assert {v.bound for v in found.values()} == {"every size"}


def test_push_never_exceeds_capacity_and_counter_stays_in_range_are_among_the_proved():
    found = results(Sink)
    assert found["wash/push on the full queue clean"].outcome is Outcome.HOLDS
    assert found["wash/count is out of range"].outcome is Outcome.HOLDS
    assert found["take/count is out of range"].outcome is Outcome.HOLDS
    assert found["order/push on the full queue orders"].outcome is Outcome.HOLDS


def test_what_holds_at_the_stated_size_alone_is_not_proved():
    assert unproved(TrueOfThree) == {
        "all_clean/at_most_three": Outcome.INCONCLUSIVE,
        "wash/at_most_three": Outcome.INCONCLUSIVE,
    }


def test_a_missing_line_leaves_exactly_its_obligation_unproved():
    assert unproved(ForgetsToCount) == {"take/counted": Outcome.INCONCLUSIVE}


def test_an_assertion_may_not_use_the_one_behind_it():
    assert unproved(AssertsInTheWrongOrder) == {"take/there is a cup": Outcome.INCONCLUSIVE}


def test_a_limit_may_be_zero_unless_the_model_assumes_otherwise():
    assert unproved(StartsUsed) == {"use/uses is out of range": Outcome.INCONCLUSIVE}
    assert unproved(StartsUsedOnce) == {}


def test_a_construct_without_meaning_at_every_size_is_not_run_and_named():
    found = results(WalksTheQueue)
    gaps = {name: v for name, v in found.items() if v.outcome is not Outcome.HOLDS}
    assert set(gaps) == {name for name in found if name.startswith("soil_all/")}
    assert {v.outcome for v in gaps.values()} == {Outcome.NOT_RUN}
    assert all("a loop over the places of clean" in v.reason for v in gaps.values())


def test_no_time_is_inconclusive_and_says_so():
    (verdict, *_) = results(Sink, EverySizeOptions(resource_limit=1)).values()
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.evidence is Evidence.NONE
    assert "Z3 stopped" in verdict.reason


def test_one_obligation_alone_ends_as_it_does_in_a_task():
    model = ForgetsToCount.instance()
    goals = [g for g in proof_plan(model).to_prove if g.action == "take"]
    together = EverySizeEngine(OPTIONS).answers(Task(model, "take", tuple(goals)))
    alone = [next(EverySizeEngine(OPTIONS).answers(Task(model, "take", (g,)))) for g in goals]
    assert [(a.outcome, a.resources) for a in together] == [(a.outcome, a.resources) for a in alone]


def test_engine_travels_to_another_process():
    engine = EverySizeEngine(OPTIONS)
    assert pickle.loads(pickle.dumps(engine)) == engine
    assert pickle.loads(pickle.dumps(decide_every_size)) is decide_every_size


@pytest.mark.parametrize("name", ["all_clean", "take", "wash", "order", "serve"])
def test_what_is_assumed_of_an_action_is_not_contradictory(name):
    options = EverySizeOptions(timeout_seconds=30, resource_limit=500_000)
    assert refuted(Sink.instance(), name, options).result != z3.unsat


def test_a_planted_contradiction_is_found(monkeypatch):
    real = every_size_step.sum_facts
    bad = z3.Int("|Cup|") < z3.Int("|Cup|")
    monkeypatch.setattr(every_size_step, "sum_facts", lambda reading: [*real(reading), bad])
    assert refuted(Sink.instance(), "take", OPTIONS).result == z3.unsat
