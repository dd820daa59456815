"""The value of an every-size term in one concrete state: a small, plain evaluator of Z3 terms.

It decides what each symbol of the encoding means there: a sort is its ids, a queue's tickets start
anywhere, a count is counted, a witness is searched for. Whatever the encoding calls a theorem must
be true here, in every state; Z3 takes no part. Quantified integers run through `NUMBERS`, which
hold every position of every queue of the small states used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

import z3

from kvcheck.solve.every_size_state import AT, COUNT, HAS, HEAD, NEXT, TAIL, TICKET, VALUE
from kvcheck.solve.every_size_symbols import Role, Symbol
from kvspec.lang.ir import Model, Variable
from kvspec.lang.state import State, row_indices, row_number
from kvspec.lang.types import FifoType, SetType, value_count

NUMBERS = range(-1, 10)
OFFSET_MAX = 3


def element(sort: z3.SortRef, number: int) -> z3.ExprRef:
    """The constant that stands for one element of an open sort."""
    return z3.Const(f"element!{number}", sort)


@dataclass(frozen=True)
class Shape:
    """A Z3 term taken apart once: `free` are the bound variables it mentions, 0 the innermost."""

    number: int
    kind: int | str
    payload: Any
    parts: tuple[Shape, ...]
    free: tuple[int, ...]


class Shapes:
    """Terms taken apart, each once."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[z3.ExprRef, Shape]] = {}
        self.meanings: dict[str, tuple[Symbol, Shape]] = {}

    def of(self, term: z3.ExprRef) -> Shape:
        key = term.get_id()
        if key not in self.known:
            self.known[key] = (term, self._taken_apart(term))  # kept, so that its id stays its own
        return self.known[key][1]

    def meaning_of(self, symbol: Symbol) -> Shape:
        found = self.meanings.get(symbol.name)
        if found is None or found[0] is not symbol:
            closed = z3.Lambda([*symbol.parameters, symbol.bound], symbol.meaning)
            found = self.meanings[symbol.name] = (symbol, self.of(closed.body()))
        return found[1]

    def _taken_apart(self, term: z3.ExprRef) -> Shape:
        if z3.is_var(term):
            place = z3.get_var_index(term)
            return Shape(term.get_id(), "bound", place, (), (place,))
        if z3.is_quantifier(term):
            sorts = [term.var_sort(n) for n in range(term.num_vars())]
            body = self.of(term.body())
            outer = tuple(sorted(n - len(sorts) for n in body.free if n >= len(sorts)))
            kind = "all" if term.is_forall() else "any"
            return Shape(term.get_id(), kind, sorts, (body,), outer)
        if z3.is_int_value(term):
            return Shape(term.get_id(), "number", term.as_long(), (), ())
        parts = tuple(self.of(part) for part in term.children())
        free = tuple(sorted({n for part in parts for n in part.free}))
        declaration = term.decl()
        return Shape(term.get_id(), declaration.kind(), declaration.name(), parts, free)


OPERATORS = {
    z3.Z3_OP_TRUE: lambda: 1,
    z3.Z3_OP_FALSE: lambda: 0,
    z3.Z3_OP_NOT: lambda a: 1 - a,
    z3.Z3_OP_EQ: lambda a, b: a == b,
    z3.Z3_OP_LE: lambda a, b: a <= b,
    z3.Z3_OP_LT: lambda a, b: a < b,
    z3.Z3_OP_GE: lambda a, b: a >= b,
    z3.Z3_OP_GT: lambda a, b: a > b,
    z3.Z3_OP_ADD: lambda *values: sum(values),
    z3.Z3_OP_SUB: lambda a, *rest: a - sum(rest),
}


class Structure:
    """One concrete state with its constants and the values of an action's parameters."""

    def __init__(
        self,
        model: Model,
        state: State,
        arguments: Mapping[str, int],
        symbols: Sequence[Symbol],
        shapes: Shapes,
        random: Random,
    ) -> None:
        self.shapes = shapes
        self.model, self.arguments = model, dict(arguments)
        self.sizes = dict(model.sizes)
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self.constants = {c.name: c for c in model.constants}
        self.tables: dict[str, dict[tuple[int, ...], int]] = {}
        self.defaults: dict[str, int] = {}
        self.known: dict[tuple, int] = {}
        for variable, rows in zip(model.variables, state, strict=True):
            self._represent(variable, rows, random)

    def _represent(self, variable: Variable, rows: Sequence, random: Random) -> None:
        leaf = variable.leaf
        for index, row in zip(row_indices(variable.dims), rows, strict=True):
            start = random.randrange(OFFSET_MAX)
            if isinstance(leaf, SetType):
                members = [
                    leaf.element.low + k for k in range(value_count(leaf.element)) if row >> k & 1
                ]
                self._count(variable, index, members)
            elif isinstance(leaf, FifoType) and leaf.unique:
                self._count(variable, index, row)
                self._put(variable, NEXT, index, start + len(row))
                for member in range(value_count(leaf.fields[0][1])):
                    self._put(variable, TICKET, (*index, member), random.choice(NUMBERS))
                for place, member in enumerate(row):
                    self._put(variable, TICKET, (*index, member), start + place)
            elif isinstance(leaf, FifoType):
                self._put(variable, HEAD, index, start)
                self._put(variable, TAIL, index, start + len(row))
                for name, kind in leaf.fields:  # what the evaluator reads outside a queue
                    self.defaults[f"state.{variable.name}.{AT}{name}"] = kind.low
                for place, item in enumerate(row):
                    values = item if isinstance(item, tuple) else (item,)
                    for (name, _), value in zip(leaf.fields, values, strict=True):
                        self._put(variable, AT + name, (*index, start + place), value)
            else:
                self._put(variable, VALUE, index, row)

    def _count(self, variable: Variable, index: tuple[int, ...], members: Sequence[int]) -> None:
        self._put(variable, COUNT, index, len(members))
        for member in members:
            self._put(variable, HAS, (*index, member), 1)

    def _put(self, variable: Variable, part: str, index: tuple[int, ...], value: int) -> None:
        name = f"state.{variable.name}" + (f".{part}" if part else "")
        self.tables.setdefault(name, {})[index] = value

    # ---- evaluation

    def values_of(self, sort: z3.SortRef) -> range:
        if sort.kind() == z3.Z3_BOOL_SORT:
            return range(2)
        return NUMBERS if sort.kind() == z3.Z3_INT_SORT else range(self.sizes[str(sort)])

    def value(self, term: z3.ExprRef) -> int:
        """The value of a closed term."""
        return self._value(self.shapes.of(term), ())

    def _value(self, shape: Shape, bound: tuple[int, ...]) -> int:
        key = (shape.number, tuple([bound[-1 - n] for n in shape.free]))
        if key not in self.known:
            self.known[key] = self._computed(shape, bound)
        return self.known[key]

    def _computed(self, shape: Shape, bound: tuple[int, ...]) -> int:
        match shape.kind:
            case "bound" | "number":
                return bound[-1 - shape.payload] if shape.kind == "bound" else shape.payload
            case "all" | "any":
                choices = product(*(self.values_of(sort) for sort in shape.payload))
                bodies = (self._value(shape.parts[0], (*bound, *choice)) for choice in choices)
                return int(all(bodies) if shape.kind == "all" else any(bodies))
            case z3.Z3_OP_AND:
                return int(all(self._value(part, bound) for part in shape.parts))
            case z3.Z3_OP_OR:
                return int(any(self._value(part, bound) for part in shape.parts))
            case z3.Z3_OP_IMPLIES:
                premise, conclusion = shape.parts
                return int(not self._value(premise, bound) or bool(self._value(conclusion, bound)))
            case z3.Z3_OP_ITE:
                condition, yes, no = shape.parts
                return self._value(yes if self._value(condition, bound) else no, bound)
        values = tuple([self._value(part, bound) for part in shape.parts])
        if shape.kind == z3.Z3_OP_UNINTERPRETED:
            return self._symbol(shape.payload, values)
        return int(OPERATORS[shape.kind](*values))

    def _symbol(self, name: str, values: tuple[int, ...]) -> int:
        head, _, rest = name.partition("!")
        if name in self.symbols:
            return self._described(self.symbols[name], values)
        if name.startswith("|"):
            return self.sizes[name.strip("|")]
        if name.startswith("constant."):
            constant = self.constants[name.removeprefix("constant.")]
            inside = zip(constant.dims, values, strict=True)
            if not all(dim.low <= value <= dim.high for dim, value in inside):
                return constant.type.low
            return constant.table[row_number(constant.dims, values)]
        if name.startswith("number."):
            return values[0]
        if head in ("element", "first"):
            return int(rest) if head == "element" else 0
        if head == "unknown":
            return Random(f"{name}{values}").randrange(2)
        if name in self.tables:
            return self.tables[name].get(values, self.defaults.get(name, 0))
        if name.startswith("state."):
            return self.defaults.get(name, 0)
        return self.arguments[name.removeprefix("parameter.")]

    def _described(self, symbol: Symbol, values: tuple[int, ...]) -> int:
        meaning = list(self._meaning(symbol, values))
        if symbol.role is Role.SUM:
            return sum(weight for _, weight in meaning)
        if symbol.role is Role.FRONT:
            tickets = [(weight, x) for x, weight in meaning if weight >= 0]
            return min(tickets)[1] if tickets else 0
        return next((x for x, holds in meaning if holds), 0)

    def _meaning(self, symbol: Symbol, values: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        shape = self.shapes.meaning_of(symbol)
        for x in self.values_of(symbol.bound.sort()):
            yield x, self._value(shape, (*values, x))
