"""The named obligations of a model: what must be proved for its invariants to be inductive.

It decides what there is to prove and under which name; how, and at which sizes, is for an engine.
The invariants are assumed together and proved one by one, so that a failure says which action
breaks which invariant; and every assertion inside an action is an obligation of its own, which may
rely on the assertions that stand before it but never on one behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvspec.lang.footprint import statements_within, variables_read, variables_written
from kvspec.lang.ir import Action, Assert, Model, Position, Property, PropertyKind

INDUCTION = "induction"
VACUITY = "vacuity"
TOGETHER = "the invariants together"
INDUCTIVE_KINDS = (PropertyKind.INVARIANT, PropertyKind.LEMMA)


class ObligationKind(Enum):
    """`INITIATION`: `init` makes the property true. `CONSECUTION`: the action keeps it.
    `ASSERTION`: the assertion holds whenever the action reaches it.

    The rest ask whether those mean anything. `ENABLED`: some state that satisfies the invariants
    enables the action. `REFUTABLE`: some well-typed state violates the invariant. `POSSIBLE`: some
    state that satisfies the invariants satisfies the goal, or, with no goal named, there is one.
    `ASSUMED`: the assumption is true of this instance's constants."""

    INITIATION = "initiation"
    CONSECUTION = "consecution"
    ASSERTION = "assertion"
    ENABLED = "enabled"
    REFUTABLE = "refutable"
    POSSIBLE = "possible"
    ASSUMED = "assumed"


INDUCTIVE_STEPS = frozenset(
    {ObligationKind.INITIATION, ObligationKind.CONSECUTION, ObligationKind.ASSERTION}
)


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing to prove, by name.

    `action` is the action's name, `init`'s for initiation. `subject` is the invariant's name, or
    the assertion's message (numbered from the second of the same message on). `number` counts
    distinct assertions of the action in source order, and is -1 for a property.
    """

    machine: str
    kind: ObligationKind
    action: str
    subject: str
    at: Position
    number: int = -1

    @property
    def id(self) -> str:
        """Stable text: no line numbers, so that an edit elsewhere does not rename it."""
        family = INDUCTION if self.kind in INDUCTIVE_STEPS else VACUITY
        return f"{self.machine}/{family}/{self.action}/{self.subject}"


@dataclass(frozen=True, slots=True)
class ProofPlan:
    """What must be proved, and what the frame rule already settles, in the model's order."""

    to_prove: tuple[Obligation, ...]
    by_framing: tuple[Obligation, ...]


def inductive_properties(model: Model) -> tuple[Property, ...]:
    """The properties that are assumed before and proved after each action."""
    return model.of_kind(*INDUCTIVE_KINDS)


def assertions_of(action: Action) -> tuple[Assert, ...]:
    """The action's distinct assertions, in source order.

    Equal ones (a helper inlined twice with the same operands) count as one, which holds when it
    holds wherever it stands.
    """
    found = (s for s in statements_within(action.body) if isinstance(s, Assert))
    return tuple(dict.fromkeys(found))


def proof_plan(model: Model) -> ProofPlan:
    """Every obligation of the model, `init` first, then action by action, assertions first."""
    properties = inductive_properties(model)
    to_prove = list(_assertion_obligations(model, model.init))
    to_prove += [_about(model, ObligationKind.INITIATION, model.init, p) for p in properties]
    by_framing: list[Obligation] = []
    for action in model.actions:
        to_prove += _assertion_obligations(model, action)
        written = variables_written(action.body)
        for prop in properties:
            touched = bool(variables_read(prop.formula) & written)
            goal = _about(model, ObligationKind.CONSECUTION, action, prop)
            (to_prove if touched else by_framing).append(goal)
    return ProofPlan(tuple(to_prove), tuple(by_framing))


def vacuity_plan(model: Model) -> tuple[Obligation, ...]:
    """What must be true lest the proofs mean nothing: assumptions, invariants, goals, actions."""
    found = []
    for kind, place, properties in (
        (ObligationKind.ASSUMED, "the constants", model.of_kind(PropertyKind.ASSUMPTION)),
        (ObligationKind.REFUTABLE, "the types", inductive_properties(model)),
        (ObligationKind.POSSIBLE, "the invariants", model.of_kind(PropertyKind.GOAL)),
    ):
        found += [Obligation(model.name, kind, place, p.name, p.at) for p in properties]
    at = model.init.at
    found.append(Obligation(model.name, ObligationKind.POSSIBLE, "the invariants", TOGETHER, at))
    for action in model.actions:
        goal = Obligation(model.name, ObligationKind.ENABLED, action.name, "is enabled", action.at)
        found.append(goal)
    return tuple(found)


def action_named(model: Model, name: str) -> Action:
    """The action (or `init`) of this name; raises `KeyError`."""
    for action in (*model.actions, model.init):
        if action.name == name:
            return action
    raise KeyError(name)


def property_named(model: Model, name: str) -> Property:
    """The property of this name; raises `KeyError`."""
    for prop in model.properties:
        if prop.name == name:
            return prop
    raise KeyError(name)


def _about(model: Model, kind: ObligationKind, action: Action, prop: Property) -> Obligation:
    return Obligation(model.name, kind, action.name, prop.name, prop.at)


def _assertion_obligations(model: Model, action: Action) -> tuple[Obligation, ...]:
    seen: dict[str, int] = {}
    found = []
    for number, check in enumerate(assertions_of(action)):
        seen[check.message] = seen.get(check.message, 0) + 1
        repeat = f" #{seen[check.message]}" if seen[check.message] > 1 else ""
        found.append(
            Obligation(
                model.name,
                ObligationKind.ASSERTION,
                action.name,
                check.message + repeat,
                check.at,
                number,
            )
        )
    return tuple(found)
