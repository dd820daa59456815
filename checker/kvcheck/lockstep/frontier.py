"""What the design allows where a step was refused, and what stands in the way of the rest.

It decides which actions are shown and in which order; it runs only once a step is refused, so it
may take its time. The idea: an action that is permitted is as near as its result is to what is
shown; one that is not is as near as the number of its conditions that hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from kvcheck.lockstep.compiled import Step
from kvcheck.lockstep.refusal import Conjunct, Disagreement, Nearest
from kvcheck.lockstep.tiers import Design, Field, Requests
from kvcheck.trace.blame import blame
from kvcheck.trace.source import source_line
from kvspec.events import Observation
from kvspec.lang.concrete import Arguments, Evaluation
from kvspec.lang.ir import Action, Assert, Expr, Let, Local, Model, Require, Statement
from kvspec.lang.state import State
from kvspec.lang.types import ScalarType, SortType, render_value

CHOICES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Reading:
    """A design as a frontier needs it, of whatever implementation it is.

    `differences` are the cells in which what is shown differs from a state; `said` is a value in
    the implementation's words; `known` are the values of a type that are worth trying.
    """

    actions: Mapping[str, Action]
    steps: Mapping[str, Step]
    conjunct: Callable[[State, str, Arguments], Conjunct | None]
    differences: Callable[[State], Iterable[Disagreement]]
    said: Callable[[ScalarType, int], str]
    known: Callable[[ScalarType], Sequence[int]]

    def call(self, name: str, arguments: Arguments) -> tuple[tuple[str, str], ...]:
        """The arguments by name, in words."""
        parameters = self.actions[name].parameters
        pairs = zip(parameters, arguments, strict=True)
        return tuple((p.name, self.said(p.type, value)) for p, value in pairs)

    def nearest(self, state: State, name: str, arguments: Arguments) -> Nearest:
        """The action as it was wanted, and what stood in its way."""
        words = self.call(name, arguments)
        why = self.conjunct(state, name, arguments)
        if why is not None:
            return Nearest(name, words, None, why)
        after = self.steps[name](state, arguments)
        assert not isinstance(after, int), "the evaluators agree"
        return Nearest(name, words, sum(1 for _ in self.differences(after)), None)


class _Halted(Exception):
    def __init__(self, check: Require | Assert) -> None:
        self.check = check


class _Halting(Evaluation):
    """The concrete evaluator, which keeps its locals, and what they stand for, where it stops."""

    def __init__(self, model: Model, state: State) -> None:
        super().__init__(model, state)
        self.meant: dict[str, Expr] = {}

    def run(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            if isinstance(statement, Let):
                self.meant[statement.local.name] = statement.value
            if isinstance(statement, Require | Assert) and not self.value(statement.condition):
                raise _Halted(statement)
            super().run((statement,))


def conjunct(design: Design, state: State, name: str, arguments: Arguments) -> Conjunct | None:
    """The first condition of the action that is false here, or None if it can be taken."""
    for layer in design.layers:
        own = layer.arguments(name, arguments)
        if own is None:
            continue
        found = first_false(layer.model, state[layer.rows], layer.actions[name], own)
        if found is not None:
            return found
    return None


def first_false(
    model: Model, state: State, action: Action, arguments: Arguments
) -> Conjunct | None:
    """The first condition of the action that is false here, by the concrete evaluator."""
    run = _Halting(model, state)
    for parameter, value in zip(action.parameters, arguments, strict=True):
        run.locals[parameter.name] = value
    try:
        run.run(action.body)
    except _Halted as halted:
        check = halted.check
        condition = check.condition
        while isinstance(condition, Local) and condition.name in run.meant:
            condition = run.meant[condition.name]
        found = blame(run, condition)
        label = check.label if isinstance(check, Require) else check.message
        at = source_line(check.at)
        return Conjunct(label, found.failing, found.instance, found.values, at)
    return None


def call(requests: Requests, action: Action, arguments: Arguments) -> tuple[tuple[str, str], ...]:
    """The arguments by name, in words; a request by the name that its owner gave it."""
    words = []
    for parameter, value in zip(action.parameters, arguments, strict=True):
        kind = parameter.type
        words.append((parameter.name, _said_by(requests, kind, value)))
    return tuple(words)


def frontier(
    design: Design,
    requests: Requests,
    state: State,
    seen: Observation,
    *,
    wanted: tuple[str, Arguments] | None,
) -> tuple[Nearest, ...]:
    """Each action with the arguments that come nearest, the nearest action first."""
    asked = _asked(design, wanted) or requests.live()
    reading = Reading(
        actions=design.actions,
        steps=design.compiled.steps,
        conjunct=partial(conjunct, design),
        differences=lambda after: differences(design.fields, requests, after, seen),
        said=partial(_said_by, requests),
        known=lambda kind: asked if _is_request(kind) else range(kind.low, kind.high + 1),
    )
    return ranked(reading, state, wanted)


def ranked(
    reading: Reading, state: State, wanted: tuple[str, Arguments] | None
) -> tuple[Nearest, ...]:
    """Each action of the design with the arguments that come nearest, the nearest first."""
    found = []
    for place, action in enumerate(reading.actions.values()):
        best = _best(reading, state, action, wanted)
        if best is not None:
            rank = best.cell_count if best.cell_count is not None else 1 << 30
            is_other = wanted is None or action.name != wanted[0]
            found.append(((rank, is_other, place), best))
    return tuple(near for _, near in sorted(found, key=lambda pair: pair[0]))


def differences(
    fields: Sequence[Field], requests: Requests, state: State, seen: Observation
) -> Iterator[Disagreement]:
    """The cells in which what is shown differs from the state, by field."""
    for field in fields:
        shown = getattr(seen, field.name)
        if shown is None:
            continue
        wanted = field.words(state[field.variable], requests)
        if field.brings is not None:
            shown = field.brings(shown)
        if shown != wanted:
            yield from _cells(field.name, shown, wanted)


def _cells(name: str, shown: object, wanted: object) -> Iterator[Disagreement]:
    pairs = _paired(shown, wanted)
    if pairs is None:
        yield Disagreement(name, name, _said(shown), _said(wanted))
        return
    index = ("PRIMARY", "SECONDARY") if name in ("free", "queued", "free_count") else None
    for number, (mine, design) in enumerate(pairs):
        if mine != design:
            key = index[number] if index else f"{_INDEX.get(name, 'block')}{number}"
            yield Disagreement(name, f"{name}[{key}]", _said(mine), _said(design))


_INDEX = {"pending": "stream", "noted": "slot"}


def _paired(shown: object, wanted: object) -> list[tuple[object, object]] | None:
    if not isinstance(shown, tuple) or not isinstance(wanted, tuple) or len(shown) != len(wanted):
        return None
    return list(zip(shown, wanted, strict=True))


def _said(value: object) -> str:
    if isinstance(value, frozenset):
        return "{" + " ".join(sorted(str(item) for item in value)) + "}"
    if isinstance(value, tuple):
        return "[" + " ".join(_said(item) for item in value) + "]"
    return str(value)


def _best(
    reading: Reading, state: State, action: Action, wanted: tuple[str, Arguments] | None
) -> Nearest | None:
    step = reading.steps[action.name]
    permitted: tuple[int, Arguments] | None = None
    refused: tuple[int, Arguments] | None = None
    for arguments in _choices(reading, action, wanted):
        after = step(state, arguments)
        if isinstance(after, int):
            if refused is None or after > refused[0]:
                refused = after, arguments
            continue
        count = sum(1 for _ in reading.differences(after))
        if permitted is None or count < permitted[0]:
            permitted = count, arguments
    if permitted is not None:
        count, arguments = permitted
        return Nearest(action.name, reading.call(action.name, arguments), count, None)
    if refused is None:
        return None
    arguments = refused[1]
    why = reading.conjunct(state, action.name, arguments)
    return Nearest(action.name, reading.call(action.name, arguments), None, why)


def _choices(
    reading: Reading, action: Action, wanted: tuple[str, Arguments] | None
) -> Iterator[Arguments]:
    """Arguments to try: the event's own first, then those that are known."""
    if wanted is not None and action.name == wanted[0]:
        yield wanted[1]
    domains = [reading.known(parameter.type) for parameter in action.parameters]
    for number, arguments in enumerate(product(*domains)):
        if number >= CHOICES_MAX:
            return
        yield arguments


def _asked(design: Design, wanted: tuple[str, Arguments] | None) -> tuple[int, ...]:
    """The requests among the arguments that were wanted."""
    if wanted is None:
        return ()
    own = design.actions[wanted[0]].parameters
    return tuple(v for p, v in zip(own, wanted[1], strict=True) if _is_request(p.type))


def _said_by(requests: Requests, kind: ScalarType, value: int) -> str:
    return f"request{requests.name_of[value]}" if _is_request(kind) else render_value(kind, value)


def _is_request(kind: object) -> bool:
    return isinstance(kind, SortType) and kind.name == "Request"
