"""Ghost variables only record: nothing that is not a ghost may depend on one.

It decides whether a model keeps that rule, by following what each statement reads and under which
conditions it runs; properties may read ghosts freely.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from kvspec.lang.errors import SpecError
from kvspec.lang.ir import (
    Assert,
    Assign,
    Fill,
    ForEach,
    If,
    Let,
    Local,
    Model,
    Pop,
    Push,
    Remove,
    Require,
    SetMember,
    Statement,
    Variable,
)


def check_ghosts(model: Model) -> None:
    """Raise SpecError at the first statement that lets a ghost decide anything."""
    for action in (model.init, *model.actions):
        _check(action.body, tainted=set(), under=False)


def _check(body: Sequence[Statement], tainted: set[str], *, under: bool) -> None:
    for statement in body:
        match statement:
            case Let(local=local, value=value):
                if under or _reads_ghost(value, tainted):
                    tainted.add(local.name)
            case Require(condition=condition):
                if under or _reads_ghost(condition, tainted):
                    raise _refuse(statement, "The guard")
            case Assert():
                continue
            case If(condition=condition, then=then, otherwise=otherwise):
                ghostly = under or _reads_ghost(condition, tainted)
                _check(then, tainted, under=ghostly)
                _check(otherwise, tainted, under=ghostly)
            case ForEach(domain=domain, body=inner):
                _check(inner, tainted, under=under or _reads_ghost(domain, tainted))
            case Assign() | Push() | Pop() | Remove() | SetMember() | Fill():
                if not statement.variable.ghost and (under or _reads_ghost(statement, tainted)):
                    raise _refuse(statement, f"The change of {statement.variable.name}")


def _refuse(statement: Statement, what: str) -> SpecError:
    return SpecError(
        f"{what} depends on a ghost variable.",
        cause="A ghost only records, so that taking it away changes nothing.",
        mend="Read the state that the implementation has, or make the variable an ordinary one.",
        at=statement.at,
    )


def _reads_ghost(node: object, tainted: Iterable[str]) -> bool:
    names = set(tainted)
    return any(
        (isinstance(part, Variable) and part.ghost)
        or (isinstance(part, Local) and part.name in names)
        for part in _parts(node)
    )


def _parts(node: object) -> Iterator[object]:
    yield node
    if isinstance(node, tuple):
        for item in node:
            yield from _parts(item)
    elif hasattr(node, "__dataclass_fields__") and not isinstance(node, Variable | Local):
        for field in fields(node):  # type: ignore[arg-type]  # a dataclass, by the line above
            yield from _parts(getattr(node, field.name))
