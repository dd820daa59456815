"""Pins, retention and offload refine the contract; their wrong designs and mappings do not."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from kvcheck.explore import AfterViolation, Engine, Options, explore
from kvcheck.refine import MAPPED, design_of, refinement_alone, under_contract
from kvcheck.solve import ProveOptions, SolveOptions, StatedSize, prove
from kvcheck.solve.every_size import EverySizeOptions, decide_every_size
from kvcheck.solve.obligations import proof_plan
from kvcheck.verdict import Evidence, Outcome
from kvspec.bugs import BUGS
from kvspec.lang.ir import Model
from kvspec.models import MACHINES

OTHERS = [name for name in MAPPED if name != "tiers"]
"""`tiers` has files of its own: test_contract_machine.py and test_contract_refinement.py."""


def seen(model: Model) -> set[str]:
    "What fails in a search that goes on after the first failure."
    options = Options(engine=Engine.PYTHON, after_violation=AfterViolation.CONTINUE)
    return {
        found.finding.message or found.finding.name for found in explore(model, options).findings
    }


@pytest.mark.parametrize(
    ("design", "states"), [("pins", 468), ("retention", 3_744), ("offload", 174)]
)
def test_each_step_of_the_design_is_a_contract_step_or_a_stutter(design: str, states: int) -> None:
    result = explore(MAPPED[design].instance(P=2, S=1), Options(engine=Engine.PYTHON))
    assert (result.complete, result.findings, result.states) == (True, (), states)
    alone = explore(MACHINES[design].instance(P=2, S=1), Options(engine=Engine.PYTHON))
    assert alone.states == states, "the contract takes no state away, and its books add none"


@pytest.mark.parametrize("design", ["retention", "offload"])
def test_the_refinement_is_inductive_at_a_stated_size(design: str) -> None:
    engine = StatedSize(SolveOptions(), count().__next__)
    result = prove(
        MAPPED[design].instance(P=1, S=1), engine, ProveOptions(jobs=0), clock=lambda: 0.0
    )
    assert result.is_proved
    assert sum("the contract's " in o.id for o in result.obligations) >= 5


def test_the_refinement_of_pins_is_proved_for_every_size() -> None:
    model = MAPPED["pins"].instance(P=1, S=1)
    verdicts = {
        obligation.id: decide_every_size(model, obligation, EverySizeOptions()).verdict
        for obligation in proof_plan(model).to_prove
    }
    assert len(verdicts) == 132
    assert not [id for id, v in verdicts.items() if v.evidence is not Evidence.PROVED]


def test_what_a_wrong_design_owes_the_contract_has_a_step_that_breaks_it() -> None:
    model = under_contract(BUGS["s1-5-moved"].machine).instance(P=1, S=1)
    engine = StatedSize(SolveOptions(), count().__next__)
    result = prove(model, engine, ProveOptions(jobs=0), clock=lambda: 0.0)
    broken = [o for o in result.obligations if o.verdict.outcome is Outcome.VIOLATED]
    assert "onboard/pins_are_pins" in {"/".join(o.id.split("/")[-2:]) for o in broken}


BY_CONTRACT = {
    "inv-06-half-exchange": "users_are_holders",
    "inv-11-not-put-back": "available_is_queued",
    "inv-56-left-behind": "users_are_holders",
    "s1-2-early-release": "remove of what is not in free",
    "s1-2-lost-victim": "available_is_to_be_had",
    "s1-2-wrong-release": "available_is_to_be_had",
    "s1-4-clamped": "counts_agree",
    "s1-4-expiry-counted": "counts_agree",
    "s1-4-forgotten": "counts_agree",
    "s1-5": "available_is_queued",
    "s1-5-kept": "available_is_queued",
    "s1-5-moved": "pins_are_pins",
    "s1-6-demoted-in-place": "available_is_queued",
}
"""By what the refinement sees each bug."""
BY_ITSELF = {
    "inv-10-uncounted-hold": "refs is out of range",
    "s1-2-late-claim": "remove of what is not in free",
    "s1-2-second-claim": "remove of what is not in free",
    "s1-4-wrong-level": "nfree is out of range",
    "s1-6-expires-in-use": "remove of what is not in free",
}
"""Bugs that an assertion of the design's own stops before the contract can follow them."""
UNSEEN = {"inv-12-hit-in-host", "inv-56-backwards", "s1-6", "s1-6-idle-alarm", "s1-6-unworthy"}
"""The contract has no word for levels, bytes, priorities or times."""


def alone(name: str) -> Model:
    bug = BUGS[name]
    sizes = {"P": 1, "S": 1, **bug.sizes}
    whole = under_contract(bug.machine).instance(**sizes)
    return refinement_alone(whole, MACHINES[bug.design].instance(**sizes))


@pytest.mark.parametrize("name", [*BY_CONTRACT, *BY_ITSELF])
def test_a_known_bug_is_no_refinement(name: str) -> None:
    assert {**BY_CONTRACT, **BY_ITSELF}[name] in seen(alone(name))


@pytest.mark.parametrize("name", sorted(UNSEEN))
def test_what_the_contract_has_no_word_for_it_does_not_see(name: str) -> None:
    assert seen(alone(name)) == set()


def test_every_bug_of_the_designs_is_placed() -> None:
    placed = {*BY_CONTRACT, *BY_ITSELF, *UNSEEN}
    of_designs = {bug.id for bug in BUGS.values() if design_of(bug.machine) in OTHERS}
    assert placed <= of_designs
    unplaced = {name for name in of_designs - placed if not seen(alone(name))}
    assert not unplaced, "a bug that the refinement does not see is listed with the reason"


@pytest.mark.parametrize("design", OTHERS)
@pytest.mark.parametrize("left_out", ["allocate", "release"])
def test_a_mapping_that_leaves_a_step_out_is_found(
    design: str, left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"kvcheck.refine.{design}"
    calls_of = __import__(module, fromlist=["calls_of"]).calls_of
    monkeypatch.setattr(f"{module}.calls_of", lambda model: {**calls_of(model), left_out: ()})
    assert seen(MAPPED[design].instance(P=1, S=1))


def test_a_pin_that_is_told_as_a_take_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from kvcheck.refine import pins

    own = pins.calls_of

    def told(model: Model) -> object:
        calls = dict(own(model))
        (taken,) = calls["allocate"]
        (pinned,) = calls["pin"]
        return {
            **calls,
            "pin": (replace(taken, arguments=(*pinned.arguments, taken.arguments[1])),),
        }

    monkeypatch.setattr(pins, "calls_of", told)
    assert "pins_are_pins" in seen(MAPPED["pins"].instance(P=1, S=1))


def test_a_design_that_hands_out_no_block_has_no_mapping() -> None:
    assert design_of(MACHINES["copies"]) == ""
    assert [design_of(under) for under in MAPPED.values()] == list(MAPPED)
