"""The smallest part of a false condition that makes it false, and the values it read.

It decides which conjunct, for which quantified names, a reader is shown; it takes no view on
whether the condition is right. The idea: walk down from the root while exactly one child is to
blame: the first false operand of `and`, the first false instance of `all`, through `not` with the
sense reversed; and stop where no single child is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kvcheck.trace.wording import local_name, render_expr
from kvspec.lang.concrete import Evaluation
from kvspec.lang.ir import (
    Apply,
    At,
    Expr,
    Has,
    Len,
    Literal,
    Local,
    Operator,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
)
from kvspec.lang.state import cell_name, render_row
from kvspec.lang.types import BoolType, render_value

VALUES_MAX = 16


@dataclass(frozen=True, slots=True)
class Blame:
    """`failing` should be true and is not (or the reverse: then the text begins with `not`).

    `instance` is the same with the values that names and cells have here: `block0 in free[LOW]`.
    """

    failing: str
    instance: str
    bindings: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Part:
    expr: Expr
    wanted: bool
    bound: tuple[Local, ...]


def blame(evaluation: Evaluation, condition: Expr) -> Blame:
    """Why `condition` is false here; `evaluation` holds the state and the locals in scope."""
    part = _narrow(evaluation, _Part(condition, True, ()))
    return Blame(
        failing=_said(part.expr, wanted=part.wanted),
        instance=_said(_instance(evaluation, part.expr), wanted=part.wanted),
        bindings=tuple(
            (local_name(local), render_value(local.type, evaluation.locals[local.name]))
            for local in part.bound
        ),
        values=_first_values(evaluation, part),
    )


def _said(expr: Expr, *, wanted: bool) -> str:
    return render_expr(expr if wanted else Apply(Operator.NOT, (expr,), BoolType()))


def _instance(run: Evaluation, expr: Expr) -> Expr:
    """The expression with values for names and scalar cells; queues and sets stay names."""
    match expr:
        case Local(type=kind) | Read(type=kind) | ReadConstant(type=kind) | Len(type=kind):
            return Literal(run.value(expr), kind)
        case Has(index=index, element=element):
            inner = tuple(_instance(run, i) for i in index)
            return replace(expr, index=inner, element=_instance(run, element))
        case At(type=kind):
            return Literal(run.value(expr), kind)
        case Apply(operands=operands):
            return replace(expr, operands=tuple(_instance(run, o) for o in operands))
        case _:
            return expr


def _first_values(run: Evaluation, part: _Part) -> tuple[tuple[str, str], ...]:
    named = {local_name(local) for local in part.bound}
    found = {name: value for name, value in _values(run, part.expr) if name not in named}
    return tuple(found.items())[:VALUES_MAX]


def _narrow(run: Evaluation, part: _Part) -> _Part:
    match part.expr, part.wanted:
        case Apply(operator=Operator.NOT, operands=(inner,)), wanted:
            return _narrow(run, _Part(inner, not wanted, part.bound))
        case (Apply(operator=Operator.AND, operands=operands), True) | (
            Apply(operator=Operator.OR, operands=operands),
            False,
        ):
            culprit = next(o for o in operands if bool(run.value(o)) is not part.wanted)
            return _narrow(run, _Part(culprit, part.wanted, part.bound))
        case Apply(operator=Operator.ITE, operands=(condition, then, otherwise)), wanted:
            branch = then if run.value(condition) else otherwise
            return _narrow(run, _Part(branch, wanted, part.bound))
        case (Quantified(kind=QuantifierKind.ALL) as quantified, True) | (
            Quantified(kind=QuantifierKind.ANY) as quantified,
            False,
        ):
            _bind_culprit(run, quantified, wanted=part.wanted)
            bound = (*part.bound, quantified.bound)
            return _narrow(run, _Part(quantified.body, part.wanted, bound))
        case _:
            return part


def _bind_culprit(run: Evaluation, quantified: Quantified, *, wanted: bool) -> None:
    for value in run.domain(quantified.domain):
        run.locals[quantified.bound.name] = value
        if bool(run.value(quantified.body)) is not wanted:
            return
    raise AssertionError(f"no instance of {render_expr(quantified)} is to blame")


def _values(run: Evaluation, expr: Expr) -> Iterator[tuple[str, str]]:
    """The cells that the expression reads, and the value of each quantified part as a whole."""
    match expr:
        case Read() | Len() | Has() | At():
            yield _cell(run, expr)
            for child in _children(expr):
                yield from _values(run, child)
        case ReadConstant(constant=constant, index=index):
            keys = zip(constant.dims, (run.value(i) for i in index), strict=True)
            name = constant.name + "".join(f"[{render_value(d, v)}]" for d, v in keys)
            yield name, render_value(constant.type, run.value(expr))
            for child in index:
                yield from _values(run, child)
        case Local():
            yield local_name(expr), render_value(expr.type, run.value(expr))
        case Apply(operands=operands):
            for child in operands:
                yield from _values(run, child)
        case Quantified():
            yield from _quantified_values(run, expr)
        case _:
            return


def _quantified_values(run: Evaluation, expr: Quantified) -> Iterator[tuple[str, str]]:
    """The number that a sum or count came to, then what each of its instances read."""
    if expr.kind in (QuantifierKind.SUM, QuantifierKind.COUNT, QuantifierKind.FIRST):
        yield render_expr(expr), render_value(expr.type, run.value(expr))
    bound = expr.bound
    for value in run.domain(expr.domain):
        run.locals[bound.name] = value
        for name, shown in _values(run, expr.body):
            if name != local_name(bound):
                yield name, shown
    run.locals.pop(bound.name, None)


def _children(expr: Read | Len | Has | At) -> tuple[Expr, ...]:
    match expr:
        case Has(index=index, element=last) | At(index=index, place=last):
            return (*index, last)
        case _:
            return expr.index


def _cell(run: Evaluation, expr: Read | Len | Has | At) -> tuple[str, str]:
    index = [run.value(i) for i in expr.index]
    return cell_name(expr.variable, index), render_row(
        expr.variable, run.row(expr.variable, expr.index)
    )
