"""A design and the contract as one machine: each step of the design is followed by contract steps.

It decides how the two are put together, not which contract steps a design's action stands for:
that is a mapping. The idea: the contract's guards become assertions, so any engine that looks for
failing assertions looks for a step that is no contract step, and a lemma for each contract variable
says that it stays what the mapping reads off the design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias, cast

from kvspec.lang.ir import (
    BOOL,
    Action,
    Apply,
    Assert,
    Expr,
    If,
    Let,
    Literal,
    Local,
    Model,
    Operator,
    PropertyKind,
    Require,
    SizeOf,
    Statement,
    Variable,
)
from kvspec.lang.types import EnumType, SizeTerm, SortType

PREFIX = "contract_"
OF_CONTRACT = "the contract's"
"""How the message of an assertion begins that was a guard of the contract."""
ALWAYS = Literal(1, BOOL)


@dataclass(frozen=True, slots=True)
class Call:
    """One contract action with its arguments, if `when` is true.

    All are expressions over the design's state before its step.
    """

    action: str
    arguments: tuple[Expr, ...]
    when: Expr = ALWAYS


Calls: TypeAlias = Mapping[str, tuple[Call, ...]]
"""The contract steps of each action of a design; no entry: none, the step is a stutter."""


Sorts: TypeAlias = Mapping[str, SortType | EnumType]
"""What the contract's sorts are in a design; an alternative of its own where it names just one."""


def product(design: Model, contract: Model, calls: Calls, sorts: Sorts) -> Model:
    """The design with the contract run beside it.

    `design` declares the contract's variables under `PREFIX` already, so that its lemmas can speak
    of them; `sorts` are the design's names for the contract's sorts.

    Raises:
        KeyError: a call names no action of the contract, or stands for no action of the design.
    """
    unknown = set(calls) - {action.name for action in design.actions}
    if unknown:
        raise KeyError(f"the design has no action {', '.join(sorted(unknown))}")
    made = {action.name: action for action in contract.actions}
    names = {variable.name for variable in design.variables}
    missing = [v.name for v in contract.variables if PREFIX + v.name not in names]
    if missing:
        raise KeyError(f"the design declares no {', '.join(PREFIX + name for name in missing)}")
    start = _renamed(contract.init.body, sorts, "start_")
    begun = replace(design.init, body=(*design.init.body, *start))
    actions = tuple(
        _followed(action, [(call, made[call.action]) for call in calls.get(action.name, ())], sorts)
        for action in design.actions
    )
    owed = [
        replace(
            _renamed(prop, sorts, f"{PREFIX}{prop.name}_"),
            name=PREFIX + prop.name,
            kind=PropertyKind.LEMMA,
        )
        for prop in contract.of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA)
    ]
    return replace(design, init=begun, actions=actions, properties=(*design.properties, *owed))


def refinement_alone(whole: Model, design: Model) -> Model:
    """The product without what the design owes on its own, which is no matter of the contract."""
    own = {p.name for p in design.properties if p.kind is not PropertyKind.ASSUMPTION}
    return replace(whole, properties=tuple(p for p in whole.properties if p.name not in own))


def _followed(action: Action, calls: list[tuple[Call, Action]], sorts: Sorts) -> Action:
    """The action, then its contract steps, on arguments read before its first effect."""
    body = list(action.body)
    first = next((n for n, s in enumerate(body) if not isinstance(s, Let | Require)), len(body))
    before: list[Statement] = []
    after: list[Statement] = []
    for number, (call, step) in enumerate(calls):
        tag = f"call{number}_"
        taken = Local(f"{tag}taken", BOOL)
        before.append(Let(taken, call.when, action.at))
        run = cast("Action", _renamed(step, sorts, tag))
        for parameter, argument in zip(run.parameters, call.arguments, strict=True):
            before.append(Let(parameter, argument, action.at))
        after += _guarded(taken, run)
    return replace(action, body=(*body[:first], *before, *body[first:], *after))


def _guarded(taken: Local, run: Action) -> list[Statement]:
    """The step's checks as assertions, each under `taken`, then its effects."""
    name = run.name
    said: list[Statement] = []
    rest: list[Statement] = []
    for statement in run.body:
        if isinstance(statement, Require):
            free = Apply(
                Operator.OR, (Apply(Operator.NOT, (taken,), BOOL), statement.condition), BOOL
            )
            said.append(Assert(f"{OF_CONTRACT} {name}: {statement.label}", free, statement.at))
        elif isinstance(statement, Let) and not rest:
            said.append(statement)
        else:
            rest.append(statement)
    return [*said, If(taken, tuple(rest), (), run.at)]


def _resized(node: SizeTerm | SizeOf, sorts: Sorts) -> SizeTerm | SizeOf:
    """A bound that names a sort names the design's; a size that is none keeps its name."""
    sort = sorts.get(node.size)
    return node if sort is None else replace(node, size=sort.name)


def _renamed(node: Any, sorts: Sorts, tag: str) -> Any:
    """The tree with the design's sorts, prefixed variables and locals of its own.

    Any: one walk over every kind of node of the tree.
    """
    if isinstance(node, tuple):
        return tuple(_renamed(item, sorts, tag) for item in node)
    if isinstance(node, SortType):
        return sorts[node.name]
    if isinstance(node, SizeTerm | SizeOf):
        return _resized(node, sorts)
    if not is_dataclass(node) or isinstance(node, type):
        return node
    changed = {f.name: _renamed(getattr(node, f.name), sorts, tag) for f in fields(node)}
    if isinstance(node, Variable):
        changed["name"] = PREFIX + node.name
    elif isinstance(node, Local):
        changed["name"] = tag + node.name
    return type(node)(**changed)
