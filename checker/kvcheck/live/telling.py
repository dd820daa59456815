"""A lasso in words: the steps to the loop, the loop, and why fairness does not forbid it.

It decides the words only; the run was re-executed before.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvcheck.live.lasso import Lasso, confirm, owed, steps_of
from kvspec.lang.concrete import Arguments, Disabled, step
from kvspec.lang.ir import Action, Local, Model
from kvspec.lang.state import State, changes
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
