"""Three formalisms, one set: the axioms and the design allow exactly what the device reaches.

Every program of the suite is modelled by all three, so nothing is left out of the comparison; a
wrong rule planted in the axioms or in the design is told by a named program.
"""

from __future__ import annotations

import pytest

from kvcheck.litmus import SUITE
from kvcheck.litmus.axioms import Axioms, Bound, Term, by_axioms
from kvcheck.litmus.nodes import Node
from kvcheck.litmus.operational import by_design
from kvspec.lang import action, require
from kvspec.models.streams import Line, Stream, StreamOrder, Verb


@pytest.mark.parametrize("name", SUITE)
def test_the_axioms_allow_exactly_what_is_allowed_and_race_where_a_race_is(name: str) -> None:
    test = SUITE[name]
    seen = by_axioms(test.program)
    assert (seen.outcomes, seen.is_racy, seen.is_complete) == (test.allowed, test.is_racy, True)


@pytest.mark.parametrize("name", SUITE)
def test_the_design_ends_in_exactly_what_is_allowed(name: str) -> None:
    test = SUITE[name]
    seen = by_design(test.program)
    assert (seen.outcomes, seen.is_complete) == (test.allowed, True)


class WaitsForTheLaterRecord(Axioms):
    "The planted mistake: a wait is bound to any record of its event, earlier or later."

    def recording(self, call: Node, name: str) -> Bound:
        records = [w for w in self.works if w.step.verb.value == "record" and w.step.on == name]
        return [(work, self.true) for work in records]


class LegacyFencesNothing(Axioms):
    "The planted mistake: the legacy stream is a stream like any other."

    def in_one_order(self, a: Node, b: Node) -> bool:
        return a.stream == b.stream and super().in_one_order(a, b)


class AlwaysYes(Axioms):
    "The planted mistake: a query says yes whatever is pending."

    def answers_truly(self, call: Node, answer: Term, asked: Bound) -> None:
        super().answers_truly(call, answer, [])


@pytest.mark.parametrize(
    ("axioms", "name"),
    [
        (WaitsForTheLaterRecord, "wait_is_bound_to_the_earlier_record"),
        (LegacyFencesNothing, "legacy_fences_blocking_streams"),
        (AlwaysYes, "query_true_guards_overwrite"),
    ],
)
def test_wrong_axioms_are_told_by_a_named_program(axioms: type[Axioms], name: str) -> None:
    seen = by_axioms(SUITE[name].program, axioms)
    assert (seen.outcomes, seen.is_racy) != (SUITE[name].allowed, SUITE[name].is_racy)


class LegacyDesign(StreamOrder):
    "The planted mistake: the legacy stream fences nothing."

    def fences(self, s: Stream, other: Stream) -> bool:
        return self.is_legacy[s] and self.is_legacy[other]


class LaterRecordDesign(StreamOrder):
    "The planted mistake: a wait is for every record of its event, earlier or later."

    def is_bound(self, c: Line, u: Line) -> bool:
        return self.verb[u] == Verb.RECORD and self.event[u] == self.event[c]


class AnsweringDesign(StreamOrder):
    "The planted mistake: a query says yes whatever is pending."

    @action
    def query(self, c: Line) -> None:
        "Always yes."
        require("it is a query", self.verb[c] == Verb.QUERY)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        self.seen[c] = 1
        self.go_on(c)


@pytest.mark.parametrize(
    ("design", "name"),
    [
        (LegacyDesign, "legacy_fences_blocking_streams"),
        (LaterRecordDesign, "wait_is_bound_to_the_earlier_record"),
        (AnsweringDesign, "query_true_guards_overwrite"),
    ],
)
def test_wrong_designs_are_told_by_a_named_program(design: type[StreamOrder], name: str) -> None:
    assert by_design(SUITE[name].program, design).outcomes != SUITE[name].allowed
