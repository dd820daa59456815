"""What is inside an expression or statement, and so which variables it reads and writes.

It decides what can touch what, by names alone; whether a touch matters is for a search or a proof.
Every engine that asks walks the tree here, so that a new IR node is added in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kvspec.lang.ir import (
    Apply,
    Assert,
    Assign,
    At,
    Constant,
    Domain,
    Expr,
    Fill,
    ForEach,
    Has,
    If,
    Len,
    Let,
    Places,
    Pop,
    Push,
    Quantified,
    Read,
    ReadConstant,
    Remove,
    Require,
    SetMember,
    Statement,
    Variable,
)


def subexpressions(expr: Expr) -> Iterator[Expr]:
    """The expression and everything inside it, outermost first."""
    yield expr
    for child in children(expr):
        yield from subexpressions(child)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions, the index of a quantifier's FIFO included."""
    match expr:
        case Read(index=index) | ReadConstant(index=index) | Len(index=index):
            return index
        case At(index=index, place=place):
            return (*index, place)
        case Has(index=index, element=element):
            return (*index, element)
        case Apply(operands=operands):
            return operands
        case Quantified(domain=domain, body=body):
            return (*domain_expressions(domain), body)
        case _:
            return ()


def domain_expressions(domain: Domain) -> tuple[Expr, ...]:
    """The expressions that a domain evaluates: the index of its FIFO, or none."""
    return domain.index if isinstance(domain, Places) else ()


def statements_within(body: Iterable[Statement]) -> Iterator[Statement]:
    """Every statement, in source order, an `If` or `ForEach` before what is inside it."""
    for statement in body:
        yield statement
        if isinstance(statement, If):
            yield from statements_within(statement.then)
            yield from statements_within(statement.otherwise)
        elif isinstance(statement, ForEach):
            yield from statements_within(statement.body)


def statement_expressions(statement: Statement) -> tuple[Expr, ...]:
    """The expressions that the statement itself evaluates, not those of the statements inside."""
    match statement:
        case Let(value=value):
            return (value,)
        case Require(condition=condition) | Assert(condition=condition) | If(condition=condition):
            return (condition,)
        case Assign(index=index, value=value):
            return (*index, value)
        case Push(index=index, fields=fields):
            return (*index, *fields)
        case Pop(index=index):
            return index
        case Remove(index=index, element=element):
            return (*index, element)
        case SetMember(index=index, element=element, present=present):
            return (*index, element, present)
        case Fill(index=index, condition=condition):
            return (*index, condition)
        case ForEach(domain=domain):
            return domain_expressions(domain)


def _domain_variable(domain: Domain) -> frozenset[Variable]:
    return frozenset((domain.variable,)) if isinstance(domain, Places) else frozenset()


def variables_read(*exprs: Expr) -> frozenset[Variable]:
    """The state variables that evaluating the expressions may read."""
    found: set[Variable] = set()
    for expr in exprs:
        for part in subexpressions(expr):
            if isinstance(part, Read | Len | At | Has):
                found.add(part.variable)
            elif isinstance(part, Quantified):
                found |= _domain_variable(part.domain)
    return frozenset(found)


def constants_read(*exprs: Expr) -> frozenset[Constant]:
    """The constant maps that evaluating the expressions may read."""
    parts = (part for expr in exprs for part in subexpressions(expr))
    return frozenset(part.constant for part in parts if isinstance(part, ReadConstant))


def variables_written(body: Iterable[Statement]) -> frozenset[Variable]:
    """The state variables that running the statements may write."""
    return frozenset(
        statement.variable
        for statement in statements_within(body)
        if isinstance(statement, Assign | Push | Pop | Remove | SetMember | Fill)
    )


def variables_read_by(body: Iterable[Statement]) -> frozenset[Variable]:
    """The state variables that running the statements may read."""
    found: frozenset[Variable] = frozenset()
    for statement in statements_within(body):
        found |= variables_read(*statement_expressions(statement))
        if isinstance(statement, ForEach):
            found |= _domain_variable(statement.domain)
    return found
