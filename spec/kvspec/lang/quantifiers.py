"""`all`, `any`, `sum`, `next` over generator expressions, translated to IR quantifiers.

It decides what can be quantified over: the ids of a sort, an enum, a bounded range, the elements
of a queue or set. A queue of distinct ids is walked as the ids that are in it, which is the same
to everything but `next`, and has a meaning at every size.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvspec.lang import expressions, ranges
from kvspec.lang.frame import Frame
from kvspec.lang.ir import (
    Domain,
    Expr,
    Has,
    Literal,
    Local,
    Places,
    Quantified,
    QuantifierKind,
    Values,
)
from kvspec.lang.types import (
    BoolType,
    EnumType,
    IntType,
    ScalarType,
    SizeTerm,
    SortType,
    value_count,
)
from kvspec.lang.values import (
    BOOL,
    TRUE,
    Kind,
    Members,
    Queue,
    Value,
    both,
    choice,
    either,
    negated,
    whole,
)


@dataclass(frozen=True, slots=True)
class Walk:
    """One `for` of a generator: the bound local, its domain, what the target names mean once the
    bound has a value, and the condition under which the bound local counts."""

    bound: Local
    domain: Domain
    naming: Callable[[Expr], dict[str, Value]]
    condition: Expr = TRUE


def walk(frame: Frame, target: ast.expr, source: ast.expr, *, in_order: bool) -> Walk:
    """How to walk what stands after `in`; raises SpecError where there is no bound."""
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Name):
        if source.func.id == "enumerate":
            return _enumerated(frame, target, source)
        if source.func.id == "range":
            kind = _range_type(frame, source)
            name = _target(frame, target)
            bound = Local(frame.emission.fresh(name), kind)
            return Walk(bound, Values(kind), lambda at: {name: at})
    name = _target(frame, target)
    found = expressions.value(frame, source)
    if isinstance(found, Kind):
        kind = kind_type(frame, found, source)
        bound = Local(frame.emission.fresh(name), kind)
        return Walk(bound, Values(kind), lambda at: {name: at})
    if isinstance(found, Members):
        bound = Local(frame.emission.fresh(name), found.element)
        inside = Has(found.variable, found.index, bound)
        return Walk(bound, Values(found.element), lambda at: {name: at}, inside)
    if isinstance(found, Queue):
        held = found.shape.type.element
        if found.shape.type.unique and isinstance(held, SortType) and not in_order:
            bound = Local(frame.emission.fresh(name), held)
            inside = Has(found.variable, found.index, bound)
            return Walk(bound, Values(held), lambda at: {name: at}, inside)
        bound = _place(frame, f"{name}_place", found)
        places = Places(found.variable, found.index)
        return Walk(bound, places, lambda at: {name: ranges.element(found, at)})
    raise frame.error(
        source,
        f"`{frame.spell(source)}` cannot be walked through.",
        "A walk needs a bound: a sort, an enum, range(n), a queue or a set.",
        "Walk through one of those.",
    )


def _place(frame: Frame, name: str, queue: Queue) -> Local:
    limit = queue.shape.type
    term = limit.capacity_term
    shifted = SizeTerm(term.size, term.offset - 1, term.value - 1) if term else None
    kind = IntType(0, max(0, limit.capacity - 1), None, shifted)
    return Local(frame.emission.fresh(name), kind)


def _enumerated(frame: Frame, target: ast.expr, source: ast.Call) -> Walk:
    queue = expressions.value(frame, source.args[0])
    pair = target.elts if isinstance(target, ast.Tuple) else []
    if not isinstance(queue, Queue) or len(pair) != 2:
        raise frame.error(
            source,
            f"`{frame.spell(source)}` is not a queue with two names before `in`.",
            "enumerate numbers the elements of a queue: place, element.",
            "Write `for i, c in enumerate(self.queue)`.",
        )
    first, second = (_target(frame, part) for part in pair)
    bound = _place(frame, first, queue)
    places = Places(queue.variable, queue.index)
    return Walk(bound, places, lambda at: {first: at, second: ranges.element(queue, at)})


def _range_type(frame: Frame, source: ast.Call) -> ScalarType:
    ends = [expressions.integer(frame, argument) for argument in source.args]
    kinds = [end.type for end in ends]
    low = kinds[0] if len(ends) == 2 else whole(0).type
    if not 1 <= len(ends) <= 2 or any(k.low != k.high for k in (low, kinds[-1])):
        raise frame.error(
            source,
            f"`{frame.spell(source)}` has no fixed bounds.",
            "How often a loop runs must be known from the instance's sizes.",
            "Use range(n) or range(a, b) over literals and sizes, with a condition inside.",
        )
    end = ends[-1]
    size = getattr(end, "size", None)
    term = SizeTerm(size, -1, kinds[-1].high - 1) if isinstance(size, str) else None
    return IntType(low.low, kinds[-1].high - 1, None, term)


def kind_type(frame: Frame, kind: Kind, node: ast.AST) -> ScalarType:
    """The scalar type of a sort or enum class."""
    name = kind.owner.__name__
    if issubclass(kind.owner, enum.Enum):
        return EnumType(name, tuple(member.name for member in kind.owner))
    if name in frame.unit.sizes:
        return SortType(name, frame.unit.sizes[name])
    raise frame.error(
        node,
        f"The instance gives no size for {name}.",
        f"It has {', '.join(sorted(frame.unit.sizes))}.",
        f"Add {name!r} to the sizes in `instance`.",
    )


def _target(frame: Frame, target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    raise frame.error(
        target,
        f"`{frame.spell(target)}` is no single name.",
        "Only enumerate gives pairs.",
        "Use one name.",
    )


def quantify(frame: Frame, name: str, generator: ast.GeneratorExp) -> Expr:
    """`all`, `any` or `sum` of a generator expression."""
    return _nested(frame, name, generator.generators, generator.elt)


def _nested(frame: Frame, name: str, parts: Sequence[ast.comprehension], body: ast.expr) -> Expr:
    part = parts[0]
    found = walk(frame, part.target, part.iter, in_order=False)
    with frame.formula(found.naming(found.bound)):
        conditions = [found.condition]
        for test in part.ifs:
            with frame.assuming(*conditions):
                conditions.append(expressions.truth(frame, test))
        with frame.assuming(*conditions):
            if len(parts) > 1:
                inner = _nested(frame, name, parts[1:], body)
            elif name == "sum":
                inner = expressions.scalar(frame, body)
            else:
                inner = expressions.truth(frame, body)
    return _quantified(name, found, both(*conditions), inner)


def _quantified(name: str, found: Walk, condition: Expr, inner: Expr) -> Expr:
    def made(kind: QuantifierKind, body: Expr, type_: ScalarType) -> Expr:
        return Quantified(kind, found.bound, found.domain, body, type_)

    if name == "all":
        body = inner if condition == TRUE else either(negated(condition), inner)
        return made(QuantifierKind.ALL, body, BOOL)
    if name == "any":
        return made(QuantifierKind.ANY, both(condition, inner), BOOL)
    counted = isinstance(inner, Literal) and inner.value == 1
    most, term = _domain_size(found.domain)
    if counted or isinstance(inner.type, BoolType):
        body = condition if counted else both(condition, inner)
        return made(QuantifierKind.COUNT, body, IntType(0, most, None, term))
    body = inner if condition == TRUE else choice(condition, inner, whole(0))
    low, high = most * min(0, inner.type.low), most * max(0, inner.type.high)
    return made(QuantifierKind.SUM, body, IntType(low, high))


def _domain_size(domain: Domain) -> tuple[int, SizeTerm | None]:
    if isinstance(domain, Places):
        leaf = domain.variable.leaf
        return getattr(leaf, "capacity", 0), getattr(leaf, "capacity_term", None)
    count = value_count(domain.type)
    if isinstance(domain.type, SortType):
        return count, SizeTerm(domain.type.name, 0, count)
    return count, None


def first(frame: Frame, node: ast.Call, generator: ast.GeneratorExp) -> Value:
    """`next(x for ... if ...)`: the first in order, asserted to exist."""
    part = generator.generators[0]
    if len(generator.generators) > 1:
        raise frame.error(
            node,
            "`next` walks through two things at once.",
            "The first pair depends on an order that the spec does not state.",
            "Take one `next` after the other.",
        )
    found = walk(frame, part.target, part.iter, in_order=True)
    with frame.formula(found.naming(found.bound)):
        condition = both(found.condition, *(expressions.truth(frame, t) for t in part.ifs))
    some = Quantified(QuantifierKind.ANY, found.bound, found.domain, condition, BOOL)
    frame.check(some, f"nothing satisfies `{frame.spell(generator)}`", node)
    kind = found.bound.type
    pick = Quantified(QuantifierKind.FIRST, found.bound, found.domain, condition, kind)
    witness = frame.let(found.bound.name, pick, node)
    with frame.naming(found.naming(witness)):
        return expressions.value(frame, generator.elt)
