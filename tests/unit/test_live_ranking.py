"""Promises by their measure: toys whose answers are known, and what refuses a measure."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "toys"))

import measured
from waiting import WHY, Client, Light

from kvcheck.live import check, measure, ranking
from kvcheck.live.measure import Breach, Rule, confirm
from kvcheck.live.ranking import Ranked, rank
from kvcheck.live.telling import breach_lines
from kvcheck.solve.engines import StatedSize
from kvcheck.solve.kept_answers import KeptAnswers
from kvcheck.solve.obligations import proof_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.trace.path import Move, NotReproduced
from kvcheck.verdict import Evidence, Outcome
from kvspec.lang import Machine, Model, action, eventually, require
from kvspec.lang.errors import SpecError
from kvspec.lang.footprint import variables_written
from kvspec.lang.ir import Variable

REFUSED_AND_BROKEN = {
    measured.CountingOnNobody: Rule.SOMEBODY_ABLE,
    measured.CountingAgain: Rule.NO_RISE,
    measured.CountingInTurn: Rule.STAYS_ABLE,
    measured.Doorbell: Rule.STAYS_OPEN,
}
REFUSED_AND_KEPT = {
    measured.CountingUp: Rule.SOMEBODY_ABLE,
    measured.CountingNoise: Rule.NO_RISE,
    measured.CountingForgetful: Rule.STAYS_OPEN,
}


def clock() -> float:
    return 0.0


def ranked(model: Model, **options: Any) -> Ranked:
    (found,) = rank(model, bound="one size", options=SolveOptions(), clock=clock, **options)
    return found


def refusal(toy: type[Machine]) -> tuple[Model, Breach]:
    model = toy.instance()
    found = ranked(model)
    assert found.breach is not None
    return model, found.breach


def test_a_promise_with_a_measure_is_proved() -> None:
    verdict = ranked(measured.Counting.instance()).verdict
    assert (verdict.outcome, verdict.evidence) == (Outcome.HOLDS, Evidence.PROVED_AT_SIZE)
    assert verdict.bound == "one size, by its measure and no invariant"


def test_it_is_proved_where_no_search_would_end() -> None:
    model = measured.Counting.instance(C=14)
    assert ranked(model).verdict.outcome is Outcome.HOLDS
    (searched,) = check(model, bound="", states_max=10_000)
    assert searched.verdict.outcome is Outcome.INCONCLUSIVE


def test_a_proof_may_need_an_invariant_and_says_so() -> None:
    model = measured.CountingNoted.instance()
    assert ranked(model).verdict.bound == "one size, by its measure and 1 invariant"
    without = ranked(replace(model, properties=()))
    assert without.verdict.outcome is Outcome.INCONCLUSIVE
    assert without.breach is not None
    assert without.breach.rule is Rule.SOMEBODY_ABLE


def test_a_promise_is_made_to_each() -> None:
    class Each(measured.Counting):
        @eventually(id="TOY", why=WHY, weak=("complete",), measure=("way",))
        def comes_back(self, c: Client) -> bool:
            "Each copy is complete in the end."
            require("it is on its way", self.left[c])
            return not self.left[c]

        def way(self, c: Client) -> bool:
            return self.left[c]

    assert ranked(Each.instance()).verdict.outcome is Outcome.HOLDS


def test_a_thread_may_owe_it_once_it_is_said_where_threads_stand() -> None:
    model = measured.ToldDesk.instance()
    assert ranked(model).verdict.outcome is Outcome.HOLDS
    (searched,) = check(model, bound="")
    assert searched.verdict.outcome is Outcome.HOLDS
    untold = ranked(measured.Desk.instance())
    assert untold.breach is not None
    assert untold.breach.rule is Rule.SOMEBODY_ABLE, "the clerk might have gone home"
    unowed = replace(model, promises=(replace(model.promises[0], weak=()),))
    assert ranked(unowed).verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("toy", REFUSED_AND_BROKEN | REFUSED_AND_KEPT)
def test_a_wrong_measure_is_refused_by_its_rule(toy: type[Machine]) -> None:
    model = toy.instance()
    found = ranked(model)
    assert (found.verdict.outcome, found.verdict.evidence) == (Outcome.INCONCLUSIVE, Evidence.NONE)
    assert found.breach is not None
    assert found.breach.rule is (REFUSED_AND_BROKEN | REFUSED_AND_KEPT)[toy]
    (searched,) = check(model, bound="")
    is_broken = toy in REFUSED_AND_BROKEN
    assert searched.verdict.outcome is (Outcome.VIOLATED if is_broken else Outcome.HOLDS)


@pytest.mark.parametrize("toy", REFUSED_AND_BROKEN)
def test_without_its_rule_a_broken_promise_would_be_proved(
    toy: type[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ranking._Here.found

    def blind(here: Any, rule: Rule, *rest: Any) -> Any:
        return None if rule is REFUSED_AND_BROKEN[toy] else found(here, rule, *rest)

    monkeypatch.setattr(ranking._Here, "found", blind)
    assert ranked(toy.instance()).verdict.outcome is Outcome.HOLDS


def test_who_is_able_is_asked_again_only_after_a_step_that_writes_what_decides_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = measured.CountingInTurn.instance()
    asked = ranking._Asked(model, model.promises[0], (), SolveOptions())
    written = frozenset[Variable]().union(*(variables_written(a.body) for a in model.actions))
    assert any(written & asked.read_by(who) for who in asked.actors)
    monkeypatch.setattr(ranking._Asked, "read_by", lambda asked, who: frozenset())
    assert ranked(model).verdict.outcome is Outcome.HOLDS, "nobody looks who can no more"


def test_what_was_proved_of_states_is_looked_up_the_next_time(tmp_path: Path) -> None:
    model, cache = measured.CountingNoted.instance(), ProofCache(tmp_path)
    first, second = (ranked(model, cache=cache) for _ in range(2))
    assert first == second
    goals = proof_plan(model).to_prove
    kept = KeptAnswers(cache, StatedSize(SolveOptions(), clock).key()).known(model, goals)
    assert len(tuple(kept)) == len(goals)


def test_a_promise_without_measure_and_one_that_is_never_made_are_not_run() -> None:
    unmeasured = ranked(measured.CountingUnmeasured.instance()).verdict
    assert unmeasured.outcome is Outcome.NOT_RUN
    assert "states no measure" in unmeasured.reason

    class Never(measured.Counting):
        @eventually(id="TOY", why=WHY, weak=("look",), measure=("copies_left",))
        def comes_back(self) -> bool:
            "What is lent and not lent comes back."
            require("it is lent", self.is_lent)
            require("it is not lent", not self.is_lent)
            return not self.is_lent

    never = ranked(Never.instance()).verdict
    assert never.outcome is Outcome.NOT_RUN
    assert "no state that satisfies the invariants makes the promise" in never.reason


def test_an_assertion_that_may_fail_and_time_that_is_up_are_inconclusive() -> None:
    class Failing(measured.Counting):
        @action
        def hum(self) -> None:
            "Fails on the second hum."
            assert not self.is_noisy, "it is quiet"
            self.is_noisy = True

    failing = ranked(Failing.instance()).verdict
    assert failing.outcome is Outcome.INCONCLUSIVE
    assert "hum/it is quiet is not proved" in failing.reason
    late = ranked(measured.Counting.instance(), is_time_up=lambda: True).verdict
    assert (late.outcome, late.reason) == (Outcome.INCONCLUSIVE, "the time was up")


def test_the_words_show_the_step_and_the_measure() -> None:
    model, breach = refusal(measured.CountingNoise)
    (promise,) = model.promises
    assert breach_lines(model, promise, breach) == [
        "  in a state that satisfies the invariants and need not be reachable: is_lent = true",
        "  hum(): is_noisy false -> true",
        "  Copies on their way: 0 -> 0",
        "  noise: 0 -> 1",
        "  comes_back() counts on look() there.",
    ]


# ---- strong fairness, and a promise that another relies on

RELYING = {
    measured.RelyingCrossing: ("", Outcome.HOLDS),
    measured.RelyingWeakly: ("it is not so that somebody who steps in the end", Outcome.VIOLATED),
    measured.RelyingOnNobody: ("green_comes, on which it relies, is not proved", Outcome.VIOLATED),
    measured.RelyingOnRed: ("it is not so that somebody who steps in the end", Outcome.VIOLATED),
}


@pytest.mark.parametrize("toy", RELYING)
def test_who_is_strongly_fair_is_counted_on_if_a_promise_enables_it(toy: type[Machine]) -> None:
    reason, kept = RELYING[toy]
    model = toy.instance()
    found = rank(model, bound="one size", options=SolveOptions(), clock=clock)
    by_name = {one.promise.name: one for one in found}
    assert [one.promise for one in found] == list(model.promises)
    assert reason in by_name["served"].verdict.reason
    is_proved = by_name["served"].verdict.outcome is Outcome.HOLDS
    assert is_proved == (reason == "")
    searched = {one.promise.name: one.verdict.outcome for one in check(model, bound="")}
    assert searched["served"] is kept


def test_a_proof_that_relies_on_another_promise_names_it() -> None:
    model = measured.RelyingCrossing.instance()
    served, _ = sorted(
        rank(model, bound="one size", options=SolveOptions(), clock=clock),
        key=lambda one: one.promise.name != "served",
    )
    assert served.verdict.bound == "one size, by its measure, green_comes and no invariant"
    alone = replace(model, promises=(replace(served.promise, relies_on=""),))
    assert ranked(alone).verdict.outcome is Outcome.INCONCLUSIVE, "strong alone counts as weak"


@pytest.mark.parametrize("clients", [2, 4])
def test_whom_a_promise_is_about_is_counted_on_first(clients: int) -> None:
    found = rank(
        measured.RelyingLock.instance(C=clients), bound="", options=SolveOptions(), clock=clock
    )
    assert [one.verdict.outcome for one in found] == [Outcome.HOLDS, Outcome.HOLDS]


def test_in_another_order_a_client_would_be_counted_on_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (ranking, measure):
        monkeypatch.setattr(module, "is_alike", lambda *_: False)
    model = measured.RelyingLock.instance(C=3)
    found = rank(model, bound="", options=SolveOptions(), clock=clock)
    (other,) = [one for one in found if one.promise.relies_on]
    assert other.breach is not None
    assert other.breach.rule is Rule.STAYS_ABLE


class RelyingOnMore(measured.RelyingCrossing):
    @eventually(id="TOY", why=WHY, strong=("go",), relies_on="green_comes")
    def served(self) -> bool:
        "Nobody owes it a change."
        return not self.waits


class RelyingOnNothing(measured.RelyingCrossing):
    @eventually(id="TOY", why=WHY, strong=("go",), relies_on="red_comes")
    def served(self) -> bool:
        "There is no such promise."
        return not self.waits


class RelyingOnItself(measured.RelyingCrossing):
    @eventually(id="TOY", why=WHY, strong=("go",), weak=("change",), relies_on="served")
    def served(self) -> bool:
        "Round and round."
        return not self.waits


@pytest.mark.parametrize(
    ("toy", "said"),
    [
        (RelyingOnMore, "relies on green_comes, which asks more fairness than it does"),
        (RelyingOnNothing, "relies on 'red_comes', which is no promise that it can rely on"),
        (RelyingOnItself, "relies on 'served', which is no promise that it can rely on"),
    ],
)
def test_a_promise_relies_on_another_that_asks_no_more(toy: type[Machine], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        toy.instance()


# ---- what refuses a measure is executed again


@pytest.mark.parametrize("toy", REFUSED_AND_BROKEN)
def test_what_refuses_a_measure_refuses_it_by_no_other_rule(toy: type[Machine]) -> None:
    model, breach = refusal(toy)
    move = breach.move or Move("hum", ())
    confirm(model, model.promises[0], breach, ())
    for rule in set(Rule) - {breach.rule}:
        with pytest.raises(NotReproduced, match=r"in this state as well|gives"):
            confirm(model, model.promises[0], replace(breach, rule=rule, move=move), ())


def test_a_state_in_which_nothing_is_open_refuses_nothing() -> None:
    model, breach = refusal(measured.CountingNoise)
    closed = tuple(tuple(0 for _ in row) for row in breach.state)
    with pytest.raises(NotReproduced, match="is not open"):
        confirm(model, model.promises[0], replace(breach, state=closed), ())


def test_a_state_that_breaks_an_invariant_refuses_nothing() -> None:
    model = measured.CountingNoted.instance()
    found = ranked(replace(model, properties=()))
    assert found.breach is not None
    with pytest.raises(NotReproduced, match="an invariant is false"):
        confirm(model, model.promises[0], found.breach, model.properties)


# ---- the language


class Misnamed(measured.Counting):
    @eventually(id="TOY", why=WHY, measure=("copies",))
    def comes_back(self) -> bool:
        "Its measure is misspelt."
        return not self.is_lent


class OfAnother(measured.Counting):
    @eventually(id="TOY", why=WHY, measure=("of_one",))
    def comes_back(self) -> bool:
        "Its measure is about somebody."
        return not self.is_lent

    def of_one(self, c: Client) -> bool:
        return self.left[c]


class NoNumber(measured.Counting):
    light: Light

    @eventually(id="TOY", why=WHY, measure=("color",))
    def comes_back(self) -> bool:
        "Its measure is a name."
        return not self.is_lent

    def color(self) -> Light:
        return self.light


class Busy(measured.Counting):
    @eventually(id="TOY", why=WHY, measure=("work",))
    def comes_back(self) -> bool:
        "Its measure does something."
        return not self.is_lent

    def work(self) -> int:
        self.is_lent = False
        return 0


@pytest.mark.parametrize(
    ("toy", "said"),
    [
        (Misnamed, "'copies' measures nothing: Misnamed has no such method"),
        (OfAnother, "of_one has other parameters than its promise"),
        (NoNumber, "color returns .* which is no number"),
        (Busy, "has an effect or can fail inside a quantifier or property"),
    ],
)
def test_a_measure_is_a_method_of_a_number(toy: type[Machine], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        toy.instance()
