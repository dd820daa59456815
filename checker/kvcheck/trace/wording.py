"""An expression of the IR as the line of Python that it was traced from, or nearly.

It decides how a formula is written for a reader, not what it means; it never evaluates. The
tracer inlines helper methods, so the text is the unfolded formula, with names of locals stripped
of what the tracer put behind them to make them unique.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kvspec.lang.ir import (
    Apply,
    At,
    Domain,
    Expr,
    Has,
    Len,
    Literal,
    Local,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
    SizeOf,
)
from kvspec.lang.types import BoolType, EnumType, IntType, ScalarType, SortType, render_value

_LOOSE, _TIGHT = 0, 9
_STRENGTH = {
    Operator.ITE: 1,
    Operator.OR: 2,
    Operator.AND: 3,
    Operator.NOT: 4,
    Operator.EQ: 5,
    Operator.LT: 5,
    Operator.LE: 5,
    Operator.ADD: 6,
    Operator.SUB: 6,
}


def render_expr(expr: Expr) -> str:
    """The expression on one line, with only the brackets that it needs."""
    return _text(expr, _LOOSE)


def substitute(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """The expression with the named locals replaced by what they stand for, again and again."""
    match expr:
        case Local(name=name):
            return substitute(values[name], values) if name in values else expr
        case Read() | ReadConstant() | Len():
            return replace(expr, index=_all(expr.index, values))
        case At():
            place = substitute(expr.place, values)
            return replace(expr, index=_all(expr.index, values), place=place)
        case Has():
            element = substitute(expr.element, values)
            return replace(expr, index=_all(expr.index, values), element=element)
        case Apply():
            return replace(expr, operands=_all(expr.operands, values))
        case Quantified():
            return replace(expr, body=substitute(expr.body, values))
        case _:
            return expr


def _all(exprs: Sequence[Expr], values: Mapping[str, Expr]) -> tuple[Expr, ...]:
    return tuple(substitute(expr, values) for expr in exprs)


def local_name(local: Local) -> str:
    """The name a spec author gave to a local: what stands before the tracer's suffix."""
    for mark in ("#", "$", "@", "'"):
        local_part = local.name.split(mark)[0]
        if local_part and local_part != local.name:
            return local_part
    return local.name


def _text(expr: Expr, around: int) -> str:
    match expr:
        case Literal(value=value, type=kind):
            return _literal(kind, value)
        case SizeOf(size=size):
            return size
        case Local():
            return local_name(expr)
        case Read(variable=variable, index=index):
            return variable.name + _index(index)
        case ReadConstant(constant=constant, index=index):
            return constant.name + _index(index)
        case Len(variable=variable, index=index):
            return f"len({variable.name}{_index(index)})"
        case At(variable=variable, index=index, place=place, field=field):
            cell = f"{variable.name}{_index(index)}[{_text(place, _LOOSE)}]"
            return f"{cell}.{field}" if field else cell
        case Has(variable=variable, index=index, element=element):
            text = f"{_text(element, 5)} in {variable.name}{_index(index)}"
            return f"({text})" if around >= 5 else text
        case Apply():
            text, strength = _apply(expr), _STRENGTH[expr.operator]
            return f"({text})" if around >= strength else text
        case Quantified():
            return _quantified(expr)


def _index(index: Sequence[Expr]) -> str:
    return "".join(f"[{_text(i, _LOOSE)}]" for i in index)


def _literal(kind: ScalarType, value: int) -> str:
    match kind:
        case BoolType():
            return "True" if value else "False"
        case _:
            return render_value(kind, value)


def _apply(expr: Apply) -> str:
    operator, operands = expr.operator, expr.operands
    if operator is Operator.NOT:
        return _negation(operands[0])
    if operator is Operator.ITE:
        condition, then, otherwise = (_text(o, 1) for o in operands)
        return f"{then} if {condition} else {otherwise}"
    if operator in (Operator.AND, Operator.OR):
        # the same operator inside itself needs no brackets
        inner = _STRENGTH[operator] - 1
        return f" {operator.value} ".join(
            _text(o, inner if _is(o, operator) else _STRENGTH[operator]) for o in operands
        )
    left = _text(operands[0], _STRENGTH[operator] - (operator in (Operator.ADD, Operator.SUB)))
    return f"{left} {operator.value} {_text(operands[1], _STRENGTH[operator])}"


def _is(expr: Expr, operator: Operator) -> bool:
    return isinstance(expr, Apply) and expr.operator is operator


def _negation(operand: Expr) -> str:
    match operand:
        case Apply(operator=Operator.EQ, operands=(left, right)):
            return f"{_text(left, 5)} != {_text(right, 5)}"
        case Apply(operator=Operator.LT, operands=(left, right)):
            return f"{_text(left, 5)} >= {_text(right, 5)}"
        case Apply(operator=Operator.LE, operands=(left, right)):
            return f"{_text(left, 5)} > {_text(right, 5)}"
        case Has(variable=variable, index=index, element=element):
            return f"{_text(element, 5)} not in {variable.name}{_index(index)}"
        case _:
            return f"not {_text(operand, 4)}"


def _quantified(expr: Quantified) -> str:
    name, domain = local_name(expr.bound), _domain(expr.domain)
    body = _text(expr.body, _LOOSE)
    match expr.kind:
        case QuantifierKind.COUNT:
            return f"sum(1 for {name} in {domain} if {body})"
        case QuantifierKind.FIRST:
            return f"next({name} for {name} in {domain} if {body})"
        case kind:
            return f"{kind.value}({body} for {name} in {domain})"


def _domain(domain: Domain) -> str:
    if isinstance(domain, Places):
        return f"range(len({domain.variable.name}{_index(domain.index)}))"
    match domain.type:
        case SortType(name=name) | EnumType(name=name):
            return name
        case BoolType():
            return "(False, True)"
        case IntType(low=low, high=high):
            return f"range({low}, {high + 1})"
