"""The retention design at a manager's own priorities: as many as it has, with its two limits.

It decides what the three priorities of the design mean where there are others, and nothing about
the design itself, which is proved as it is written. The idea: all that the design says of them is
in three comparisons. LOW is what is not worth a copy, DEFAULT is what a block has that nobody asked
for, HIGH is what is above it; so each is worded by the manager's limits, and the order stays.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

from kvcheck.lockstep.tiers import UnjudgeableShape
from kvspec.events import Shape
from kvspec.lang.ir import BOOL, Apply, Expr, Literal, Model, Operator
from kvspec.lang.types import EnumType
from kvspec.models.retention import Priority

OWN = EnumType("Priority", tuple(member.name for member in Priority))
AS_WRITTEN = (len(Priority), Priority.DEFAULT.value, Priority.DEFAULT.value)
"""How many priorities the design has, which is the default, and the lowest that is worth a copy."""


class NotWorded(Exception):
    """The design says of a priority what has no meaning for a manager that has others."""


def at_priorities(model: Model, shape: Shape) -> Model:
    """The retention design with the priorities of a manager of this shape.

    With three of them, of which the lowest is not worth a copy and the middle one is the default,
    it is the design as it was.

    Raises:
        UnjudgeableShape: the default is none of the manager's priorities.
    """
    if not 0 <= shape.default_priority < shape.priority_count:
        raise UnjudgeableShape(
            f"The default priority is {shape.default_priority}, and there are"
            f" {shape.priority_count}. The shape is of no manager. Give a default among them."
        )
    own = (shape.priority_count, shape.default_priority, shape.offload_priority_min)
    names = OWN.members if own == AS_WRITTEN else tuple(f"P{n}" for n in range(own[0]))
    return cast("Model", _Worded(EnumType(OWN.name, names), shape).worded(model))


class _Worded:
    """One walk over a model's tree."""

    def __init__(self, kind: EnumType, shape: Shape) -> None:
        self.kind = kind
        self.default = Literal(int(shape.default_priority), kind)
        self.least = Literal(int(shape.offload_priority_min), kind)

    def worded(self, node: Any) -> Any:
        """The node in the manager's priorities. Any: every kind of node of the tree."""
        if isinstance(node, tuple):
            return tuple(map(self.worded, node))
        if node == OWN:
            return self.kind
        if isinstance(node, Literal) and node.type == OWN:
            return self.literal(node)
        if isinstance(node, Apply) and node.operator is Operator.EQ:
            first, second = node.operands
            if isinstance(second, Literal) and second.type == OWN:
                return self.compared(self.worded(first), second)
        if not is_dataclass(node) or isinstance(node, type):
            return node
        return replace(node, **{f.name: self.worded(getattr(node, f.name)) for f in fields(node)})

    def compared(self, priority: Expr, other: Literal) -> Expr:
        """A priority is LOW, DEFAULT or HIGH, by the manager's limits."""
        match Priority(other.value):
            case Priority.LOW:
                return Apply(Operator.LT, (priority, self.least), BOOL)
            case Priority.DEFAULT:
                return Apply(Operator.EQ, (priority, self.default), BOOL)
            case Priority.HIGH:
                return Apply(Operator.LT, (self.default, priority), BOOL)

    def literal(self, node: Literal) -> Literal:
        """A priority that is given to a block; only the default is given by the design."""
        if node.value != Priority.DEFAULT.value:
            raise NotWorded(
                f"The retention design gives a block the priority {Priority(node.value).name}. A"
                " manager with other priorities has none of that name. Compare with it, or reword"
                " the design."
            )
        return self.default
