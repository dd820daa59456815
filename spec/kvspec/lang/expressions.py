"""Expressions of a spec's source, translated to IR.

It decides what each Python expression means and refuses the rest; statements are elsewhere. An
operation that can fail emits its `Assert` first, guarded by the short-circuit path that leads to
it, so that `a and b[0]` checks `b` only where `a` holds.
"""

from __future__ import annotations

import ast

from kvspec.lang import calls, names, ranges
from kvspec.lang.frame import Frame
from kvspec.lang.ir import (
    Apply,
    Expr,
    Has,
    Len,
    Operator,
)
from kvspec.lang.types import BoolType, IntType
from kvspec.lang.values import (
    BOOL,
    Group,
    Itself,
    Members,
    Queue,
    Several,
    Value,
    both,
    choice,
    either,
    is_expression,
    kind_name,
    minus,
    negated,
    plus,
    same_kind,
    type_name,
    whole,
)


def value(frame: Frame, node: ast.expr) -> Value:
    """What an expression stands for."""
    match node:
        case ast.Constant():
            return names.literal(frame, node)
        case ast.Name():
            return names.name(frame, node)
        case ast.Attribute():
            return names.attribute(frame, node)
        case ast.Subscript():
            return names.subscript(frame, node)
        case ast.BoolOp():
            return _bool_op(frame, node)
        case ast.UnaryOp(op=ast.Not()):
            return negated(truth(frame, node.operand))
        case ast.UnaryOp(op=ast.USub()):
            return minus(whole(0), integer(frame, node.operand))
        case ast.BinOp(op=ast.Add()):
            left, right = integer(frame, node.left), integer(frame, node.right)
            return plus(left, right)
        case ast.BinOp(op=ast.Sub()):
            return minus(integer(frame, node.left), integer(frame, node.right))
        case ast.Compare():
            return _compare(frame, node)
        case ast.IfExp():
            return _if_expression(frame, node)
        case ast.Call():
            return calls.call(frame, node)
        case ast.Tuple():
            return Several(tuple(value(frame, item) for item in node.elts))
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is no expression of the spec language.",
        f"A {type(node).__name__} has no meaning over a bounded state.",
        "Use reads, comparisons, + and -, and/or/not, len, all/any/sum/next, and helper methods.",
    )


def scalar(frame: Frame, node: ast.expr) -> Expr:
    """An expression that must be one value."""
    found = value(frame, node)
    if is_expression(found):
        return found  # type: ignore[return-value]  # narrowed on the line above
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is {kind_name(found)}, where one value is needed.",
        "A map lacks its index, a method its call, or a queue its len() or .front.",
        "Name the value itself.",
    )


def truth(frame: Frame, node: ast.expr) -> Expr:
    """An expression as a condition; a queue or set is true when it has an element."""
    found = value(frame, node)
    if isinstance(found, Queue | Members):
        return Apply(Operator.LT, (whole(0), Len(found.variable, found.index)), BOOL)
    if is_expression(found) and isinstance(found.type, BoolType):  # type: ignore[union-attr]
        return found  # type: ignore[return-value]  # an expression, by the line above
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is {kind_name(found)}, not a condition.",
        "Only a bool, a queue or a set is true or false.",
        "Compare it with something.",
    )


def integer(frame: Frame, node: ast.expr) -> Expr:
    """An expression that must be an int."""
    found = scalar(frame, node)
    if isinstance(found.type, IntType):
        return found
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is {type_name(found.type)}, where an int is needed.",
        "Ids and enum members are names, not numbers: they can only be compared for equality.",
        "Keep a number beside it if you need to count.",
    )


# ---- operators ---------------------------------------------------------------------------------


def _bool_op(frame: Frame, node: ast.BoolOp) -> Expr:
    conjunction = isinstance(node.op, ast.And)
    parts: list[Expr] = []
    for operand in node.values:
        with frame.assuming(*(p if conjunction else negated(p) for p in parts)):
            parts.append(truth(frame, operand))
    return both(*parts) if conjunction else either(*parts)


def _if_expression(frame: Frame, node: ast.IfExp) -> Value:
    condition = truth(frame, node.test)
    with frame.assuming(condition):
        yes = value(frame, node.body)
    with frame.assuming(negated(condition)):
        no = value(frame, node.orelse)
    merged = chosen(condition, yes, no)
    if merged is Itself.UNDECIDED:
        raise frame.error(
            node,
            f"The two sides of `{frame.spell(node)}` are {kind_name(yes)} and {kind_name(no)}.",
            "Both sides must be values of one kind.",
            "Use an `if` statement with an action on each side.",
        )
    return merged


def chosen(condition: Expr, yes: Value, no: Value) -> Value:
    """One of two values, or `UNDECIDED` if they cannot be one value."""
    if yes == no:
        return yes
    if isinstance(yes, Group) and isinstance(no, Group) and yes.shape == no.shape:
        pairs = zip(yes.fields, no.fields, strict=True)
        fields = tuple((name, choice(condition, a, b)) for (name, a), (_, b) in pairs)
        return Group(yes.shape, fields)
    if is_expression(yes) and is_expression(no) and same_kind(yes.type, no.type):  # type: ignore[union-attr]
        return choice(condition, yes, no)  # type: ignore[arg-type]  # expressions, by that line
    return Itself.UNDECIDED


def _compare(frame: Frame, node: ast.Compare) -> Expr:
    parts = []
    left: ast.expr = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        parts.append(_compare_two(frame, node, operator, left, right))
        left = right
    return both(*parts)


def _compare_two(
    frame: Frame, node: ast.Compare, operator: ast.cmpop, left: ast.expr, right: ast.expr
) -> Expr:
    match operator:
        case ast.Eq():
            return equal(frame, node, value(frame, left), value(frame, right))
        case ast.NotEq():
            return negated(equal(frame, node, value(frame, left), value(frame, right)))
        case ast.In():
            return _member(frame, node, left, right)
        case ast.NotIn():
            return negated(_member(frame, node, left, right))
        case ast.Is() | ast.IsNot():
            raise frame.error(
                node,
                f"`{frame.spell(node)}` compares identity.",
                "State is made of values, which have none.",
                "Use == or !=.",
            )
    a, b = integer(frame, left), integer(frame, right)
    match operator:
        case ast.Lt():
            return Apply(Operator.LT, (a, b), BOOL)
        case ast.LtE():
            return Apply(Operator.LE, (a, b), BOOL)
        case ast.Gt():
            return Apply(Operator.LT, (b, a), BOOL)
    return Apply(Operator.LE, (b, a), BOOL)


def equal(frame: Frame, node: ast.AST, left: Value, right: Value) -> Expr:
    """Equality of scalars, records or tuples of one kind."""
    if isinstance(left, Several) and isinstance(right, Several):
        if len(left.items) == len(right.items):
            pairs = zip(left.items, right.items, strict=True)
            return both(*(equal(frame, node, a, b) for a, b in pairs))
    elif isinstance(left, Group) and isinstance(right, Group) and left.shape == right.shape:
        fields = zip(left.fields, right.fields, strict=True)
        return both(*(equal(frame, node, a, b) for (_, a), (_, b) in fields))
    elif is_expression(left) and is_expression(right) and same_kind(left.type, right.type):  # type: ignore[union-attr]
        return Apply(Operator.EQ, (left, right), BOOL)  # type: ignore[arg-type]  # by that line
    raise frame.error(
        node,
        f"`{frame.spell(node)}` compares {kind_name(left)} with {kind_name(right)}.",
        "Ids of different sorts do not mix, and queues, sets and maps have no equality.",
        "Compare values of one kind.",
    )


def _member(frame: Frame, node: ast.Compare, left: ast.expr, right: ast.expr) -> Expr:
    found = value(frame, right)
    if isinstance(found, Several):
        item = value(frame, left)
        return either(*(equal(frame, node, item, other) for other in found.items))
    if isinstance(found, Queue | Members):
        item_value = scalar(frame, left)
        kind = found.element if isinstance(found, Members) else found.shape.type.element
        if not isinstance(kind, IntType | BoolType) and item_value.type == kind:
            return Has(found.variable, found.index, item_value)
        if isinstance(kind, IntType) and isinstance(item_value.type, IntType):
            ranges.in_range(frame, item_value, kind, f"element of {found.variable.name}", node)
            return Has(found.variable, found.index, item_value)
    raise frame.error(
        node,
        f"`{frame.spell(node)}` asks whether something is in {kind_name(found)}.",
        "`in` works on a queue or set of the same kind of value, and on a tuple written out.",
        "For a queue of records use any(... for c in queue).",
    )
