"""Promises of toys whose answers are known, the shortest loops that break them; the language."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "toys"))

import waiting
from peterson import Peterson
from waiting import WHY

from kvcheck.live import check
from kvcheck.live.lasso import Lasso, confirm
from kvcheck.live.telling import lines_of
from kvcheck.trace.path import Move, NotReproduced
from kvcheck.verdict import Evidence, Outcome
from kvspec.lang import Machine, action, eventually, init
from kvspec.lang.errors import SpecError

KEPT = (waiting.Crossing, waiting.Lock)
BROKEN = {
    waiting.WeakCrossing: (1, 2),
    waiting.StuckCrossing: (1, 0),
    waiting.WeakLock: (2, 3),
    waiting.ForgottenLock: (3, 0),
}


def broken(machine: type[Machine]) -> Lasso:
    (kept,) = check(machine.instance(), bound="")
    assert kept.lasso is not None
    return kept.lasso


@pytest.mark.parametrize("machine", KEPT)
def test_a_promise_that_fairness_keeps_holds(machine: type[Machine]) -> None:
    (kept,) = check(machine.instance(), bound="here")
    assert (kept.verdict.outcome, kept.verdict.evidence) == (Outcome.HOLDS, Evidence.EXHAUSTED)
    assert kept.verdict.bound.startswith("here, ")
    assert kept.lasso is None


@pytest.mark.parametrize("machine", BROKEN)
def test_a_broken_promise_comes_with_the_shortest_way_to_a_loop(machine: type[Machine]) -> None:
    lasso = broken(machine)
    assert (len(lasso.stem.moves), len(lasso.loop)) == BROKEN[machine]
    confirm(machine.instance(), lasso)


def test_a_promise_that_is_never_made_is_not_run() -> None:
    (kept,) = check(waiting.EmptyCrossing.instance(), bound="")
    assert kept.verdict.outcome is Outcome.NOT_RUN


def test_a_graph_that_is_cut_concludes_nothing() -> None:
    (kept,) = check(waiting.Lock.instance(), bound="", states_max=5)
    assert (kept.verdict.outcome, kept.lasso) == (Outcome.INCONCLUSIVE, None)
    assert "more than 5 states" in kept.verdict.reason
    (kept,) = check(waiting.WeakLock.instance(), bound="", is_time_up=lambda: True)
    assert kept.verdict.outcome is Outcome.INCONCLUSIVE
    assert "time was up" in kept.verdict.reason


def test_no_promise_is_an_empty_answer() -> None:
    assert check(Peterson.instance(), bound="") == ()


def test_an_assertion_that_fails_concludes_nothing() -> None:
    class Asserting(waiting.Crossing):
        @action
        def change(self) -> None:
            "The light changes only once."
            assert not self.waits, "nobody waits"

    (kept,) = check(Asserting.instance(), bound="")
    assert kept.verdict.outcome is Outcome.INCONCLUSIVE
    assert "an assertion of change fails" in kept.verdict.reason


# ---- a lasso is believed only when it was run again


def test_a_loop_that_is_no_loop_is_not_believed() -> None:
    lasso = broken(waiting.WeakCrossing)
    with pytest.raises(NotReproduced, match="does not come back"):
        confirm(waiting.WeakCrossing.instance(), replace(lasso, loop=lasso.loop[:1]))


def test_a_loop_that_is_unfair_is_not_believed() -> None:
    lasso = broken(waiting.WeakCrossing)
    with pytest.raises(NotReproduced, match=r"not fair to change"):
        confirm(waiting.WeakCrossing.instance(), replace(lasso, loop=()))
    strong = waiting.Crossing.instance()
    with pytest.raises(NotReproduced, match=r"not fair to go"):
        confirm(strong, replace(lasso, promise=strong.promises[0]))


def test_a_loop_on_which_the_promise_is_met_or_never_made_is_not_believed() -> None:
    lasso = broken(waiting.WeakCrossing)
    idle = replace(lasso, stem=replace(lasso.stem, moves=()))
    with pytest.raises(NotReproduced, match="is met, or never made"):
        confirm(waiting.WeakCrossing.instance(), idle)
    served = Move("go", ())
    loop = (lasso.loop[0], served, Move("arrive", ()), lasso.loop[1])
    with pytest.raises(NotReproduced, match="is met, or never made"):
        confirm(waiting.WeakCrossing.instance(), replace(lasso, loop=loop))


def test_a_run_from_elsewhere_or_with_a_step_that_is_none_is_not_believed() -> None:
    model, lasso = waiting.WeakCrossing.instance(), broken(waiting.WeakCrossing)
    elsewhere = replace(lasso, stem=replace(lasso.stem, start=((1,), (1,))))
    with pytest.raises(NotReproduced, match="initial state"):
        confirm(model, elsewhere)
    with pytest.raises(NotReproduced, match="Disabled"):
        confirm(model, replace(lasso, loop=(*lasso.loop, Move("arrive", ()))))


def test_the_words_tell_the_loop_and_why_it_is_fair() -> None:
    lines = lines_of(waiting.WeakCrossing.instance(), broken(waiting.WeakCrossing))
    assert lines[0].startswith("served() is never met: A car that waits goes")
    assert "  1. arrive(): waits false -> true" in lines
    assert lines.index("  and from here for ever:") == 2
    assert any("go() is enabled on the loop, but not all along" in line for line in lines)
    assert any("change() steps on the loop" in line for line in lines)
    stuck = lines_of(waiting.ForgottenLock.instance(), broken(waiting.ForgottenLock))
    assert "  and nothing more needs to happen:" in stuck
    assert any("client(client0) is not enabled there: 'free' is false" in line for line in stuck)


# ---- the language


def test_fairness_of_nobody_is_refused() -> None:
    class Misnamed(waiting.Crossing):
        @eventually(id="TOY", why=WHY, weak=("gone",))
        def served(self) -> bool:
            "Misnamed."
            return not self.waits

    with pytest.raises(SpecError, match=r"'gone', which is no action or thread.*There are arrive"):
        Misnamed.instance()


def test_a_promise_that_acts_is_refused() -> None:
    class Acting(waiting.Crossing):
        @eventually(id="TOY", why=WHY)
        def served(self) -> bool:
            "Acts."
            self.waits = False
            return not self.waits

    with pytest.raises(SpecError, match="does more than `require` and return"):
        Acting.instance()


def test_a_promise_returns_a_formula() -> None:
    class Vague(Machine):
        n: bool

        @init
        def start(self) -> None:
            "Anyhow."

        @action
        def go(self) -> None:
            "Anywhere."
            self.n = True

        @eventually(id="TOY", why=WHY)
        def done(self) -> int:
            "A number."
            return 3

    with pytest.raises(SpecError, match="not a bool"):
        Vague.trace(sizes={})
