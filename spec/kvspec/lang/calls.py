"""Calls in a spec's source: the few built-in functions, operations of queues and sets, helpers.

It decides what a call means; a helper method is inlined (`statements.inline`). An operation that
changes the state may stand alone or on the right of an assignment, never inside an expression:
there the order in which Python evaluates would decide what the other operands read.
"""

from __future__ import annotations

import ast

from kvspec.lang import expressions, quantifiers, ranges, statements, thread_facts
from kvspec.lang.declarations import RecordShape, Resolver
from kvspec.lang.frame import Frame
from kvspec.lang.ir import (
    Apply,
    Expr,
    Fill,
    Has,
    Len,
    Local,
    Operator,
    Pop,
    Push,
    Remove,
    Require,
    SetMember,
    SizeOf,
)
from kvspec.lang.sorts import Record, implies, is_sort, require
from kvspec.lang.standing import at, kept
from kvspec.lang.types import FifoType, RecordType, ScalarType
from kvspec.lang.values import (
    BOOL,
    FALSE,
    TRUE,
    Group,
    Helper,
    Kind,
    Members,
    Queue,
    Text,
    Value,
    both,
    either,
    is_expression,
    kind_name,
    negated,
    same_kind,
    type_name,
    whole,
)

_QUANTIFIERS = ("all", "any", "sum", "next")


def call(frame: Frame, node: ast.Call) -> Value:
    """What a call inside an expression means."""
    if isinstance(node.func, ast.Name) and node.func.id not in frame.names:
        name = node.func.id
        if name in _QUANTIFIERS:
            return _quantifier(frame, node, name)
        if name == "len":
            return _len(frame, node)
    if isinstance(node.func, ast.Attribute) and not _is_machine(node.func.value):
        owner = expressions.value(frame, node.func.value)
        if isinstance(owner, Queue | Members):
            raise frame.error(
                node,
                f"`{frame.spell(node)}` changes the state inside an expression.",
                "What the other operands read would depend on Python's evaluation order.",
                "Put it on a line of its own, or alone on the right of an assignment.",
            )
    found = _called(frame, node)
    if isinstance(found, Kind) and issubclass(found.owner, Record):
        return _record(frame, node, found)
    if isinstance(found, Helper):
        return _helper(frame, node, found, effects=False)
    raise _no_call(frame, node, found)


def run_call(frame: Frame, node: ast.Call) -> Value:
    """A call on a line of its own or alone on the right of `=`: it may change the state."""
    if isinstance(node.func, ast.Attribute) and not _is_machine(node.func.value):
        owner = expressions.value(frame, node.func.value)
        if isinstance(owner, Queue):
            return _queue_operation(frame, node, owner, node.func.attr)
        if isinstance(owner, Members):
            return _set_operation(frame, node, owner, node.func.attr)
    if isinstance(node.func, ast.Name) and node.func.id in (*_QUANTIFIERS, "len"):
        return call(frame, node)
    found = _called(frame, node)
    if isinstance(found, Helper):
        return _helper(frame, node, found, effects=True)
    return call(frame, node)


def _is_machine(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "self") or _is_super(node)


def _is_super(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == "super"


def _called(frame: Frame, node: ast.Call) -> Value:
    """What a call calls; `super().m` is the next `m` in the method resolution order."""
    if not isinstance(node.func, ast.Attribute) or not _is_super(node.func.value):
        return expressions.value(frame, node.func)
    order = frame.unit.machine.__mro__
    for owner in order[order.index(frame.owner) + 1 :]:
        if node.func.attr in vars(owner):
            return Helper(node.func.attr, vars(owner)[node.func.attr], owner)
    raise frame.error(
        node,
        f"No base class of {frame.owner.__name__} has a method {node.func.attr}.",
        "It is misspelt, or defined only in the class itself.",
        "Call a method that a base class defines.",
    )


def _no_call(frame: Frame, node: ast.Call, found: Value) -> Exception:
    return frame.error(
        node,
        f"`{frame.spell(node)}` calls {kind_name(found)}.",
        "Only helper methods, records, require, implies, len and all/any/sum/next are called.",
        "Write it with those.",
    )


def _quantifier(frame: Frame, node: ast.Call, name: str) -> Value:
    if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and not node.keywords:
        if name == "next":
            return quantifiers.first(frame, node, node.args[0])
        return quantifiers.quantify(frame, name, node.args[0])
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is not over a generator expression.",
        f"{name}() is read as a quantifier, so what it runs through must be written in it.",
        f"Write {name}(... for x in ...).",
    )


def _len(frame: Frame, node: ast.Call) -> Expr:
    found = expressions.value(frame, node.args[0]) if len(node.args) == 1 else None
    if isinstance(found, Queue | Members):
        return Len(found.variable, found.index)
    if isinstance(found, Kind) and is_sort(found.owner):
        kind = quantifiers.kind_type(frame, found, node)
        return SizeOf(found.owner.__name__, kind.high + 1)
    raise frame.error(
        node,
        f"`{frame.spell(node)}` takes the length of {kind_name(found)}.",
        "Queues, sets and sorts have one.",
        "Count what you mean with sum(1 for ...).",
    )


def _record(frame: Frame, node: ast.Call, kind: Kind) -> Group:
    shape = frame_shape(frame, kind, node)
    given = {k.arg: expressions.scalar(frame, k.value) for k in node.keywords if k.arg}
    wanted = dict(shape.type.fields)
    if node.args or set(given) != set(wanted):
        raise frame.error(
            node,
            f"`{frame.spell(node)}` does not give {', '.join(wanted)} by name.",
            "A record has exactly its fields, and positions are easily swapped.",
            f"Write {shape.type.name}({', '.join(f'{f}=...' for f in wanted)}).",
        )
    fields = tuple(
        (field, fitting(frame, given[field], wanted[field], f"{shape.type.name}.{field}", node))
        for field in wanted
    )
    return Group(shape, fields)


def frame_shape(frame: Frame, kind: Kind, node: ast.AST) -> RecordShape:
    """The shape of a record class at this instance's sizes."""
    resolver = Resolver(frame.unit.sizes)
    resolver.at = frame.source.at(node)
    shape = resolver.shape(kind.owner)
    assert isinstance(shape, RecordShape)
    return shape


def fitting(frame: Frame, found: Expr, kind: ScalarType, role: str, node: ast.AST) -> Expr:
    """An expression that a cell of this type may take; its range is asserted if need be."""
    fitting_kind(frame, found, kind, role, node)
    ranges.in_range(frame, found, kind, role, node)
    return found


def fitting_kind(frame: Frame, found: Expr, kind: ScalarType, role: str, node: ast.AST) -> None:
    """Refuse an expression of another kind."""
    if not same_kind(found.type, kind):
        raise frame.error(
            node,
            f"{role} is {type_name(kind)}, but `{frame.spell(node)}` gives "
            f"{type_name(found.type)}.",
            "Ids of different sorts do not mix, nor do bools and ints.",
            "Give a value of that kind.",
        )


# ---- helpers -----------------------------------------------------------------------------------


def _helper(frame: Frame, node: ast.Call, helper: Helper, *, effects: bool) -> Value:
    if helper.function is require:
        _require(frame, node)
        return None
    if helper.function is implies:
        return _implies(frame, node)
    if helper.function is at:
        return thread_facts.at_call(frame, node)
    if helper.function is kept:
        return thread_facts.kept_call(frame, node)
    is_method = isinstance(node.func, ast.Attribute)
    if not is_method:
        raise frame.error(
            node,
            f"`{frame.spell(node)}` calls a function that is no method of the machine.",
            "Helpers are inlined, and what they read must be the machine's own.",
            f"Make {helper.name} a method.",
        )
    before = frame.emission.effects
    result = statements.inline(frame, node, helper)
    if not effects and frame.emission.effects > before:
        raise frame.error(
            node,
            f"`{frame.spell(node)}` changes the state inside an expression.",
            "What the other operands read would depend on Python's evaluation order.",
            "Call it on a line of its own.",
        )
    return result


def _implies(frame: Frame, node: ast.Call) -> Expr:
    """Both sides are evaluated, but a fact says the second only of where the first is true."""
    condition = expressions.truth(frame, node.args[0])
    with frame.assuming(*((condition,) if frame.is_fact else ())):
        consequence = expressions.truth(frame, node.args[1])
    return either(negated(condition), consequence)


def _require(frame: Frame, node: ast.Call) -> None:
    label = expressions.value(frame, node.args[0]) if len(node.args) == 2 else None
    if not isinstance(label, Text):
        raise frame.error(
            node,
            f"`{frame.spell(node)}` has no name for its condition.",
            "A refused step is explained by the name of the conjunct that failed.",
            'Write require("what must be so", condition).',
        )
    condition = expressions.truth(frame, node.args[1])
    parts = (
        condition.operands
        if isinstance(condition, Apply) and condition.operator is Operator.AND
        else (condition,)
    )
    for number, part in enumerate(parts, 1):
        name = label.text if len(parts) == 1 else f"{label.text} ({number})"
        frame.emit(Require(name, part, frame.source.at(node)), node)


# ---- queues and sets ---------------------------------------------------------------------------


def _queue_operation(frame: Frame, node: ast.Call, queue: Queue, verb: str) -> Value:
    variable, index, at = queue.variable, queue.index, frame.source.at(node)
    if verb == "push" and len(node.args) == 1:
        fields = _pushed(frame, queue, node.args[0])
        _check_push(frame, queue, fields, node)
        frame.emit(Push(variable, index, fields, at), node)
        return None
    if verb == "pop" and not node.args:
        ranges.front(frame, queue, node, "pop of")
        oldest = ranges.element(queue, whole(0))
        taken = frame.freeze("popped", oldest, node)
        frame.emit(Pop(variable, index, at), node)
        return taken
    if verb == "remove" and len(node.args) == 1 and queue.shape.type.unique:
        item = _element(frame, queue, node.args[0])
        gone = f"remove of what is not in {variable.name}"
        frame.check(Has(variable, index, item), gone, node)
        frame.emit(Remove(variable, index, item, at), node)
        return None
    if verb == "fill" and len(node.args) == 1 and queue.shape.type.unique:
        _fill(frame, node, queue)
        return None
    raise _no_operation(frame, node, f"the queue {variable.name}", "push, pop, remove and fill")


def _no_operation(frame: Frame, node: ast.Call, owner: str, verbs: str) -> Exception:
    return frame.error(
        node,
        f"`{frame.spell(node)}` is no operation of {owner}.",
        f"There are {verbs} (remove and fill only where elements are unique).",
        "Use one of those.",
    )


def _element(frame: Frame, queue: Queue, node: ast.expr) -> Expr:
    kind = queue.shape.type.element
    assert not isinstance(kind, RecordType)
    return fitting(frame, expressions.scalar(frame, node), kind, queue.variable.name, node)


def _pushed(frame: Frame, queue: Queue, node: ast.expr) -> tuple[Expr, ...]:
    if queue.shape.record is None:
        return (_element(frame, queue, node),)
    found = expressions.value(frame, node)
    if isinstance(found, Group) and found.shape == queue.shape.record:
        return tuple(e for _, e in found.fields)
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is {kind_name(found)}, not a {queue.shape.record.type.name}.",
        f"{queue.variable.name} holds those records.",
        "Push one of them.",
    )


def _check_push(frame: Frame, queue: Queue, fields: tuple[Expr, ...], node: ast.AST) -> None:
    variable, index = queue.variable, queue.index
    leaf = variable.leaf
    assert isinstance(leaf, FifoType)
    if leaf.unique:
        absent = negated(Has(variable, index, fields[0]))
        frame.check(absent, f"push of what is already in {variable.name}", node)
    length = Len(variable, index)
    limit = ranges.capacity_bound(leaf)
    room = Apply(Operator.LT, (length, limit), BOOL)
    frame.check(room, f"push on the full queue {variable.name}", node)


def _fill(frame: Frame, node: ast.Call, queue: Queue) -> None:
    generator = node.args[0]
    part = generator.generators[0] if isinstance(generator, ast.GeneratorExp) else None
    if part is None or len(generator.generators) != 1:  # type: ignore[attr-defined]  # a generator
        raise _no_operation(frame, node, f"the queue {queue.variable.name}", "fill(b for b in ...)")
    found = quantifiers.walk(frame, part.target, part.iter, in_order=False)
    with frame.formula(found.naming(found.bound)):
        tests = [expressions.truth(frame, test) for test in part.ifs]
        item = expressions.scalar(frame, generator.elt)  # type: ignore[attr-defined]  # a generator
    if item != found.bound or found.bound.type != queue.shape.type.element:
        raise frame.error(
            node,
            f"`{frame.spell(node)}` does not fill with the ids that it walks through.",
            "A fill says which ids are in the queue at the start, in id order.",
            "Write fill(b for b in Block if ...).",
        )
    condition = both(found.condition, *tests) if tests else TRUE
    at = frame.source.at(node)
    assert isinstance(found.bound, Local)
    frame.emit(Fill(queue.variable, queue.index, found.bound, condition, at), node)


def _set_operation(frame: Frame, node: ast.Call, members: Members, verb: str) -> Value:
    if verb not in ("add", "discard", "remove") or len(node.args) != 1:
        owner = f"the set {members.variable.name}"
        raise _no_operation(frame, node, owner, "add, discard and remove")
    variable, index = members.variable, members.index
    found = expressions.scalar(frame, node.args[0])
    item = fitting(frame, found, members.element, variable.name, node.args[0])
    if verb == "remove":
        frame.check(Has(variable, index, item), f"remove of what is not in {variable.name}", node)
    present = TRUE if verb == "add" else FALSE
    frame.emit(SetMember(variable, index, item, present, frame.source.at(node)), node)
    return None


__all__ = ["call", "fitting", "is_expression", "run_call"]
