"""From what an engine found to a record that needs no spec any more, by running it again.

It decides the words and values of a record; whether the finding is real is decided by
`path.confirm`, whose `NotReproduced` passes through. Everything a report may want later is taken
now, while the model is at hand: every cell, every write with its line, the part to blame.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvcheck.trace.blame import Blame, blame
from kvcheck.trace.path import Finding, FindingKind, Move, Start, confirm
from kvcheck.trace.record import (
    SCHEMA,
    CellChange,
    RunKind,
    RunRecord,
    RunStep,
    Shape,
    ShapeKind,
    Violation,
)
from kvcheck.trace.source import source_line
from kvcheck.trace.watch import Watched, watch
from kvcheck.trace.wording import local_name, render_expr, substitute
from kvspec.lang.concrete import Disabled, Evaluation, arguments_of, step
from kvspec.lang.ir import Action, Expr, Local, Model, Property
from kvspec.lang.state import State, changes, render_state, row_indices
from kvspec.lang.types import EnumType, FifoType, LeafType, SetType, render_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a finding comes from: what to call the machine, who found it, how to see it again."""

    machine: str
    sizes: tuple[tuple[str, int], ...]
    engine: str
    tool_version: str
    rerun: str
    subject: str = ""
    why: str = ""


def retell(model: Model, finding: Finding, origin: Origin) -> RunRecord:
    """The complete record of a finding, once re-executed; raises `NotReproduced`."""
    states = confirm(model, finding)
    watched = _watch_all(model, finding, states)
    last = watched[-1] if watched else None
    end = last.evaluation.state() if last else states[-1]
    steps = tuple(
        _step(model, number, move, states[number - 1], seen)
        for number, (move, seen) in enumerate(zip(finding.path.moves, watched, strict=True), 1)
    )
    kind = _kind(finding)
    violation = _violation(model, finding, origin, end, last)
    return RunRecord(
        schema=SCHEMA,
        kind=kind,
        machine=origin.machine,
        sizes=origin.sizes,
        tool_version=origin.tool_version,
        engine=origin.engine,
        sentence=_sentence(origin, kind, finding, violation),
        initial=render_state(model, states[0]),
        steps=steps,
        final=render_state(model, end),
        violation=None if finding.kind is FindingKind.GOAL else violation,
        rerun=origin.rerun,
        subject=origin.subject or model.sentence,
        constants=_constants(model),
        shapes=tuple(_shape(v.name, v.leaf, ghost=v.ghost) for v in model.variables)
        + tuple(_shape(c.name, c.type, ghost=False) for c in model.constants),
    )


def _watch_all(model: Model, finding: Finding, states: tuple[State, ...]) -> tuple[Watched, ...]:
    actions = {action.name: action for action in model.actions}
    return tuple(
        watch(model, states[number], actions[move.action], move.arguments)
        for number, move in enumerate(finding.path.moves)
    )


def _kind(finding: Finding) -> RunKind:
    if finding.start is Start.ANYWHERE:
        return RunKind.CTI
    return RunKind.WITNESS if finding.kind is FindingKind.GOAL else RunKind.COUNTEREXAMPLE


def _step(model: Model, number: int, move: Move, before: State, seen: Watched) -> RunStep:
    action = _action(model, move.action)
    after = seen.evaluation.state()
    return RunStep(
        number=number,
        who=action.thread,
        action=action.name,
        arguments=tuple(
            (local_name(parameter), render_value(parameter.type, value))
            for parameter, value in zip(action.parameters, move.arguments, strict=True)
        ),
        argument_values=move.arguments,
        sentence=action.sentence,
        changes=tuple(CellChange(c.cell, c.before, c.after) for c in changes(model, before, after)),
        source=source_line(seen.check.at if seen.check else action.at),
        effects=seen.effects,
    )


def _action(model: Model, name: str) -> Action:
    return next(action for action in model.actions if action.name == name)


# ---- what went wrong ---------------------------------------------------------------------------


def _violation(
    model: Model, finding: Finding, origin: Origin, end: State, last: Watched | None
) -> Violation:
    match finding.kind:
        case FindingKind.ASSERTION:
            assert last is not None, "confirm() saw a move"
            check = last.check
            assert check is not None, "confirm() saw it fail"
            condition = _in_authors_words(last, check.condition)
            found = blame(last.evaluation, condition)
            return Violation(
                kind=finding.kind.value,
                property=finding.name,
                id="",
                message=check.message,
                why=origin.why,
                source=source_line(check.at),
                formula=render_expr(condition),
                failing=found.failing,
                bindings=found.bindings,
                values=found.values,
                instance=found.instance,
            )
        case FindingKind.DEADLOCK:
            return _deadlock(model, end)
        case FindingKind.INVARIANT:
            prop = _property(model, finding.name)
            found = blame(Evaluation(model, end), prop.formula)
            return _about(prop, finding.kind, found)
        case FindingKind.GOAL:
            prop = _property(model, finding.name)
            return _about(prop, finding.kind, Blame("", "", (), ()))


def _in_authors_words(last: Watched, condition: Expr) -> Expr:
    """The condition without names that only the tracer gave, where that changes no value."""
    plain = substitute(condition, last.returned)
    values = [last.evaluation.value(Local(n, e.type)) for n, e in last.returned.items()]
    again = [last.evaluation.value(substitute(e, last.returned)) for e in last.returned.values()]
    return plain if values == again else condition


def _property(model: Model, name: str) -> Property:
    return next(prop for prop in model.properties if prop.name == name)


def _about(prop: Property, kind: FindingKind, found: Blame) -> Violation:
    return Violation(
        kind=kind.value,
        property=prop.name,
        id=prop.id,
        message=prop.sentence,
        why=prop.why,
        source=source_line(prop.at),
        formula=render_expr(prop.formula),
        failing=found.failing,
        bindings=found.bindings,
        values=found.values,
        instance=found.instance,
    )


def _deadlock(model: Model, end: State) -> Violation:
    return Violation(
        kind=FindingKind.DEADLOCK.value,
        property="deadlock",
        id="",
        message="No action is enabled, and nothing says that a run may end here.",
        why="",
        source=source_line(model.init.at),
        values=tuple((action.name, _refusals(model, end, action)) for action in model.actions),
    )


def _refusals(model: Model, state: State, action: Action) -> str:
    """The guard conjuncts that refuse the action here, over all its arguments."""
    outcomes = (step(model, state, action, arguments) for arguments in arguments_of(action))
    labels = {o.require.label: None for o in outcomes if isinstance(o, Disabled)}
    return "refused: not " + ", not ".join(f"'{label}'" for label in labels)


def _sentence(origin: Origin, kind: RunKind, finding: Finding, violation: Violation) -> str:
    machine = origin.machine
    count = len(finding.path.moves)
    steps = "in its initial state" if count == 0 else f"in {count} step{'s' * (count > 1)}"
    name = f"{violation.id} {violation.property}".strip()
    if kind is RunKind.CTI:
        return (
            f"{machine}: {name} is not inductive: from a state that satisfies every invariant, "
            f"{finding.path.moves[-1].action} breaks it. That state may be unreachable."
        )
    match finding.kind:
        case FindingKind.ASSERTION:
            return f"{machine} fails {steps}, inside {violation.property}: {violation.message}."
        case FindingKind.DEADLOCK:
            return f"{machine} is stuck {steps}: no action is enabled."
        case FindingKind.INVARIANT:
            return f"{machine} breaks {name} {steps}."
        case FindingKind.GOAL:
            return f"{machine} reaches {name} {steps}."


# ---- what never changes ------------------------------------------------------------------------


def _constants(model: Model) -> tuple[tuple[str, str], ...]:
    found = []
    for constant in model.constants:
        for index, value in zip(row_indices(constant.dims), constant.table, strict=True):
            keys = zip(constant.dims, index, strict=True)
            name = constant.name + "".join(f"[{render_value(d, v)}]" for d, v in keys)
            found.append((name, render_value(constant.type, value)))
    return tuple(found)


def _shape(name: str, leaf: LeafType, *, ghost: bool) -> Shape:
    match leaf:
        case FifoType(capacity=capacity):
            return Shape(name, ShapeKind.QUEUE, capacity, ghost)
        case SetType():
            return Shape(name, ShapeKind.SET, ghost=ghost)
        case EnumType():
            return Shape(name, ShapeKind.ENUM, ghost=ghost)
        case _:
            return Shape(name, ShapeKind.SCALAR, ghost=ghost)
