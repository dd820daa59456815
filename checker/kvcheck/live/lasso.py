"""A run that breaks a promise: steps to a place, then a loop for ever; and its re-execution.

It decides whether a lasso is real, by the concrete evaluator alone: each step is taken again, the
promise has begun and is not met on the loop, and the loop is fair to everybody who is owed it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvcheck.trace.path import Move, NotReproduced, Path, run_path
from kvspec.lang.concrete import Arguments, Disabled, Evaluation, arguments_of, initial_states, step
from kvspec.lang.ir import Action, Let, Model, Promise
from kvspec.lang.state import State


@dataclass(frozen=True, slots=True)
class Lasso:
    """`loop` leads from the end of `stem` back to it; an empty loop is to stay there for ever."""

    promise: Promise
    arguments: Arguments
    stem: Path
    loop: tuple[Move, ...]


def begun_and_met(
    model: Model, promise: Promise, arguments: Arguments, state: State
) -> tuple[bool, bool]:
    """Whether the promise is made in this state, and whether it is met there."""
    run = Evaluation(model, state)
    for parameter, value in zip(promise.parameters, arguments, strict=True):
        run.locals[parameter.name] = value
    begun = True
    for statement in promise.begins:
        if isinstance(statement, Let):
            run.locals[statement.local.name] = run.value(statement.value)
        else:
            begun = begun and bool(run.value(statement.condition))
    return begun, bool(run.value(promise.formula))


def confirm(model: Model, lasso: Lasso) -> tuple[State, ...]:
    """The states of stem and loop, once re-executed. Raises: NotReproduced."""
    stem, promise = lasso.stem, lasso.promise
    if stem.start not in initial_states(model):
        raise NotReproduced("the run does not start in an initial state")
    states, outcome = run_path(model, Path(stem.start, (*stem.moves, *lasso.loop)))
    if len(states) != 1 + len(stem.moves) + len(lasso.loop):
        raise NotReproduced(f"the last move gives {outcome}")
    entry = len(stem.moves)
    if states[-1] != states[entry]:
        raise NotReproduced("the loop does not come back to where it began")
    marks = [begun_and_met(model, promise, lasso.arguments, state) for state in states]
    made = max((n for n, (begun, _) in enumerate(marks) if begun), default=None)
    if made is None or any(met for _, met in marks[min(made, entry) :]):
        raise NotReproduced(f"{promise.name} is met, or never made")
    _confirm_fair(model, lasso, states[entry:])
    return states


def _confirm_fair(model: Model, lasso: Lasso, states: tuple[State, ...]) -> None:
    promise, moved = lasso.promise, {(m.action, m.arguments) for m in lasso.loop}
    for name, arguments in owed(model, promise):
        steps = steps_of(model, name)
        if any((action.name, arguments) in moved for action in steps):
            continue
        enabled = [_is_enabled(model, state, steps, arguments) for state in states]
        if all(enabled) or (name in promise.strong and any(enabled)):
            raise NotReproduced(f"the loop is not fair to {name}{arguments}")


def owed(model: Model, promise: Promise) -> list[tuple[str, Arguments]]:
    """Everybody to whom a run must be fair: each named actor with each choice of its arguments."""
    found: dict[tuple[str, Arguments], None] = {}
    for name in (*promise.weak, *promise.strong):
        for action in steps_of(model, name):
            for arguments in arguments_of(action):
                found[name, arguments] = None
    return list(found)


def steps_of(model: Model, name: str) -> list[Action]:
    """The steps of a thread, or the one action of that name."""
    return [a for a in model.actions if name in (a.thread, a.name)]


def _is_enabled(model: Model, state: State, steps: list[Action], arguments: Arguments) -> bool:
    return any(not isinstance(step(model, state, a, arguments), Disabled) for a in steps)
