"""A lasso in words: the steps to the loop, the loop, and why fairness does not forbid it; and what
refuses a measure.

It decides the words only; what is told was re-executed before.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvcheck.live.lasso import Lasso, confirm, owed, steps_of
from kvcheck.live.measure import Breach, after_move, first_able, rank_of
from kvspec.lang.concrete import Arguments, Disabled, step
from kvspec.lang.ir import Action, Local, Model, Promise
from kvspec.lang.state import State, blank_state, changes
from kvspec.lang.types import render_value


def lines_of(model: Model, lasso: Lasso) -> list[str]:
    """The run, line by line. Raises: NotReproduced."""
    states = confirm(model, lasso)
    promise, entry = lasso.promise, len(lasso.stem.moves)
    about = _called(promise.name, promise.parameters, lasso.arguments)
    lines = [f"{about} is never met: {promise.sentence}"]
    for number, move in enumerate((*lasso.stem.moves, *lasso.loop)):
        if number == entry:
            lines.append("  and from here for ever:")
        action = next(a for a in model.actions if a.name == move.action)
        changed = changes(model, states[number], states[number + 1])
        told = ", ".join(f"{c.cell} {c.before} -> {c.after}" for c in changed) or "changes nothing"
        called = _called(action.name, action.parameters, move.arguments)
        lines.append(f"  {number + 1}. {called}: {told}")
    if not lasso.loop:
        lines.append("  and nothing more needs to happen:")
    lines += [f"  {line}" for line in _excuses(model, lasso, states[entry:])]
    return lines


def breach_lines(model: Model, promise: Promise, found: Breach) -> list[str]:
    """The state, the step and the measure before and after it, line by line."""
    about = _called(promise.name, promise.parameters, found.arguments)
    cells = changes(model, blank_state(model), found.state)
    shown = ", ".join(f"{c.cell} = {c.after}" for c in cells) or "the blank state"
    ranks = [rank_of(model, promise, found.arguments, found.state)]
    lines = [f"  in a state that satisfies the invariants and need not be reachable: {shown}"]
    if found.move is not None:
        action = next(a for a in model.actions if a.name == found.move.action)
        after = after_move(model, found)
        told = ", ".join(
            f"{c.cell} {c.before} -> {c.after}" for c in changes(model, found.state, after)
        )
        called = _called(action.name, action.parameters, found.move.arguments)
        lines.append(f"  {called}: {told or 'changes nothing'}")
        ranks.append(rank_of(model, promise, found.arguments, after))
    for measured, *values in zip(promise.measures, *ranks, strict=True):
        lines.append(f"  {measured.label.rstrip('.')}: {' -> '.join(map(str, values))}")
    able = first_able(model, promise, found.arguments, found.state)
    if able is not None:
        name, arguments = able
        who = _called(name, steps_of(model, name)[0].parameters, arguments)
        lines.append(f"  {about} counts on {who} there.")
    return lines


def _called(name: str, parameters: tuple[Local, ...], arguments: Arguments) -> str:
    pairs = zip(parameters, arguments, strict=True)
    return f"{name}({', '.join(render_value(p.type, value) for p, value in pairs)})"


def _excuses(model: Model, lasso: Lasso, states: tuple[State, ...]) -> Iterator[str]:
    """For everybody who is owed fairness: it steps on the loop, or has no right to."""
    moved = {(move.action, move.arguments) for move in lasso.loop}
    for name, arguments in owed(model, lasso.promise):
        steps = steps_of(model, name)
        who = _called(name, steps[0].parameters, arguments)
        if any((action.name, arguments) in moved for action in steps):
            yield f"{who} steps on the loop."
        elif any(_enabled(model, state, steps, arguments) for state in states):
            yield f"{who} is enabled on the loop, but not all along: weak fairness lets it wait."
        else:
            yield f"{who} is not enabled there: {_first_false(model, states[0], steps, arguments)}."


def _enabled(model: Model, state: State, steps: list[Action], arguments: Arguments) -> bool:
    return any(not isinstance(step(model, state, a, arguments), Disabled) for a in steps)


def _first_false(model: Model, state: State, steps: list[Action], arguments: Arguments) -> str:
    """The guards that stand in the way; of a thread, those of the step that it stands before."""
    labels = []
    for action in steps:
        outcome = step(model, state, action, arguments)
        assert isinstance(outcome, Disabled)
        if not (action.thread and outcome.require == _place_of(action)):
            labels.append(f"'{outcome.require.label}' is false")
    return " and ".join(labels) or "it has come to its end"


def _place_of(action: Action) -> object:
    """A thread's step asks first whether the thread stands there."""
    return action.body[0]
