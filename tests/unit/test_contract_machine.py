"""The contract holds, each of its invariants can fail, and the tiered pool refines it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kvcheck.explore import AfterViolation, Coverage, Engine, Options, explore
from kvcheck.refine import TieredUnderContract, calls_of, product, under_contract
from kvcheck.solve.every_size import EverySizeOptions, decide_every_size
from kvcheck.solve.obligations import proof_plan
from kvcheck.verdict import Evidence
from kvspec.bugs import BUGS
from kvspec.contract import Contract, Key, Place, Traffic, User
from kvspec.lang import action, require
from kvspec.lang.ir import PropertyKind
from kvspec.models.tiers import TieredPool


def searched(model, after=AfterViolation.STOP):
    options = Options(engine=Engine.PYTHON, coverage=Coverage.ON, after_violation=after)
    return explore(model, options)


def seen(result):
    return {found.finding.message or found.finding.name for found in result.findings}


class GivenWhilePinned(Contract):
    @action
    def unpin(self, p: Place) -> None:
        "The outsider lets go, and the place is put back though a user has it."
        require("it is pinned", self.pinned[p] > 0)
        self.pinned[p] -= 1
        self.available[p] = True
        self.available_count = sum(1 for q in Place if self.available[q])


class NeverBack(Contract):
    @action
    def settle(self, p: Place) -> None:
        "Nobody puts the place back after its copy."
        require("a copy uses it", self.traffic[p] != Traffic.NONE)
        self.traffic[p] = Traffic.NONE


class Uncounted(Contract):
    @action
    def take(self, p: Place, u: User) -> None:
        "The counter is not told."
        require("nobody uses it", self.is_unused(p))
        require("it keeps nothing", not self.filled[p])
        self.available[p] = False
        self.users[p].add(u)


class TakenTwice(Contract):
    @action
    def take(self, p: Place, u: User) -> None:
        "A place that somebody writes is handed out once more."
        require("it is not pinned", self.pinned[p] == 0)
        require("it keeps nothing", not self.filled[p])
        self.claim(p)
        self.users[p].add(u)


class FilledWhileRead(Contract):
    @action
    def fill(self, p: Place, u: User, k: Key) -> None:
        "A place is filled while a copy reads what was there."
        require("the user uses it", u in self.users[p])
        require("nobody else uses it", len(self.users[p]) == 1)
        require("it is not filled yet", not self.filled[p])
        require("the key is not known yet", not self.known[k])
        self.filled[p] = True
        self.content[p] = k
        self.known[k] = True
        self.place_of[k] = p


class KeyKept(Contract):
    @action
    def evict(self, p: Place) -> None:
        "The content is forgotten, and its key still finds the place."
        require("it is available", self.available[p])
        require("it keeps something", self.filled[p])
        self.filled[p] = False


MUTANTS = {
    "available_is_idle": GivenWhilePinned,
    "idle_is_available": NeverBack,
    "count_is_true": Uncounted,
    "writer_is_alone": TakenTwice,
    "source_is_not_overwritten": FilledWhileRead,
    "hit_returns_its_content": KeyKept,
}


def test_the_contract_holds_in_every_state_of_a_small_instance() -> None:
    result = searched(Contract.instance())
    assert (result.complete, result.findings, result.states) == (True, (), 3_624)
    assert result.goals_unreached == ()
    assert result.actions_never_enabled == ()


@pytest.mark.parametrize("name", MUTANTS)
def test_each_sentence_of_the_contract_can_fail(name: str) -> None:
    assert name in seen(searched(MUTANTS[name].instance()))


def test_each_sentence_has_a_mutant() -> None:
    owed = Contract.instance().of_kind(PropertyKind.INVARIANT)
    assert {prop.name for prop in owed} == set(MUTANTS)


def test_the_contract_is_proved_for_every_size() -> None:
    model = Contract.instance()
    verdicts = {
        obligation.id: decide_every_size(model, obligation, EverySizeOptions()).verdict
        for obligation in proof_plan(model).to_prove
    }
    open_ones = [id for id, v in verdicts.items() if v.evidence is not Evidence.PROVED]
    assert len(verdicts) == 59
    assert not open_ones


class CountsOneTwice(Contract):
    @action
    def move(self, p: Place, q: Place) -> None:
        "The source is counted down once more, in place of the target."
        require("the source is available", self.available[p])
        require("the source keeps something", self.filled[p])
        require("the target is available", self.available[q])
        require("the target keeps nothing", not self.filled[q])
        self.claim(p)
        self.available_count -= 1
        assert self.available_count == sum(1 for x in Place if self.available[x]), (
            "the count is true between the two"
        )
        self.traffic[p] = Traffic.READ
        self.traffic[q] = Traffic.WRITTEN


def test_between_the_two_claims_of_a_move_a_wrong_count_is_not_proved() -> None:
    model = CountsOneTwice.instance()
    (obligation,) = (o for o in proof_plan(model).to_prove if "between the two" in o.id)
    verdict = decide_every_size(model, obligation, EverySizeOptions()).verdict
    assert verdict.evidence is not Evidence.PROVED
    assert "the count is true between the two" in seen(searched(model))


@pytest.mark.parametrize(("sizes", "states"), [({"P": 1, "S": 1}, 192), ({"P": 2, "S": 1}, 41_472)])
def test_the_tiered_pool_refines_the_contract(sizes: dict[str, int], states: int) -> None:
    model = TieredUnderContract.instance(**sizes)
    result = explore(model, Options(engine=Engine.AUTO))
    assert (result.complete, result.findings, result.states) == (True, (), states)


LOOSE = {
    "s1-1": "remove of what is not in free",
    "s1-4-uncounted-pin": "counts_agree",
    "inv-02-early-push": "counts_agree",
    "inv-03-queued-in-flight": "available_is_queued",
    "inv-07-half-swap": "users_are_holders",
    "inv-10-kept-reference": "available_is_queued",
    "inv-11-forgotten": "available_is_queued",
    "inv-20-shared-writer": "the contract's share: the key is known",
    "inv-27-early-fill": "the contract's fill: no copy uses it",
    "kv-001": "available_is_queued",
}
"""By what the refinement sees each bug; the first is stopped by the design's own assertion."""
UNSEEN = {"inv-12-reused-in-host"}
"""The contract knows no levels, so whether a hit is served from host memory is not its business."""


def test_every_bug_of_the_tiered_pool_is_placed() -> None:
    assert {b.id for b in BUGS.values() if b.design == "tiers"} == set(LOOSE) | UNSEEN


@pytest.mark.parametrize("name", LOOSE)
def test_a_known_bug_is_no_refinement(name: str) -> None:
    bug = BUGS[name]
    model = under_contract(bug.machine).instance(**{"P": 1, "S": 1, **bug.sizes})
    assert LOOSE[name] in seen(searched(model))


@pytest.mark.parametrize("name", UNSEEN)
def test_what_the_contract_has_no_word_for_it_does_not_see(name: str) -> None:
    bug = BUGS[name]
    model = under_contract(bug.machine).instance(**{"P": 1, "S": 1, **bug.sizes})
    own = {prop.name for prop in TieredPool.instance(P=1, S=1).properties}
    found = seen(searched(model, AfterViolation.CONTINUE))
    assert found
    assert found <= own


def wrongly_mapped(change):
    """The tiered pool with the contract's books kept by another mapping."""

    def mapped(design):
        return change(dict(calls_of(design)))

    return mapped


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a step is left out", lambda calls: {**calls, "release": ()}),
        ("a move is no move", lambda calls: {**calls, "offload_allocate": calls["allocate"]}),
        (
            "a pin is a take back",
            lambda calls: {**calls, "pin": tuple(replace(c, action="unpin") for c in calls["pin"])},
        ),
    ],
)
def test_a_wrong_mapping_is_found(what: str, change, monkeypatch) -> None:
    monkeypatch.setattr("kvcheck.refine.tiers.calls_of", wrongly_mapped(change))
    assert seen(searched(TieredUnderContract.instance(P=1, S=1))), what


def test_a_mapping_of_what_the_design_lacks_is_refused() -> None:
    design = TieredPool.instance(P=1, S=1)
    with pytest.raises(KeyError, match="no action jump"):
        product(design, Contract.instance(), {"jump": ()}, {})
