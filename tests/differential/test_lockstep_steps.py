"""A judge's compiled steps mean what the concrete evaluator says, whatever a design is written in.

Designs use few of the language's forms, and each only in some shapes; drawn machines use them all.
What the tracer guards by an assertion, a look beyond a queue's end, they do unguarded: where the
evaluator meets one, nothing is compared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from drawn_machines import (
    BLOCK,
    COUNT,
    FLAG,
    HERE,
    MINE,
    PENDING,
    SIGNED,
    SLOT,
    drawn_arguments,
    drawn_machine,
    drawn_state,
)
from every_construct import EveryConstruct

from kvcheck.lockstep import compiled as compiled_steps
from kvcheck.lockstep.compiled import UNROLLED_MAX, Compiled, compiled
from kvspec.bugs import BUGS
from kvspec.contract import Contract
from kvspec.lang import Model
from kvspec.lang.concrete import (
    Arguments,
    Evaluation,
    Stepped,
    arguments_of,
    initial_states,
    step,
)
from kvspec.lang.ir import (
    BOOL,
    Action,
    Apply,
    Assign,
    At,
    Expr,
    Literal,
    Local,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
    Read,
    Remove,
    Require,
    Values,
    Variable,
)
from kvspec.lang.state import State
from kvspec.lang.types import IntType
from kvspec.models import MACHINES

STEPS = 60
DRAWN = range(300)
SUBJECTS = {
    **{name: (machine, {}) for name, machine in MACHINES.items()},
    **{bug.id: (bug.machine, dict(bug.sizes)) for bug in BUGS.values()},
    "contract": (Contract, {"N": 3, "U": 2, "K": 2, "PINS": 1}),
    "every construct": (EveryConstruct, {}),
}


def compared(
    model: Model, made: Compiled, state: State, action: Action, arguments: Arguments
) -> State | None:
    """The state after the step, by both; None if both say that there is none, for one reason."""
    expected = step(model, state, action, arguments)
    got = made.steps[action.name](state, arguments)
    if not isinstance(expected, Stepped):
        assert isinstance(got, int), (action.name, arguments)
        check = getattr(expected, "require", None) or expected.check  # type: ignore[union-attr]
        assert made.checks[got] == check
        return None
    assert got == expected.state, (action.name, arguments)
    written = made.written[action.name]
    for number, (old, new) in enumerate(zip(state, expected.state, strict=True)):
        changed = {n for n, (was, now) in enumerate(zip(old, new, strict=True)) if was != now}
        assert not changed or number in written
        place = written.get(number)
        if place is not None and not action.parameters[place].type.low:
            assert changed <= {arguments[place]}
    return expected.state


@pytest.mark.parametrize("subject", SUBJECTS)
def test_compiled_steps_agree_on_random_walks(subject: str) -> None:
    machine, sizes = SUBJECTS[subject]
    model, random = machine.instance(**sizes), Random(len(subject))
    made, state = compiled(model), initial_states(model)[0]
    moves = [(a, chosen) for a in model.actions for chosen in arguments_of(a)]
    taken = 0
    for _ in range(STEPS):
        random.shuffle(moves)
        for action, arguments in moves:
            after = compared(model, made, state, action, arguments)
            if after is not None:
                state, taken = after, taken + 1
                break
    assert taken


class Beyond(Exception):
    "A look or a removal that the tracer would have guarded."


def only_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    "The concrete evaluator stops at a look beyond a queue's end, instead of finding a blank."
    at, written = Evaluation._at, Evaluation._written

    def _at(self: Evaluation, expr: At) -> int:
        length = len(self.row(expr.variable, expr.index))  # type: ignore[arg-type]  # of a queue
        if not 0 <= self.value(expr.place) < length:
            raise Beyond
        return at(self, expr)

    def _written(self: Evaluation, statement: object, old: tuple[int, ...]) -> object:
        if isinstance(statement, Remove) and self.value(statement.element) not in old:
            raise Beyond
        return written(self, statement, old)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(Evaluation, "_at", _at)
    monkeypatch.setattr(Evaluation, "_written", _written)


@pytest.mark.parametrize("unrolled_max", [0, UNROLLED_MAX])
def test_compiled_steps_agree_in_drawn_states_of_drawn_machines(
    monkeypatch: pytest.MonkeyPatch, unrolled_max: int
) -> None:
    """Their domains are small, and would all be written out: then no row is looked through."""
    only_guarded(monkeypatch)
    monkeypatch.setattr(compiled_steps, "UNROLLED_MAX", unrolled_max)
    ended: Counter[str] = Counter()
    for seed in DRAWN:
        model, random = drawn_machine(seed), Random(seed)
        made = compiled(model)
        for action in model.actions:
            for _ in range(6):
                arguments = drawn_arguments(random, action)
                try:
                    after = compared(model, made, drawn_state(random), action, arguments)
                except Beyond:
                    ended["beyond"] += 1
                    continue
                ended["none" if after is None else "stepped"] += 1
    assert min(ended.values()) > 500


# ---- one shape for each short cut of the text, and one beside it that is not to be cut short

ROOM = IntType(1, 3)
ROOMS = Variable("rooms", (ROOM,), BOOL)
B, S, N, R = Local("b", BLOCK), Local("s", SLOT), Local("n", SIGNED), Local("r", ROOM)
X, Y, Z, P = Local("x", BLOCK), Local("y", SLOT), Local("z", ROOM), Local("p", COUNT)
YES = Literal(1, BOOL)


def same(one: Expr, other: Expr) -> Expr:
    return Apply(Operator.EQ, (one, other), BOOL)


def some_entry(operator: Operator, *parts: Expr) -> Expr:
    whole = Apply(operator, parts, BOOL)
    return Quantified(QuantifierKind.ANY, P, Places(PENDING, (S,)), whole, BOOL)


def some(bound: Local, body: Expr) -> Expr:
    return Quantified(QuantifierKind.ANY, bound, Values(bound.type), body, BOOL)


SRC, LATE, AGE = (At(PENDING, (S,), P, field) for field in ("src", "late", "age"))
FIRST_ROOM = Quantified(QuantifierKind.FIRST, Z, Values(ROOM), same(Read(ROOMS, (Z,)), YES), ROOM)
SHAPES = {
    "a field of any name": some_entry(Operator.OR, same(SRC, N), same(LATE, N), same(AGE, N)),
    "not every field": some_entry(Operator.OR, same(SRC, N), same(LATE, N)),
    "two values": some_entry(Operator.OR, same(SRC, S), same(LATE, S), same(AGE, N)),
    "its own place": some_entry(Operator.OR, same(SRC, P), same(LATE, P), same(AGE, P)),
    "the place too": some_entry(Operator.AND, same(AGE, N), same(P, Literal(0, COUNT))),
    "some cell": some(X, same(Read(FLAG, (X,)), YES)),
    "its own number": some(Y, same(Read(MINE, (Y,)), Y)),
    "another's cell": some(X, same(Read(FLAG, (B,)), YES)),
    "the first": same(FIRST_ROOM, R),
}
AFTER_WRITE = (Assign(FLAG, (B,), YES, HERE), Require("it", SHAPES["some cell"], HERE))


@pytest.mark.parametrize("shape", [*SHAPES, "after a write"])
def test_a_look_through_a_row_is_cut_short_only_where_that_means_the_same(
    monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    monkeypatch.setattr(compiled_steps, "UNROLLED_MAX", 0)
    body = (Require("it", SHAPES[shape], HERE),) if shape in SHAPES else AFTER_WRITE
    action, random = Action("look", (B, S, N, R), body, "", HERE), Random(7)
    model = drawn_machine(0)
    model = replace(model, variables=(*model.variables, ROOMS), actions=(action,), properties=())
    made, ended = compiled(model), Counter[bool]()
    for _ in range(400):
        state = (*drawn_state(random), tuple(random.randrange(2) for _ in range(3)))
        after = compared(model, made, state, action, drawn_arguments(random, action))
        ended[after is None] += 1
    assert ended[False] > 20
    assert ended[True] > 20 or shape == "after a write", "what was written is found"
