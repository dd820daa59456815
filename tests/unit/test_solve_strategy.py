"""Engines are tried in order, each on what is still open, and the firmest answer stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from small_machines import X, both, drift, fact, number, pair, x_is_y

from kvcheck.solve.engines import StatedSize
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.prove import ProveOptions
from kvcheck.solve.stages import Bounded, Induction, KInduction
from kvcheck.solve.strategy import Settled, required_evidence, settle_in_order
from kvcheck.trace.path import Start
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.ir import Operator, Read


def clock():
    return count(0.0, 0.001).__next__


def induction():
    return Induction(StatedSize(SolveOptions(), clock()), ProveOptions(jobs=0), clock())


def k_induction(k_max=3):
    return KInduction(k_max, SolveOptions(), clock())


def bounded(depth=6):
    return Bounded(depth, SolveOptions(), clock())


@dataclass
class Says:
    """A stage that says one thing of everything, and remembers what it was asked."""

    verdict: Verdict
    name: str = "says"
    interrupted: bool = False
    asked: list = field(default_factory=list)

    def settle(self, model, names, established):
        self.asked.append((tuple(names), tuple(established)))
        return Settled(dict.fromkeys(names, self.verdict), interrupted=self.interrupted)


def settle(model, *stages, **required):
    return settle_in_order(model, stages, required or required_evidence(model))


def test_what_induction_proves_no_later_stage_is_asked_about():
    later = Says(Verdict(Outcome.HOLDS, Evidence.BOUNDED, "depth 3"))
    result = settle(pair(), induction(), later)
    assert result.verdicts["x_is_y"].evidence is Evidence.PROVED_AT_SIZE
    assert (result.by["x_is_y"], later.asked) == ("induction", [])


def test_what_induction_leaves_open_k_induction_closes():
    result = settle(drift(), induction(), k_induction())
    assert result.verdicts["y_is_low"].outcome is Outcome.HOLDS
    assert result.by["y_is_low"] == "k-induction"


def test_a_violation_comes_with_a_run_from_the_start():
    wrong = fact("x_is_low", both(Operator.LE, Read(X, ()), number(1)))
    result = settle(pair(x_is_y(), wrong), induction(), bounded())
    assert result.verdicts["x_is_y"].outcome is Outcome.HOLDS
    assert result.verdicts["x_is_low"].outcome is Outcome.VIOLATED
    (finding,) = result.findings
    assert (finding.name, finding.start) == ("x_is_low", Start.INITIAL)


def test_bounded_evidence_does_not_satisfy_who_asked_for_a_proof():
    result = settle(drift(), bounded(), Says(Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, "")))
    assert result.verdicts["y_is_low"].evidence is Evidence.BOUNDED
    proof = Says(Verdict(Outcome.HOLDS, Evidence.PROVED_AT_SIZE, ""))
    settle(drift(), bounded(), proof)
    assert proof.asked == [(("y_is_low",), ())]
    settle(drift(), bounded(), enough := Says(proof.verdict), y_is_low=Evidence.BOUNDED)
    assert enough.asked == []


def test_what_is_established_is_told_to_later_stages():
    last = Says(Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, "", "tired"))
    wrong = fact("x_is_low", both(Operator.LE, Read(X, ()), number(1)))
    result = settle(pair(x_is_y(), wrong), induction(), last)
    assert last.asked == [(("x_is_low",), ("x_is_y",))]
    assert "tired" in result.verdicts["x_is_low"].reason


def test_an_interruption_ends_the_order_with_what_there_is():
    first = Says(Verdict(Outcome.HOLDS, Evidence.BOUNDED, ""), interrupted=True)
    second = Says(Verdict(Outcome.HOLDS, Evidence.PROVED, ""))
    result = settle(pair(), first, second)
    assert result.interrupted
    assert second.asked == []
    assert result.verdicts["x_is_y"].evidence is Evidence.BOUNDED


def test_a_property_that_nothing_was_said_of_is_not_run():
    assert settle(pair()).verdicts["x_is_y"].outcome is Outcome.NOT_RUN
