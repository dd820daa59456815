"""Three small machines written straight in the IR, whose every proof is known beforehand.

`pair`: two counters that go up together. `queue`: a waiting line, a redundant count of it and who
is inside. `drift`: an invariant that is true but not inductive. Test data for the solving engines,
which must not depend on the language's surface.
"""

from __future__ import annotations

from kvspec.lang.ir import (
    BOOL,
    Action,
    Apply,
    Assert,
    Assign,
    At,
    Expr,
    Fill,
    Has,
    Len,
    Let,
    Literal,
    Local,
    Model,
    Operator,
    Pop,
    Position,
    Property,
    PropertyKind,
    Push,
    Quantified,
    QuantifierKind,
    Read,
    Require,
    Statement,
    Values,
    Variable,
)
from kvspec.lang.types import FifoType, IntType, ScalarType, SortType

COUNT = IntType(0, 3)
BLOCK = SortType("Block", 3)
X = Variable("x", (), COUNT)
Y = Variable("y", (), COUNT)
WAITING = Variable("waiting", (), FifoType(BLOCK, 3, unique=True))
WAITING_COUNT = Variable("waiting_count", (), COUNT)
INSIDE = Variable("inside", (BLOCK,), BOOL)


def at(line: int) -> Position:
    """A place in a file that does not exist."""
    return Position("small.py", line, 5)


def number(value: int) -> Literal:
    """A literal count."""
    return Literal(value, COUNT)


def both(operator: Operator, left: Expr, right: Expr) -> Expr:
    """A comparison."""
    return Apply(operator, (left, right), BOOL)


def plus(expr: Expr, amount: int) -> Expr:
    """The expression and a constant."""
    operator = Operator.ADD if amount > 0 else Operator.SUB
    return Apply(operator, (expr, number(abs(amount))), IntType(-3, 6))


def change(variable: Variable, amount: int, line: int) -> tuple[Statement, ...]:
    """Add to a counter, asserted to stay in its range."""
    value = plus(Read(variable, ()), amount)
    low, high = both(Operator.LE, number(0), value), both(Operator.LE, value, number(3))
    fits = Apply(Operator.AND, (low, high), BOOL)
    return (
        Assert(f"{variable.name} stays in 0..3", fits, at(line)),
        Assign(variable, (), value, at(line)),
    )


def fact(
    name: str, formula: Expr, *, line: int = 90, kind: PropertyKind = PropertyKind.INVARIANT
) -> Property:
    """A property with as little about it as can be."""
    return Property(name, kind, formula, f"{name} holds.", at(line))


def every(kind: ScalarType, body: Expr, bound: Local) -> Expr:
    """For all values of a type."""
    return Quantified(QuantifierKind.ALL, bound, Values(kind), body, BOOL)


def pair(*properties: Property, step_of_y: int = 1) -> Model:
    """x and y go up together from 0 to 3 and back to 0; with another `step_of_y` they do not."""
    start = (Assign(X, (), number(0), at(1)), Assign(Y, (), number(0), at(2)))
    up = (
        Require("there is room", both(Operator.LT, Read(X, ()), number(3)), at(5)),
        *change(X, 1, 6),
        *change(Y, step_of_y, 7),
    )
    back = (
        Require("both are full", both(Operator.EQ, Read(X, ()), number(3)), at(10)),
        Assign(X, (), number(0), at(11)),
        Assign(Y, (), number(0), at(12)),
    )
    actions = (Action("up", (), up, "", at(4)), Action("back", (), back, "", at(9)))
    init = Action("start", (), start, "", at(0))
    facts = properties or (x_is_y(),)
    return Model("Pair", "", (), (), (), (X, Y), init, actions, facts)


def x_is_y() -> Property:
    """True and inductive."""
    return fact("x_is_y", both(Operator.EQ, Read(X, ()), Read(Y, ())))


def drift() -> Model:
    """`y_is_low` is true, since y follows x with one step's delay, but not inductive alone."""
    start = (Assign(X, (), number(0), at(1)), Assign(Y, (), number(0), at(2)))
    tick = (
        Let(Local("old", COUNT), Read(X, ()), at(5)),
        Assign(X, (), Apply(Operator.ITE, (odd(X), number(0), number(1)), COUNT), at(6)),
        Assign(Y, (), Local("old", COUNT), at(7)),
    )
    low = fact("y_is_low", both(Operator.LE, Read(Y, ()), number(1)))
    init, action = Action("start", (), start, "", at(0)), Action("tick", (), tick, "", at(4))
    return Model("Drift", "", (), (), (), (X, Y), init, (action,), (low,))


def odd(variable: Variable) -> Expr:
    """The counter is 1."""
    return both(Operator.EQ, Read(variable, ()), number(1))


def queue(*, count_on_leave: bool = True, extra: tuple[Property, ...] = ()) -> Model:
    """Blocks wait in line, come in at the front and leave to its end."""
    b = Local("b", BLOCK)
    length = Len(WAITING, ())
    start = (
        Fill(WAITING, (), b, Literal(1, BOOL), at(1)),
        Assign(WAITING_COUNT, (), number(3), at(2)),
    )
    first = Local("first", BLOCK)
    enter = (
        Require("someone waits", both(Operator.LT, number(0), length), at(5)),
        Let(first, At(WAITING, (), number(0), ""), at(6)),
        Assert("the line is not empty", both(Operator.LT, number(0), length), at(7)),
        Pop(WAITING, (), at(7)),
        *change(WAITING_COUNT, -1, 8),
        Assign(INSIDE, (first,), Literal(1, BOOL), at(9)),
    )
    absent = Apply(Operator.NOT, (Has(WAITING, (), b),), BOOL)
    leave = (
        Require("it is inside", Read(INSIDE, (b,)), at(12)),
        Assert("the line has room", both(Operator.LT, length, number(3)), at(13)),
        Assert("it does not wait already", absent, at(13)),
        Push(WAITING, (), (b,), at(13)),
        *(change(WAITING_COUNT, 1, 14) if count_on_leave else ()),
        Assign(INSIDE, (b,), Literal(0, BOOL), at(15)),
    )
    inside_or_waiting = both(
        Operator.EQ,
        Read(INSIDE, (b,)),
        Apply(Operator.NOT, (Has(WAITING, (), b),), BOOL),
    )
    counted = both(Operator.EQ, Read(WAITING_COUNT, ()), length)
    properties = (
        fact("in_or_waiting", every(BLOCK, inside_or_waiting, b)),
        fact("counted", counted),
        *extra,
    )
    actions = (Action("enter", (), enter, "", at(4)), Action("leave", (b,), leave, "", at(11)))
    variables = (WAITING, WAITING_COUNT, INSIDE)
    init = Action("start", (), start, "", at(0))
    return Model("Queue", "", (("Block", 3),), ("Block",), (), variables, init, actions, properties)
