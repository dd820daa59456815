"""What mappings into the contract are written with: expressions over one instance of a design.

They decide nothing: each reads a parameter, a cell or the front of a queue in the state before a
step.
"""

from __future__ import annotations

from enum import Enum

from kvspec.lang.ir import (
    BOOL,
    Apply,
    At,
    Expr,
    Len,
    Literal,
    Local,
    Model,
    Operator,
    Quantified,
    QuantifierKind,
    Read,
    Values,
    Variable,
)
from kvspec.lang.types import EnumType, FifoType, IntType, SortType

FIRST_PLACE = Literal(0, IntType(0, 0))


class Words:
    """Expressions over one instance of a design, before its step."""

    def __init__(self, design: Model) -> None:
        self.variables = {v.name: v for v in design.variables}
        self.sizes = dict(design.sizes)

    def parameter(self, sort: str, name: str) -> Local:
        """A parameter of the design's action."""
        return Local(name, SortType(sort, self.sizes[sort]))

    def cell(self, name: str, index: Expr) -> Expr:
        """A variable's cell."""
        return Read(self.variables[name], (index,))

    def front(self, level: Enum) -> Expr:
        """The oldest entry of a level that has one queue."""
        return self._oldest(self.variables["free"], (self._level(level),), "")

    def cheapest_front(self, level: Enum) -> Expr:
        """The oldest entry of the first queue of a level that has any."""
        free = self.variables["free"]
        priority = Local("cheapest", free.dims[1])
        length = Len(free, (self._level(level), priority))
        filled = Apply(Operator.LT, (Literal(0, length.type), length), BOOL)
        first = Quantified(
            QuantifierKind.FIRST, priority, Values(priority.type), filled, priority.type
        )
        return self._oldest(free, (self._level(level), first), "")

    def oldest(self, name: str, field: str, *index: Expr) -> Expr:
        """A field of the oldest entry of a queue."""
        return self._oldest(self.variables[name], index, field)

    def _level(self, level: Enum) -> Expr:
        kind = self.variables["free"].dims[0]
        assert isinstance(kind, EnumType)
        return Literal(level.value, kind)

    @staticmethod
    def _oldest(variable: Variable, index: tuple[Expr, ...], field: str) -> Expr:
        assert isinstance(variable.leaf, FifoType)
        return At(variable, index, FIRST_PLACE, field)
