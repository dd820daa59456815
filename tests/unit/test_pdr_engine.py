"""PDR proves without lemmas, hands the lemma back, and is believed in nothing."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from typing import Annotated

import pytest

from kvcheck.solve import pdr
from kvcheck.solve.bounded import Assertions
from kvcheck.solve.pdr import PROGRAMS, AbcAnswer, PdrOptions, prove_by_pdr
from kvcheck.solve.pdr_blif import UnreadableAnswer, choices_by_frame, cubes
from kvcheck.solve.pdr_stage import Pdr
from kvcheck.trace.path import FindingKind
from kvcheck.verdict import Evidence, Outcome
from kvspec.lang import Machine, Model, Range, UniqueFifo, action, init, invariant, require
from kvspec.lang.ir import Pop, PropertyKind, Require
from kvspec.lang.sorts import Sort

needs_abc = pytest.mark.skipif(
    not any(shutil.which(p) for p in PROGRAMS),
    reason="ABC is not installed: apt-get install berkeley-abc",
)
OPTIONS = PdrOptions(timeout_seconds=30)


class Light(Sort):
    """One of a few."""


class Lights(Machine):
    """Lights go on and off in turn; what is claimed is true and not inductive by itself."""

    lit: UniqueFifo[Light]
    turn: Annotated[int, Range(0, 3)]
    spare: Annotated[int, Range(0, 3)]

    @classmethod
    def instance(cls) -> Model:
        """Two lights."""
        return cls.trace(sizes={"Light": 2})

    @init
    def dark(self, first: Light) -> None:
        "One light is lit, whichever."
        self.lit.push(first)
        self.spare = 1

    @action
    def swap(self, x: Light) -> None:
        "Another light is lit and the old one put out."
        require("it is dark", x not in self.lit)
        self.lit.pop()
        self.lit.push(x)
        self.turn = 1 if self.turn == 0 else 0

    @action
    def rest(self) -> None:
        "The spare counter follows the turn."
        self.spare = 1 if self.turn == 0 else 2

    @invariant(id="LIGHT-1", why="three is never counted")
    def never_three(self) -> bool:
        "Neither counter comes to three."
        return self.turn + self.spare < 4

    @invariant(id="LIGHT-2", why="one light")
    def one_is_lit(self) -> bool:
        "One light is lit."
        return len(self.lit) == 1


class Flicker(Lights):
    """The wrong one."""

    @action
    def rest(self) -> None:
        "The spare counter runs away."
        require("there is room", self.spare < 3)
        self.spare = self.spare + 1


def names(model: Model) -> list[str]:
    return [p.name for p in model.of_kind(PropertyKind.INVARIANT)]


def decide(machine: type[Machine], only: str = ""):
    model = machine.instance()
    chosen = [only] if only else names(model)
    return prove_by_pdr(model, chosen, OPTIONS, clock=time.perf_counter)


@needs_abc
def test_a_property_that_is_not_inductive_is_proved_and_its_lemma_handed_back():
    result = decide(Lights)
    assert result.verdict.outcome is Outcome.HOLDS
    assert result.verdict.evidence is Evidence.PROVED_AT_SIZE
    assert result.verdict.bound == "Light=2"
    assert result.lemma is not None
    assert result.lemma.kind is PropertyKind.LEMMA


@needs_abc
def test_a_violation_is_a_run_from_an_initial_state():
    result = decide(Flicker, "never_three")
    assert result.verdict.outcome is Outcome.VIOLATED
    assert result.finding is not None
    assert result.finding.kind is FindingKind.INVARIANT
    assert result.finding.name == "never_three"
    assert len(result.finding.path.moves) >= 2


@needs_abc
def test_an_invariant_that_is_not_one_is_not_believed(monkeypatch):
    real = pdr._run_abc

    def lying(program, machine, options):
        answer = real(program, machine, options)
        assert "was asserted" in answer.text
        empty = ".i 1\n.o 1\n.ilb m0\n.ob inv\n.e\n"
        return AbcAnswer("Property proved.", empty, "")

    monkeypatch.setattr(pdr, "_run_abc", lying)
    result = decide(Flicker, "never_three")
    assert result.verdict.outcome is Outcome.INCONCLUSIVE
    assert "does not pass induction" in result.verdict.reason


@needs_abc
def test_the_stage_decides_each_property_by_itself():
    model = Flicker.instance()
    settled = Pdr(OPTIONS, time.perf_counter).settle(model, names(model), ())
    outcomes = {name: verdict.outcome for name, verdict in settled.verdicts.items()}
    assert outcomes == {"never_three": Outcome.VIOLATED, "one_is_lit": Outcome.HOLDS}
    assert [finding.name for finding in settled.findings] == ["never_three"]


@needs_abc
def test_a_run_that_the_evaluator_does_not_take_is_a_fault(monkeypatch):
    text = "".join(f"c{bit}@0=0\n" for bit in range(3))
    lie = AbcAnswer("Output 0 of miter was asserted in frame 0.", "", text)
    monkeypatch.setattr(pdr, "_run_abc", lambda program, machine, options: lie)
    model = Lights.instance()
    settled = Pdr(OPTIONS, time.perf_counter).settle(model, ["one_is_lit"], ())
    assert settled.verdicts == {}
    assert "ends without anything wrong" in settled.faults[0]


@needs_abc
def test_a_failing_assertion_is_found_unless_left_out():
    model = Lights.instance()
    swap, rest = model.actions
    careless = replace(swap, body=tuple(s for s in swap.body if not isinstance(s, Require | Pop)))
    mutant = replace(model, actions=(careless, rest))
    found = prove_by_pdr(mutant, ["never_three"], OPTIONS, clock=time.perf_counter)
    assert found.finding is not None
    assert found.finding.kind is FindingKind.ASSERTION
    assert found.finding.name == "swap"
    left_out = prove_by_pdr(
        mutant, ["never_three"], OPTIONS, clock=time.perf_counter, assertions=Assertions.LEFT_OUT
    )
    assert left_out.verdict.outcome is Outcome.HOLDS


def test_without_abc_it_is_not_run_and_says_how_to_install_it():
    options = PdrOptions(program="no-such-abc")
    model = Lights.instance()
    result = prove_by_pdr(model, names(model), options, clock=time.perf_counter)
    assert result.verdict.outcome is Outcome.NOT_RUN
    assert "apt-get install berkeley-abc" in result.verdict.reason


def test_an_invariant_file_is_read_as_cubes():
    text = "# by PDR\n.i 2\n.o 1\n.p 1\n.ilb m0 m3\n.ob inv\n-1 1\n0- 1\n.e\n"
    assert cubes(text) == ({3: True}, {0: False})


def test_a_counterexample_file_is_read_as_choices():
    text = "# FALSIFYING OUTPUTS: bad\nm0@0=0\nc0@0=1\nc1@0=1\nc0@1=0\nc1@1=1\n# DONE\n"
    assert choices_by_frame(text) == (3, 2)


@pytest.mark.parametrize("text", ["", ".ilb m0 m1\n- 1\n"])
def test_what_abc_should_not_write_is_refused(text):
    with pytest.raises(UnreadableAnswer):
        cubes(text)
