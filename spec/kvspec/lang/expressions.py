"""Expressions of a spec's source, translated to IR.

It decides what each Python expression means and refuses the rest; statements are elsewhere. An
operation that can fail emits its `Assert` first, guarded by the short-circuit path that leads to
it, so that `a and b[0]` checks `b` only where `a` holds.
"""

from __future__ import annotations

import ast
import enum
import inspect
from typing import Any

from kvspec.lang import calls
from kvspec.lang.declarations import FifoShape, MapShape, RecordShape, Shape, flat_name
from kvspec.lang.errors import SpecError
from kvspec.lang.frame import Frame
from kvspec.lang.ir import (
    Apply,
    At,
    Expr,
    Has,
    Len,
    Literal,
    Operator,
    Read,
    ReadConstant,
    SizeOf,
)
from kvspec.lang.marks import mark_of
from kvspec.lang.sorts import Record, Size, is_sort
from kvspec.lang.types import BoolType, EnumType, FifoType, IntType, ScalarType, SetType, SizeTerm
from kvspec.lang.values import (
    BOOL,
    FALSE,
    TRUE,
    Group,
    Helper,
    Itself,
    Kind,
    Members,
    Queue,
    Several,
    Table,
    Text,
    Value,
    both,
    can_differ,
    choice,
    either,
    is_expression,
    kind_name,
    negated,
    same_kind,
    type_name,
    whole,
)


def value(frame: Frame, node: ast.expr) -> Value:
    """What an expression stands for."""
    match node:
        case ast.Constant():
            return _literal(frame, node)
        case ast.Name():
            return _name(frame, node)
        case ast.Attribute():
            return _attribute(frame, node)
        case ast.Subscript():
            return _subscript(frame, node)
        case ast.BoolOp():
            return _bool_op(frame, node)
        case ast.UnaryOp(op=ast.Not()):
            return negated(truth(frame, node.operand))
        case ast.UnaryOp(op=ast.USub()):
            return minus(frame, node, whole(0), integer(frame, node.operand))
        case ast.BinOp(op=ast.Add()):
            left, right = integer(frame, node.left), integer(frame, node.right)
            return plus(left, right)
        case ast.BinOp(op=ast.Sub()):
            return minus(frame, node, integer(frame, node.left), integer(frame, node.right))
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


# ---- names -------------------------------------------------------------------------------------


def _literal(frame: Frame, node: ast.Constant) -> Value:
    if isinstance(node.value, bool):
        return TRUE if node.value else FALSE
    if isinstance(node.value, int):
        return whole(node.value)
    if isinstance(node.value, str):
        return Text(node.value)
    if node.value is None:
        return None
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is a {type(node.value).__name__}.",
        "A state holds bools, bounded ints, enum members and ids.",
        "Use one of those.",
    )


def _name(frame: Frame, node: ast.Name) -> Value:
    if node.id in frame.own:
        variable, index = frame.own[node.id]
        return Read(variable, index)
    if node.id in frame.names:
        found = frame.names[node.id]
        if found is Itself.UNDECIDED:
            raise frame.error(
                node,
                f"`{node.id}` means different things on the two branches above.",
                "It was bound in one branch only, or to things that cannot be chosen between.",
                "Bind it before the `if`, to one value.",
            )
        return found
    if node.id in frame.source.globals:
        return _global(frame, node, frame.source.globals[node.id])
    raise _unknown_name(frame, node)


def _unknown_name(frame: Frame, node: ast.Name) -> SpecError:
    assigned = {
        n.id
        for n in ast.walk(frame.source.tree)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    if node.id in assigned and any(isinstance(n, ast.Yield) for n in ast.walk(frame.source.tree)):
        return frame.error(
            node,
            f"`{node.id}` was bound before a `yield` and is used after it.",
            "Other threads run at a yield; only a thread's own variables live through it.",
            f"Annotate its binding, as in `{node.id}: Block = ...`, to make it the thread's own.",
        )
    return frame.error(
        node,
        f"`{node.id}` is not defined here.",
        "It is misspelt, bound on no path that leads here, or a Python builtin outside the language.",
        "Bind it first, or define it at the top of the module.",
    )


def _global(frame: Frame, node: ast.expr, found: Any) -> Value:  # Any: a module's global
    if isinstance(found, Size):
        if found.name not in frame.unit.sizes:
            raise frame.error(
                node,
                f"The instance gives no size for {found.name}.",
                f"It has {', '.join(sorted(frame.unit.sizes))}.",
                f"Add {found.name!r} to the sizes in `instance`.",
            )
        return SizeOf(found.name, frame.unit.sizes[found.name])
    if isinstance(found, enum.Enum):
        members = tuple(m.name for m in type(found))
        return Literal(members.index(found.name), EnumType(type(found).__name__, members))
    if isinstance(found, bool):
        return TRUE if found else FALSE
    if isinstance(found, int):
        return whole(found)
    if is_sort(found) or (inspect.isclass(found) and issubclass(found, enum.Enum | Record)):
        return Kind(found)
    if inspect.isfunction(found) or inspect.isclass(found):
        return Helper(getattr(found, "__name__", "?"), found)
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is a {type(found).__name__} of the module.",
        "A spec may name sorts, enums, records, sizes and int constants of its module.",
        "Make it one of those, or a constant map of the machine.",
    )


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    owner = value(frame, node.value)
    if owner is Itself.SELF:
        return _of_self(frame, node)
    if isinstance(owner, Group):
        named = dict(owner.fields)
        if node.attr in named:
            return named[node.attr]
    if isinstance(owner, Queue) and node.attr == "front":
        front(frame, owner, node, "front of")
        return element(owner, whole(0))
    if isinstance(owner, Kind) and issubclass(owner.owner, enum.Enum):
        member = owner.owner.__members__.get(node.attr)
        if member is not None:
            return _global(frame, node, member)
    raise frame.error(
        node,
        f"{kind_name(owner)} has no `{node.attr}` here.",
        "It is misspelt, or the object has another type than meant.",
        "Queues have front, push, pop, remove and fill; sets add, discard and remove.",
    )


def _of_self(frame: Frame, node: ast.Attribute) -> Value:
    declaration = frame.unit.declarations.get(node.attr)
    if declaration is not None:
        return place(frame, declaration.name, declaration.shape, ())
    member = inspect.getattr_static(frame.unit.machine, node.attr, None)
    if inspect.isfunction(member):
        mark = mark_of(member)
        if mark is None or mark.role.value == "property":
            order = frame.unit.machine.__mro__
            return Helper(node.attr, member, next(c for c in order if node.attr in vars(c)))
        raise frame.error(
            node,
            f"`self.{node.attr}` is itself an {mark.role.value}.",
            "An action is one atomic step and cannot be part of another.",
            "Move what they share into a helper method without a decorator.",
        )
    raise frame.error(
        node,
        f"{frame.unit.machine.__name__} has no `{node.attr}`.",
        "It is misspelt, or the annotation that declares it is missing.",
        f"Declare it, as in `{node.attr}: Map[Block, bool]`.",
    )


def place(frame: Frame, name: str, shape: Shape, index: tuple[Expr, ...]) -> Value:
    """What stands at an index of a declared variable."""
    constant = frame.unit.constants.get(name)
    match shape:
        case MapShape():
            return Table(name, shape, index, constant)
        case FifoShape():
            return Queue(frame.unit.variables[name], shape, index)
        case SetType():
            return Members(frame.unit.variables[name], shape.element, index)
        case RecordShape():
            fields = tuple(
                (field, Read(frame.unit.variables[flat_name(name, field)], index))
                for field, _ in shape.type.fields
            )
            return Group(shape, fields, (name, index))
    return ReadConstant(constant, index) if constant else Read(frame.unit.variables[name], index)


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    owner = value(frame, node.value)
    if not isinstance(owner, Table):
        raise frame.error(
            node,
            f"{kind_name(owner)} takes no index.",
            "Only maps do; a queue is read at its front or walked through.",
            "Use .front, or all/any/next over the queue.",
        )
    key = scalar(frame, node.slice)
    if not same_kind(key.type, owner.shape.key):
        raise frame.error(
            node.slice,
            f"`{frame.spell(node.slice)}` is {type_name(key.type)}, but {owner.name} is indexed "
            f"by {type_name(owner.shape.key)}.",
            "Ids of different sorts do not mix.",
            "Use a map from the one sort to the other.",
        )
    in_range(frame, key, owner.shape.key, f"index of {owner.name}", node)
    return place(frame, owner.name, owner.shape.value, (*owner.index, key))


# ---- operators ---------------------------------------------------------------------------------


def _shifted(kind: ScalarType, by: int) -> SizeTerm | None:
    assert isinstance(kind, IntType)
    term = kind.high_term
    return SizeTerm(term.size, term.offset + by, term.value + by) if term else None


def plus(left: Expr, right: Expr) -> Expr:
    """The sum; adding a literal keeps track of the size that bounds the other side."""
    a, b = left.type, right.type
    term = None
    if isinstance(right, Literal):
        term = _shifted(a, right.value)
    elif isinstance(left, Literal):
        term = _shifted(b, left.value)
    return Apply(Operator.ADD, (left, right), IntType(a.low + b.low, a.high + b.high, None, term))


def minus(frame: Frame, node: ast.AST, left: Expr, right: Expr) -> Expr:
    """The difference; of two literals, the literal."""
    if isinstance(left, Literal) and isinstance(right, Literal):
        return whole(left.value - right.value)
    a, b = left.type, right.type
    term = _shifted(a, -right.value) if isinstance(right, Literal) else None
    kind = IntType(a.low - b.high, a.high - b.low, None, term)
    return Apply(Operator.SUB, (left, right), kind)


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
            in_range(frame, item_value, kind, f"element of {found.variable.name}", node)
            return Has(found.variable, found.index, item_value)
    raise frame.error(
        node,
        f"`{frame.spell(node)}` asks whether something is in {kind_name(found)}.",
        "`in` works on a queue or set of the same kind of value, and on a tuple written out.",
        "For a queue of records use any(... for c in queue).",
    )


# ---- queues and ranges -------------------------------------------------------------------------


def front(frame: Frame, queue: Queue, node: ast.AST, verb: str) -> None:
    """Check that a queue has an element."""
    some = Apply(Operator.LT, (whole(0), Len(queue.variable, queue.index)), BOOL)
    frame.check(some, f"{verb} the empty queue {queue.variable.name}", node)


def element(queue: Queue, place_in_queue: Expr) -> Value:
    """The element at a place of a queue."""
    record = queue.shape.record
    if record is None:
        return At(queue.variable, queue.index, place_in_queue, "")
    names = [name for name, _ in record.type.fields]
    fields = tuple((n, At(queue.variable, queue.index, place_in_queue, n)) for n in names)
    return Group(record, fields)


def in_range(frame: Frame, found: Expr, kind: ScalarType, role: str, node: ast.AST) -> None:
    """Check that an int lies in a type's range, unless it must at every size."""
    below, above = out_of_range(found, kind)
    if not (below or above):
        return
    assert isinstance(kind, IntType)
    parts = []
    if below:
        parts.append(Apply(Operator.LE, (whole(kind.low), found), BOOL))
    if above:
        parts.append(Apply(Operator.LE, (found, upper_bound(kind)), BOOL))
    frame.check(both(*parts), f"{role} is out of range", node)


def out_of_range(found: Expr, kind: ScalarType) -> tuple[bool, bool]:
    """Whether an int may lie below or above a type's range, at this size or another."""
    return can_differ(found.type, kind)


def capacity_bound(queue: FifoType) -> Expr:
    """A FIFO's capacity as an expression that keeps its size's name."""
    return upper_bound(IntType(0, queue.capacity, None, queue.capacity_term))


def upper_bound(kind: IntType) -> Expr:
    """A type's upper bound as an expression that keeps its size's name."""
    if kind.high_term is None:
        return whole(kind.high)
    size = SizeOf(kind.high_term.size, kind.high_term.value - kind.high_term.offset)
    return plus(size, whole(kind.high_term.offset)) if kind.high_term.offset else size
