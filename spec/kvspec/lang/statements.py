"""Statements of a spec's source, translated to IR.

It decides sequencing: what a name means after an `if`, what a loop may bind, where a `return`
leads. A branch that returns takes the rest of the method with it, so both branches end in a value;
a name bound differently in two branches becomes one local that each branch binds at its end.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_type_hints

from kvspec.lang import calls, expressions, quantifiers
from kvspec.lang.declarations import Resolver
from kvspec.lang.frame import Frame
from kvspec.lang.ir import (
    Assign,
    Expr,
    ForEach,
    If,
    Let,
    Local,
    Places,
    Pop,
    Push,
    Read,
    Remove,
    Statement,
)
from kvspec.lang.types import BoolType, EnumType, IntType, SortType
from kvspec.lang.values import (
    TRUE,
    Group,
    Helper,
    Itself,
    Several,
    Value,
    hull,
    is_expression,
    kind_name,
    minus,
    negated,
    plus,
    same_kind,
)


@dataclass(frozen=True, slots=True)
class Returned:
    """A method ended with this value."""

    value: Value


def run(frame: Frame, body: Sequence[ast.stmt]) -> Returned | None:
    """Translate statements in order; None if control falls out at the end."""
    for number, node in enumerate(body):
        if isinstance(node, ast.Return):
            if node.value is None:
                return Returned(None)
            return Returned(frame.freeze("result", _right_side(frame, node.value), node))
        if isinstance(node, ast.If):
            rest = body[number + 1 :] if _returns(node) else []
            ended = branch(
                frame,
                node,
                lambda node=node, rest=rest: run(frame, [*node.body, *rest]),  # type: ignore[misc]  # loop variables bound now
                lambda node=node, rest=rest: run(frame, [*node.orelse, *rest]),  # type: ignore[misc]  # as above
            )
            if _returns(node):
                return ended
        else:
            _statement(frame, node)
    return None


def _returns(node: ast.stmt) -> bool:
    return any(isinstance(inner, ast.Return) for inner in ast.walk(node))


def _statement(frame: Frame, node: ast.stmt) -> None:
    match node:
        case ast.Pass():
            return
        case ast.Expr(value=ast.Constant(value=str())):
            return
        case ast.Expr(value=ast.Call() as called):
            calls.run_call(frame, called)
        case ast.Assign(targets=[target], value=value):
            _assign(frame, target, _right_side(frame, value), node)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _assign(frame, target, _right_side(frame, value), node)
        case ast.AugAssign():
            _augment(frame, node)
        case ast.Assert():
            _assert(frame, node)
        case ast.For(orelse=[]):
            _for(frame, node)
        case _:
            raise _no_statement(frame, node)


def _no_statement(frame: Frame, node: ast.stmt) -> Exception:
    what = f"`{frame.spell(node)}` is no statement of the spec language."
    if isinstance(node, ast.While):
        return frame.error(
            node,
            what,
            "An atomic step must end, and nothing bounds this loop.",
            "Use `for` over a sort, a queue or range(n); in a @thread, yield in every round.",
        )
    return frame.error(
        node,
        what,
        f"A {type(node).__name__} has no meaning as part of one atomic step.",
        "Use assignments, if, for, assert, require and calls of helpers.",
    )


def _right_side(frame: Frame, node: ast.expr) -> Value:
    if isinstance(node, ast.Call):
        return calls.run_call(frame, node)
    return expressions.value(frame, node)


# ---- assignment --------------------------------------------------------------------------------


def _assign(frame: Frame, target: ast.expr, value: Value, node: ast.stmt) -> None:
    match target:
        case ast.Name(id=name) if name not in frame.own:
            _bind(frame, name, value, node)
        case ast.Tuple(elts=targets):
            _assign_each(frame, targets, value, node)
        case _:
            _store(frame, expressions.value(frame, target), value, node)


def _bind(frame: Frame, name: str, value: Value, node: ast.stmt) -> None:
    if name in frame.outside_loop:
        raise frame.error(
            node,
            f"`{name}` is bound outside the loop and bound again inside.",
            "What a round leaves to the next one would have to be part of the state.",
            "Use sum/any/next, a new name, or a state variable.",
        )
    frame.names[name] = frame.freeze(name, value, node)


def _assign_each(frame: Frame, targets: Sequence[ast.expr], value: Value, node: ast.stmt) -> None:
    items = value.items if isinstance(value, Several) else ()
    if len(items) != len(targets):
        raise frame.error(
            node,
            f"`{frame.spell(node)}` unpacks {kind_name(value)} into {len(targets)} names.",
            "Only a tuple written out, or returned by a helper, can be unpacked.",
            "Assign one by one.",
        )
    frozen = [frame.freeze("part", item, node) for item in items]
    for target, item in zip(targets, frozen, strict=True):
        _assign(frame, target, item, node)


def _store(frame: Frame, place: Value, value: Value, node: ast.stmt) -> None:
    at = frame.source.at(node)
    if isinstance(place, Read) and is_expression(value):
        role = place.variable.name
        fitted = calls.fitting(frame, value, place.type, role, node)  # type: ignore[arg-type]  # an expression
        frame.emit(Assign(place.variable, place.index, fitted, at), node)
        return
    if isinstance(place, Group) and isinstance(value, Group) and place.shape == value.shape:
        _store_record(frame, place, value, node)
        return
    raise frame.error(
        node,
        f"`{frame.spell(node)}` assigns {kind_name(value)} to {kind_name(place)}.",
        "Only cells of state variables are assigned, each with a value of its own kind.",
        "Name a cell, as in `self.refs[b] = 1`; queues and sets change by their operations.",
    )


def _store_record(frame: Frame, place: Group, value: Group, node: ast.stmt) -> None:
    frozen = frame.freeze("record", value, node)
    assert isinstance(frozen, Group)
    for (_, cell), (_, new) in zip(place.fields, frozen.fields, strict=True):
        if not isinstance(cell, Read):
            raise frame.error(
                node,
                f"`{frame.spell(node)}` assigns to a record inside a queue.",
                "What stands in a queue does not change until it leaves.",
                "Pop it and push another, or keep what changes in a map.",
            )
        frame.emit(Assign(cell.variable, cell.index, new, frame.source.at(node)), node)


def _augment(frame: Frame, node: ast.AugAssign) -> None:
    right = expressions.integer(frame, node.value)
    left = expressions.integer(frame, _as_load(node.target))
    match node.op:
        case ast.Add():
            value = plus(left, right)
        case ast.Sub():
            value = minus(left, right)
        case _:
            raise _no_statement(frame, node)
    _assign(frame, node.target, value, node)


def _as_load(target: ast.expr) -> ast.expr:
    text = ast.unparse(target)
    return ast.copy_location(_relocated(ast.parse(text, mode="eval").body, target), target)


def _relocated(node: ast.expr, place: ast.expr) -> ast.expr:
    for inner in ast.walk(node):
        ast.copy_location(inner, place)
    return node


def _assert(frame: Frame, node: ast.Assert) -> None:
    condition = expressions.truth(frame, node.test)
    text = node.msg.value if isinstance(node.msg, ast.Constant) else frame.spell(node.test)
    frame.check(condition, str(text), node)


# ---- branches and loops ------------------------------------------------------------------------


def branch(
    frame: Frame,
    node: ast.If | ast.While,
    then: Callable[[], Returned | None],
    otherwise: Callable[[], Returned | None],
) -> Returned | None:
    """Translate both branches and join what they bound and returned."""
    condition = expressions.truth(frame, node.test)
    if not frame.pure:
        condition = frame.let("condition", condition, node)
    before, effects = dict(frame.names), frame.emission.effects
    ended: list[Returned | None] = []
    blocks: list[list[Statement]] = []
    names: list[dict[str, Value]] = []
    counts: list[int] = []
    for side, part in ((condition, then), (negated(condition), otherwise)):
        frame.names, frame.emission.effects = dict(before), effects
        frame.emission.blocks.append([])
        with _where(frame, side):
            ended.append(part())
        blocks.append(frame.emission.blocks.pop())
        names.append(frame.names)
        counts.append(frame.emission.effects)
    frame.emission.effects = max(counts)
    join = _Join(frame, condition, node, blocks)
    frame.names = {
        name: join.value(name, names[0].get(name), names[1].get(name))
        for name in (*names[0], *(n for n in names[1] if n not in names[0]))
    }
    result = None
    if ended[0] is not None or ended[1] is not None:
        values = [e.value if e else None for e in ended]
        result = Returned(join.value("result", values[0], values[1]))
    if any(blocks) or not frame.pure:
        at = frame.source.at(node)
        if any(blocks):
            frame.emission.blocks[-1].append(If(condition, tuple(blocks[0]), tuple(blocks[1]), at))
    return result


def _where(frame: Frame, condition: Expr):  # type: ignore[no-untyped-def]  # a context manager
    return frame.assuming(condition) if frame.pure else frame.assuming()


@dataclass(frozen=True)
class _Join:
    frame: Frame
    condition: Expr
    node: ast.AST
    blocks: list[list[Statement]]

    def value(self, name: str, yes: Value, no: Value) -> Value:
        """One value for a name that two branches left with two."""
        if yes == no:
            return yes
        if self.frame.pure:
            return expressions.chosen(self.condition, yes, no)
        if isinstance(yes, Group) and isinstance(no, Group) and yes.shape == no.shape:
            pairs = zip(yes.fields, no.fields, strict=True)
            fields = tuple((f, self._either(f"{name}_{f}", a, b)) for (f, a), (_, b) in pairs)
            return Group(yes.shape, fields)
        if is_expression(yes) and is_expression(no) and same_kind(yes.type, no.type):  # type: ignore[union-attr]
            return self._either(name, yes, no)  # type: ignore[arg-type]  # expressions, by that line
        return Itself.UNDECIDED

    def _either(self, name: str, yes: Expr, no: Expr) -> Expr:
        local = Local(self.frame.emission.fresh(name), hull(yes.type, no.type))
        at = self.frame.source.at(self.node)
        self.blocks[0].append(Let(local, yes, at))
        self.blocks[1].append(Let(local, no, at))
        return local


def _for(frame: Frame, node: ast.For) -> None:
    found = quantifiers.walk(frame, node.target, node.iter, in_order=True)
    saved = frame.names, frame.outside_loop
    frame.names = {**frame.names, **found.naming(found.bound)}
    frame.outside_loop = frame.outside_loop | set(saved[0])
    frame.emission.loops += 1
    try:
        body = frame.block(lambda: _no_return(frame, node, run(frame, node.body)))
    finally:
        frame.emission.loops -= 1
        frame.names, frame.outside_loop = saved
    at = frame.source.at(node)
    if found.condition != TRUE:
        body = (If(found.condition, body, (), at),)
    if isinstance(found.domain, Places) and _changes(body, found.domain):
        raise frame.error(
            node,
            f"The loop changes {found.domain.variable.name} while it walks through it.",
            "Which elements remain to be visited would be unclear.",
            "Note what to do first, or walk through the ids.",
        )
    frame.emit(ForEach(found.bound, found.domain, body, at), node)


def _no_return(frame: Frame, node: ast.For, ended: Returned | None) -> None:
    if ended is not None:
        raise frame.error(
            node,
            "A `return` stands inside a loop.",
            "Every round of a loop runs.",
            "Use next/any to look for one element.",
        )


def _changes(body: Sequence[Statement], places: Places) -> bool:
    for statement in body:
        match statement:
            case Push() | Pop() | Remove() if statement.variable == places.variable:
                return True
            case If(then=then, otherwise=otherwise):
                if _changes([*then, *otherwise], places):
                    return True
            case ForEach(body=inner) if _changes(inner, places):
                return True
    return False


# ---- helpers -----------------------------------------------------------------------------------


def inline(frame: Frame, node: ast.Call, helper: Helper) -> Value:
    """A helper method's value, its statements emitted where it is called."""
    called = f"{helper.owner.__name__}.{helper.name}"
    if called in frame.calls:
        raise frame.error(
            node,
            f"`{helper.name}` calls itself, by way of {' -> '.join(frame.calls)}.",
            "Helpers are inlined, and nothing bounds how deep.",
            "Use a quantifier or a loop.",
        )
    source = frame.unit.library.method(helper.function)
    names: dict[str, Value] = {"self": Itself.SELF}
    names.update(_arguments(frame, node, helper, source.tree))
    inner = Frame(
        frame.unit,
        source,
        frame.emission,
        names,
        pure=frame.pure,
        is_fact=frame.is_fact,
        path=frame.path,
        owner=helper.owner,
        calls=(*frame.calls, called),
    )
    ended = run(inner, source.tree.body)
    return ended.value if ended else None


def _arguments(
    frame: Frame, node: ast.Call, helper: Helper, method: ast.FunctionDef
) -> dict[str, Value]:
    parameters = [p.arg for p in (*method.args.args[1:], *method.args.kwonlyargs)]
    given = dict(zip(parameters, node.args, strict=False))
    given.update({k.arg: k.value for k in node.keywords if k.arg})
    if set(given) != set(parameters) or len(node.args) > len(parameters):
        raise frame.error(
            node,
            f"`{frame.spell(node)}` does not fit {helper.name}({', '.join(parameters)}).",
            "Every parameter of a helper is given, once.",
            "Give exactly these arguments.",
        )
    hints = get_type_hints(helper.function, include_extras=True)
    found: dict[str, Value] = {}
    for name in parameters:
        value = frame.freeze(name, expressions.value(frame, given[name]), node)
        _check_parameter(frame, given[name], name, hints.get(name), value)
        found[name] = value
    return found


def _check_parameter(frame: Frame, node: ast.expr, name: str, hint: object, value: Value) -> None:
    if hint is None or hint is int or not is_expression(value):
        return
    wanted = Resolver(frame.unit.sizes).shape(hint)
    if isinstance(wanted, BoolType | IntType | EnumType | SortType):
        calls.fitting_kind(frame, value, wanted, f"parameter {name}", node)  # type: ignore[arg-type]  # an expression
