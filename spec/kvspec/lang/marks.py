"""The decorators that say what a machine's method is.

They decide nothing themselves: each leaves a `Mark` on the function and returns it unchanged, so
that a spec's methods stay plain functions. An unmarked method is a helper, inlined where called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import TypeVar

from kvspec.lang.ir import PropertyKind, Strength

F = TypeVar("F", bound=Callable[..., object])

_ATTRIBUTE = "__kvspec_mark__"


class Role(Enum):
    """What a marked method is."""

    INIT = "init"
    ACTION = "action"
    THREAD = "thread"
    PROPERTY = "property"
    PROMISE = "promise"


@dataclass(frozen=True, slots=True)
class Mark:
    """The role of a method, and for a property its kind and catalogue entry; for a promise who is
    fair, and the methods that measure how far off it is."""

    role: Role
    kind: PropertyKind = PropertyKind.INVARIANT
    id: str = ""
    why: str = ""
    strength: Strength = Strength.STATED_SIZE
    weak: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    measure: tuple[str, ...] = ()
    relies_on: str = ""


def mark_of(member: object) -> Mark | None:
    """The mark a decorator left, or None for a helper method or anything else."""
    found = getattr(member, _ATTRIBUTE, None) if isinstance(member, FunctionType) else None
    return found if isinstance(found, Mark) else None


def _marked(method: F, mark: Mark) -> F:
    setattr(method, _ATTRIBUTE, mark)
    return method


def init(method: F) -> F:
    """How an instance starts; its parameters, if any, are chosen freely."""
    return _marked(method, Mark(Role.INIT))


def action(method: F) -> F:
    """One atomic step, with parameters over sorts and enums."""
    return _marked(method, Mark(Role.ACTION))


def thread(method: F) -> F:
    """A generator whose `yield`s end atomic steps; one thread for each choice of parameters.

    `yield "label"` names the step that follows. Annotated locals are the thread's own variables.
    """
    return _marked(method, Mark(Role.THREAD))


def invariant(*, id: str, why: str, strength: Strength = Strength.EVERY_SIZE) -> Callable[[F], F]:
    """A fact of every reachable state; its docstring is the sentence, `why` a bug, PR or rule."""
    return lambda method: _marked(
        method, Mark(Role.PROPERTY, PropertyKind.INVARIANT, id, why, strength)
    )


def lemma(method: F) -> F:
    """A fact of every reachable state that other proofs lean on."""
    return _marked(method, Mark(Role.PROPERTY, PropertyKind.LEMMA))


def goal(method: F) -> F:
    """A fact that some reachable state must have, so that the design is not empty."""
    return _marked(method, Mark(Role.PROPERTY, PropertyKind.GOAL, strength=Strength.SEARCH))


def eventually(
    *,
    id: str,
    why: str,
    weak: tuple[str, ...] = (),
    strong: tuple[str, ...] = (),
    measure: tuple[str, ...] = (),
    relies_on: str = "",
) -> Callable[[F], F]:
    """A promise: wherever its `require`s are true, what it returns is true then or later.

    It is kept by every run that is fair to the named actions and threads: one of `weak` that stays
    enabled is taken in the end, one of `strong` that is enabled again and again is, too. Fairness
    is for each choice of their arguments. `measure` names methods, with the promise's parameters
    or none, of numbers that go down until the promise is met, the first before the next; and
    `relies_on` another promise, without parameters, that enables the strong ones again and again.
    Both are for proofs and change nothing of what is promised.
    """
    mark = Mark(
        Role.PROMISE,
        id=id,
        why=why,
        weak=weak,
        strong=strong,
        measure=measure,
        relies_on=relies_on,
    )
    return lambda method: _marked(method, mark)


def terminal(method: F) -> F:
    """States in which nothing more needs to be possible; any other dead end is a deadlock."""
    return _marked(method, Mark(Role.PROPERTY, PropertyKind.TERMINAL))


def assume(method: F) -> F:
    """A fact of the instance's constants; checked of each instance, given to each proof."""
    return _marked(method, Mark(Role.PROPERTY, PropertyKind.ASSUMPTION))
