"""What a promise's measure says in one state, and a step that shows it wrong; by plain evaluation.

It decides whether such a step is real. The idea: while the promise is open somebody who is owed
fairness is *able*: enabled, and each of its steps meets the promise or lowers the measure. The
first of them stays able until the measure goes down, so it steps in the end. Who is owed strong
fairness is able also while it is not enabled, if the promise that is relied on is open there: that
one is met in the end, and then who is still able is enabled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kvcheck.live.lasso import begun_and_met, owed, steps_of
from kvcheck.trace.path import Move, NotReproduced
from kvspec.lang.concrete import Arguments, Disabled, Evaluation, Stepped, holds, step
from kvspec.lang.ir import Let, Model, Promise, Property
from kvspec.lang.state import State

Actor = tuple[str, Arguments]


class Rule(Enum):
    """What is asked of a measure; each must hold of every state in which the promise is open."""

    STAYS_OPEN = "what is promised stays so until it is met"
    SOMEBODY_ABLE = "somebody who steps in the end lowers the measure"
    NO_RISE = "no step raises the measure"
    STAYS_ABLE = "who is to lower it stays able to until the measure goes down"


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that is broken in this state, by this move if the rule is about moves.

    The state satisfies the invariants and need not be reachable: the measure is refused by it, or
    an invariant is missing. That the promise is broken it does not show.
    """

    rule: Rule
    arguments: Arguments
    state: State
    move: Move | None


def rank_of(model: Model, promise: Promise, arguments: Arguments, state: State) -> tuple[int, ...]:
    """The measure's numbers in this state."""
    run = Evaluation(model, state)
    for parameter, value in zip(promise.parameters, arguments, strict=True):
        run.locals[parameter.name] = value
    for statement in promise.begins:
        if isinstance(statement, Let):
            run.locals[statement.local.name] = run.value(statement.value)
    return tuple(int(run.value(measured.value)) for measured in promise.measures)


def first_able(model: Model, promise: Promise, arguments: Arguments, state: State) -> Actor | None:
    """The first who is owed fairness and able to lower the measure here.

    Who is strongly fair comes after the others, since it may be able without being enabled; and
    among equals whom the promise is about comes first, as the likeliest to be counted on.
    """

    def place(who: Actor) -> tuple[bool, bool]:
        is_own = is_alike(model, promise, who) and who[1] == arguments
        return who[0] in promise.strong, not is_own

    in_order = sorted(owed(model, promise), key=place)
    able = (who for who in in_order if is_able(model, promise, arguments, state, who))
    return next(able, None)


def is_alike(model: Model, promise: Promise, who: Actor) -> bool:
    """Whether the promise is about the same kinds of things as the actor."""
    kinds = [p.type for p in promise.parameters]
    return [p.type for p in steps_of(model, who[0])[0].parameters] == kinds


def is_able(model: Model, promise: Promise, arguments: Arguments, state: State, who: Actor) -> bool:
    """Whether it is or will be enabled, and each step meets the promise or lowers the measure."""
    name, chosen = who
    rank = rank_of(model, promise, arguments, state)
    outcomes = [step(model, state, action, chosen) for action in steps_of(model, name)]
    enabled = [outcome for outcome in outcomes if not isinstance(outcome, Disabled)]

    def helps(after: State) -> bool:
        _, is_met = begun_and_met(model, promise, arguments, after)
        return is_met or rank_of(model, promise, arguments, after) < rank

    is_in_time = bool(enabled) or (name in promise.strong and _is_coming(model, promise, state))
    return is_in_time and all(isinstance(o, Stepped) and helps(o.state) for o in enabled)


def relied_on(model: Model, promise: Promise) -> Promise | None:
    """The promise that enables the strong ones again and again, if one is named."""
    return next((p for p in model.promises if p.name == promise.relies_on), None)


def _is_coming(model: Model, promise: Promise, state: State) -> bool:
    other = relied_on(model, promise)
    if other is None:
        return False
    begun, is_met = begun_and_met(model, other, (), state)
    return begun and not is_met


def confirm(model: Model, promise: Promise, found: Breach, hypotheses: Sequence[Property]) -> None:
    """Look at it again by the concrete evaluator. Raises: NotReproduced."""
    if not all(holds(model, prop, found.state) for prop in hypotheses):
        raise NotReproduced(f"{promise.name}: an invariant is false in the state")
    begun, is_met = begun_and_met(model, promise, found.arguments, found.state)
    if not begun or is_met:
        raise NotReproduced(f"{promise.name} is not open in the state")
    if not _is_broken(model, promise, found):
        raise NotReproduced(f"{promise.name}: {found.rule.value}, in this state as well")


def _is_broken(model: Model, promise: Promise, found: Breach) -> bool:
    able = first_able(model, promise, found.arguments, found.state)
    if found.rule is Rule.SOMEBODY_ABLE:
        return able is None
    after = after_move(model, found)
    begun, is_met = begun_and_met(model, promise, found.arguments, after)
    before_rank = rank_of(model, promise, found.arguments, found.state)
    rank = rank_of(model, promise, found.arguments, after)
    if is_met:
        return False
    if found.rule is Rule.STAYS_OPEN:
        return not begun
    if found.rule is Rule.NO_RISE:
        return rank > before_rank
    stays = able is None or is_able(model, promise, found.arguments, after, able)
    return rank == before_rank and not stays


def after_move(model: Model, found: Breach) -> State:
    """The state that the move leads to. Raises: NotReproduced."""
    assert found.move is not None
    action = next(a for a in model.actions if a.name == found.move.action)
    outcome = step(model, found.state, action, found.move.arguments)
    if not isinstance(outcome, Stepped):
        raise NotReproduced(f"{found.move.action} gives {outcome}")
    return outcome.state
