"""What a name, an attribute or an index of a spec's source stands for.

It decides how `self.x`, `Level.PRIMARY`, a local, a size and a map's cell are found, and what to
say when they are not.
"""

from __future__ import annotations

import ast
import enum
import inspect
from typing import Any

from kvspec.lang import expressions
from kvspec.lang.declarations import FifoShape, MapShape, RecordShape, Shape, flat_name
from kvspec.lang.errors import SpecError
from kvspec.lang.frame import Frame
from kvspec.lang.ir import Expr, Literal, Read, ReadConstant, SizeOf
from kvspec.lang.marks import Role, mark_of
from kvspec.lang.ranges import element, front, in_range
from kvspec.lang.sorts import Record, Size, is_sort
from kvspec.lang.types import EnumType, SetType
from kvspec.lang.values import (
    FALSE,
    TRUE,
    Group,
    Helper,
    Itself,
    Kind,
    Members,
    Queue,
    Table,
    Text,
    Value,
    kind_name,
    same_kind,
    type_name,
    whole,
)


def literal(frame: Frame, node: ast.Constant) -> Value:
    """A value written out."""
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


def name(frame: Frame, node: ast.Name) -> Value:
    """What a bare name stands for: a local, a thread's own variable, or a global of the module."""
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
        "It is misspelt, bound on no path that leads here, or a builtin outside the language.",
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


def attribute(frame: Frame, node: ast.Attribute) -> Value:
    """What `owner.name` stands for."""
    owner = expressions.value(frame, node.value)
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
        if mark is None or mark.role is Role.PROPERTY:
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
            return Group(shape, fields)
    return ReadConstant(constant, index) if constant else Read(frame.unit.variables[name], index)


def subscript(frame: Frame, node: ast.Subscript) -> Value:
    """What `map[key]` stands for."""
    owner = expressions.value(frame, node.value)
    if not isinstance(owner, Table):
        raise frame.error(
            node,
            f"{kind_name(owner)} takes no index.",
            "Only maps do; a queue is read at its front or walked through.",
            "Use .front, or all/any/next over the queue.",
        )
    key = expressions.scalar(frame, node.slice)
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
