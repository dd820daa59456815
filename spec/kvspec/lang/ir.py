"""The one expression tree that every reading of a spec starts from.

It decides what a traced machine *is*; it does not run, encode or print it. Everything is a frozen
value of one instance: sizes are numbers. Three rules keep the readings in agreement:

* Statements run in order, and a read sees the writes before it. `Require` never follows a write.
* A `Local` is scoped to its whole action, like a Python local: both branches of an `If` may bind
  the same one, and what follows the `If` may read it. Each is bound at most once on any path.
* An expression has no effect and cannot fail, except `At` outside its queue and `first` with no
  witness; the tracer puts an `Assert` in front of each of those, so what they yield then is moot.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from kvspec.lang.types import (
    BoolType,
    FifoType,
    IntType,
    LeafType,
    ScalarType,
    SetType,
    value_count,
)

BOOL = BoolType()


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the spec's own source: file, line (from 1) and column (from 1)."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A state variable: a map from `dims` (none for a plain variable) to cells of type `leaf`."""

    name: str
    dims: tuple[ScalarType, ...]
    leaf: LeafType
    ghost: bool = False

    @property
    def row_count(self) -> int:
        """How many cells: the product of the index types' sizes."""
        total = 1
        for dim in self.dims:
            total *= value_count(dim)
        return total


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant map of the instance: `table` row by row, in the order of its index types."""

    name: str
    dims: tuple[ScalarType, ...]
    type: ScalarType
    table: tuple[int, ...]


# ---- expressions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the spec."""

    value: int
    type: ScalarType


@dataclass(frozen=True, slots=True)
class SizeOf:
    """A named size of the instance (also the number of elements of a sort, by the sort's name)."""

    size: str
    value: int

    @property
    def type(self) -> ScalarType:
        return IntType(self.value, self.value)


@dataclass(frozen=True, slots=True)
class Local:
    """A parameter, a let-bound value, or the variable of a quantifier or loop; names are unique."""

    name: str
    type: ScalarType


@dataclass(frozen=True, slots=True)
class Read:
    """A scalar cell of the state."""

    variable: Variable
    index: tuple[Expr, ...]

    @property
    def type(self) -> ScalarType:
        leaf = self.variable.leaf
        assert not isinstance(leaf, FifoType | SetType)
        return leaf


@dataclass(frozen=True, slots=True)
class ReadConstant:
    """A cell of a constant map."""

    constant: Constant
    index: tuple[Expr, ...]

    @property
    def type(self) -> ScalarType:
        return self.constant.type


@dataclass(frozen=True, slots=True)
class Len:
    """The number of elements of a FIFO or a set."""

    variable: Variable
    index: tuple[Expr, ...]

    @property
    def type(self) -> ScalarType:
        leaf = self.variable.leaf
        if isinstance(leaf, FifoType):
            return IntType(0, leaf.capacity, None, leaf.capacity_term)
        assert isinstance(leaf, SetType)
        return IntType(0, value_count(leaf.element))


@dataclass(frozen=True, slots=True)
class At:
    """One field of the element at `place` of a FIFO, 0 the oldest; `field` is "" for a scalar."""

    variable: Variable
    index: tuple[Expr, ...]
    place: Expr
    field: str

    @property
    def type(self) -> ScalarType:
        leaf = self.variable.leaf
        assert isinstance(leaf, FifoType)
        return dict(leaf.fields)[self.field]


@dataclass(frozen=True, slots=True)
class Has:
    """Whether a scalar is in a FIFO of scalars or in a set."""

    variable: Variable
    index: tuple[Expr, ...]
    element: Expr

    @property
    def type(self) -> ScalarType:
        return BOOL


class Operator(Enum):
    """`AND`, `OR` take any number (short-circuit), `NOT` one, `ITE` three, the rest two operands.

    `EQ` compares two values of one type; `LT`, `LE`, `ADD`, `SUB` take integers.
    """

    AND = "and"
    OR = "or"
    NOT = "not"
    EQ = "=="
    LT = "<"
    LE = "<="
    ADD = "+"
    SUB = "-"
    ITE = "if"


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator on its operands."""

    operator: Operator
    operands: tuple[Expr, ...]
    type: ScalarType


class QuantifierKind(Enum):
    """`ALL`, `ANY`: bool. `COUNT`: how many satisfy the body. `SUM`: of an int body. `FIRST`: the
    least value that satisfies the body (an `Assert` before it says that one exists)."""

    ALL = "all"
    ANY = "any"
    COUNT = "count"
    SUM = "sum"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Values:
    """Every value of a scalar type."""

    type: ScalarType


@dataclass(frozen=True, slots=True)
class Places:
    """The places 0 .. length-1 of one FIFO; the bound variable is an int below its capacity."""

    variable: Variable
    index: tuple[Expr, ...]


Domain: TypeAlias = Values | Places


@dataclass(frozen=True, slots=True)
class Quantified:
    """A quantifier over a finite domain; `SUM` and `COUNT` are 0 over an empty one."""

    kind: QuantifierKind
    bound: Local
    domain: Domain
    body: Expr
    type: ScalarType


Expr: TypeAlias = (
    Literal | SizeOf | Local | Read | ReadConstant | Len | At | Has | Apply | Quantified
)


# ---- statements --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Let:
    """Bind a local to the value an expression has now."""

    local: Local
    value: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class Require:
    """A named conjunct of the guard: where it is false the action is not enabled."""

    label: str
    condition: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class Assert:
    """Where the condition is false, taking the action here is an error of the design."""

    message: str
    condition: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class Assign:
    """Set a scalar cell (an `Assert` before it says that the value is in range)."""

    variable: Variable
    index: tuple[Expr, ...]
    value: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class Push:
    """Append to a FIFO, one expression a field (asserted: not full; unique: not present)."""

    variable: Variable
    index: tuple[Expr, ...]
    fields: tuple[Expr, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Pop:
    """Drop the oldest element of a FIFO (asserted: not empty)."""

    variable: Variable
    index: tuple[Expr, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Remove:
    """Take one element out of a unique FIFO, the others keep their order (asserted: present)."""

    variable: Variable
    index: tuple[Expr, ...]
    element: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class SetMember:
    """Put an element into a set, or take it out; `present` is a bool expression."""

    variable: Variable
    index: tuple[Expr, ...]
    element: Expr
    present: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class Fill:
    """Make a unique FIFO hold exactly the values that satisfy `condition`, in id order.

    Only in `init`.
    """

    variable: Variable
    index: tuple[Expr, ...]
    bound: Local
    condition: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class If:
    """Run one of two blocks."""

    condition: Expr
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class ForEach:
    """Run the body once for each value of the domain, in order; it binds no local seen outside.

    Over `Places` the length is the one at entry; the body does not change that FIFO.
    """

    bound: Local
    domain: Domain
    body: tuple[Statement, ...]
    at: Position


Statement: TypeAlias = (
    Let | Require | Assert | Assign | Push | Pop | Remove | SetMember | Fill | If | ForEach
)


# ---- the machine -------------------------------------------------------------------------------


class Strength(Enum):
    """How firmly a property is to be held: the weakest evidence that satisfies its author."""

    EVERY_SIZE = "every size"
    STATED_SIZE = "stated size"
    SEARCH = "search"


class PropertyKind(Enum):
    """`INVARIANT`: true in every reachable state. `LEMMA`: an invariant kept for the sake of other
    proofs. `GOAL`: true in some reachable state. `TERMINAL`: a state that may have no successor.
    `ASSUMPTION`: true of the constants, about no variable."""

    INVARIANT = "invariant"
    LEMMA = "lemma"
    GOAL = "goal"
    TERMINAL = "terminal"
    ASSUMPTION = "assumption"


@dataclass(frozen=True, slots=True)
class Property:
    """A named fact about states: `sentence` in English, `why` a bug or PR that made it matter."""

    name: str
    kind: PropertyKind
    formula: Expr
    sentence: str
    at: Position
    id: str = ""
    why: str = ""
    strength: Strength = Strength.STATED_SIZE


@dataclass(frozen=True, slots=True)
class Action:
    """One atomic step: `parameters` range over their types; `thread` names whose step it is."""

    name: str
    parameters: tuple[Local, ...]
    body: tuple[Statement, ...]
    sentence: str
    at: Position
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A number, or a fact that counts 0 or 1, that goes down while a promise is open."""

    label: str
    value: Expr
    at: Position


@dataclass(frozen=True, slots=True)
class Promise:
    """What every fair run must come to: after each state where `begins` lets through (its guards
    are all true), `formula` is true then or later. Both may use what `begins` binds.

    `measures` go down until it is met, the first before the next. `relies_on` is the promise that
    enables who is strongly fair again and again, or "".

    `weak` and `strong` name actions and threads. With each choice of arguments one that stays
    enabled for ever is taken in the end (weak), or one that is enabled again and again (strong).
    """

    name: str
    parameters: tuple[Local, ...]
    begins: tuple[Let | Require, ...]
    formula: Expr
    weak: tuple[str, ...]
    strong: tuple[str, ...]
    sentence: str
    at: Position
    id: str = ""
    why: str = ""
    measures: tuple[Measured, ...] = ()
    relies_on: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A machine traced at one choice of sizes.

    `init` starts from the blank state (0 or the type's low, empty queues and sets) and is run once
    for each choice of its parameters. `sizes` holds every named size and, under its name, the
    number of elements of every sort. `sorts` are the interchangeable ones.
    """

    name: str
    sentence: str
    sizes: tuple[tuple[str, int], ...]
    sorts: tuple[str, ...]
    constants: tuple[Constant, ...]
    variables: tuple[Variable, ...]
    init: Action
    actions: tuple[Action, ...]
    properties: tuple[Property, ...]
    promises: tuple[Promise, ...] = ()

    def of_kind(self, *kinds: PropertyKind) -> tuple[Property, ...]:
        """The properties of the given kinds, in declaration order."""
        return tuple(p for p in self.properties if p.kind in kinds)
