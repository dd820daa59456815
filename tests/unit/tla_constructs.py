"""One small machine that uses every construct of the IR at least once, and its state count.

Test data for the TLA+ export. The machine means nothing; its names are chosen to clash with TLA+'s
words, with its library and with one another.
"""

from __future__ import annotations

from kvspec.lang.concrete import Stepped, arguments_of, initial_states, step
from kvspec.lang.ir import (
    Action,
    Apply,
    Assert,
    Assign,
    At,
    Constant,
    Expr,
    Fill,
    ForEach,
    Has,
    If,
    Len,
    Let,
    Literal,
    Local,
    Model,
    Operator,
    Places,
    Pop,
    Position,
    Property,
    PropertyKind,
    Push,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
    Remove,
    Require,
    SetMember,
    SizeOf,
    Statement,
    Values,
    Variable,
)
from kvspec.lang.types import BoolType, EnumType, FifoType, IntType, RecordType, SetType, SizeTerm
from kvspec.lang.types import SortType as Sort

HERE = Position("constructs.py", 1, 1)
BOOL, BLOCK = BoolType(), Sort("Block", 3)
MODE = EnumType("Mode", ("IF", "Len"))
SMALL = IntType(-1, 3, None, SizeTerm("LAMBDA", 1, 3))
COPY = RecordType("Copy", (("src", BLOCK), ("hot", BOOL), ("weight", SMALL)))

WEIGHT = Constant("weight", (BLOCK, BOOL), SMALL, (-1, 0, 1, 2, 3, 1))
BIAS = Constant("bias", (), SMALL, (1,))
QUEUE = Variable("Head", (MODE,), FifoType(BLOCK, 3, unique=True))
COPIES = Variable("copies", (), FifoType(COPY, 2, unique=False))
MARKED = Variable("marked", (BOOL,), SetType(BLOCK))
LEVEL = Variable("level", (), SMALL)
FLAG = Variable("vars", (BLOCK,), BOOL)
STATE = Variable("STATE", (), MODE)


def apply(operator: Operator, *operands: Expr) -> Apply:
    """An operator whose result is a bool."""
    return Apply(operator, operands, BOOL)


def number(operator: Operator, *operands: Expr) -> Apply:
    """An operator whose result is a small number."""
    return Apply(operator, operands, SMALL)


def mode(value: int) -> Literal:
    """IF is 0, Len is 1."""
    return Literal(value, MODE)


def small(value: int) -> Literal:
    """A small number."""
    return Literal(value, SMALL)


TRUE, FALSE = Literal(1, BOOL), Literal(0, BOOL)


def init() -> Action:
    """A choice of the flag, and queues by the weights."""
    flag, b, x = Local("flag", BOOL), Local("b", BLOCK), Local("Head", BLOCK)
    heavy = apply(Operator.LE, small(1), ReadConstant(WEIGHT, (x, flag)))
    body: tuple[Statement, ...] = (
        ForEach(b, Values(BLOCK), (Assign(FLAG, (b,), flag, HERE),), HERE),
        Fill(QUEUE, (mode(0),), x, heavy, HERE),
        Assign(LEVEL, (), ReadConstant(BIAS, ()), HERE),
    )
    return Action("init", (flag,), body, "Start.", HERE)


def move() -> Action:
    """Queue to copies, with locals that both branches bind and what follows reads."""
    hot, first, gain = Local("hot", BOOL), Local("first#1", BLOCK), Local("gain", SMALL)
    k = Local("k", IntType(0, 2))
    b = Local("b", BLOCK)
    heaviest = Quantified(QuantifierKind.FIRST, b, Values(BLOCK), Has(QUEUE, (mode(0),), b), BLOCK)
    queued = apply(Operator.LT, small(0), Len(QUEUE, (mode(0),)))
    body: tuple[Statement, ...] = (
        Require("something is queued", queued, HERE),
        Require("room for a copy", apply(Operator.LT, Len(COPIES, ()), SizeOf("LAMBDA", 2)), HERE),
        Let(first, At(QUEUE, (mode(0),), Literal(0, k.type), ""), HERE),
        If(
            apply(Operator.EQ, Read(FLAG, (first,)), hot),
            (
                Let(gain, ReadConstant(WEIGHT, (heaviest, hot)), HERE),
                Assign(FLAG, (first,), apply(Operator.NOT, Read(FLAG, (first,))), HERE),
                If(
                    Read(FLAG, (first,)),
                    (SetMember(MARKED, (hot,), first, TRUE, HERE),),
                    (SetMember(MARKED, (hot,), first, FALSE, HERE),),
                    HERE,
                ),
            ),
            (Let(gain, number(Operator.SUB, small(0), small(1)), HERE),),
            HERE,
        ),
        Pop(QUEUE, (mode(0),), HERE),
        Assert("gain is small", apply(Operator.LE, gain, small(3)), HERE),
        Push(COPIES, (), (first, hot, gain), HERE),
        Assign(STATE, (), Apply(Operator.ITE, (hot, mode(1), mode(0)), MODE), HERE),
    )
    return Action("IF", (hot,), body, 'Move "one".', HERE)


def settle() -> Action:
    """The copies become marks and the level their total weight."""
    k, level = Local("k", IntType(0, 1)), Local("level", SMALL)
    src = At(COPIES, (), k, "src")
    total = Quantified(
        QuantifierKind.SUM, k, Places(COPIES, ()), At(COPIES, (), k, "weight"), SMALL
    )
    fits = apply(
        Operator.AND, apply(Operator.LE, small(-1), level), apply(Operator.LE, level, small(3))
    )
    mark = SetMember(MARKED, (At(COPIES, (), k, "hot"),), src, Read(FLAG, (src,)), HERE)
    body: tuple[Statement, ...] = (
        Let(level, total, HERE),
        Require("two copies", apply(Operator.EQ, Len(COPIES, ()), small(2)), HERE),
        Require("the total fits", fits, HERE),
        Assign(LEVEL, (), level, HERE),
        ForEach(k, Places(COPIES, ()), (mark,), HERE),
    )
    return Action("settle", (), body, "Settle.", HERE)


def back() -> Action:
    """A copy's block goes to the back of the other queue, or leaves it."""
    b, m = Local("marked", BLOCK), Local("copies", MODE)
    hot = Quantified(
        QuantifierKind.COUNT,
        Local("b", BLOCK),
        Values(BLOCK),
        Read(FLAG, (Local("b", BLOCK),)),
        SMALL,
    )
    moved = Quantified(
        QuantifierKind.ANY,
        Local("k", IntType(0, 1)),
        Places(COPIES, ()),
        apply(Operator.EQ, At(COPIES, (), Local("k", IntType(0, 1)), "src"), b),
        BOOL,
    )
    body: tuple[Statement, ...] = (
        Require("not everything is hot", apply(Operator.LT, hot, small(3)), HERE),
        If(
            Has(QUEUE, (m,), b),
            (Remove(QUEUE, (m,), b, HERE),),
            (
                Require("it moves", moved, HERE),
                Push(QUEUE, (m,), (b,), HERE),
                Pop(COPIES, (), HERE),
            ),
            HERE,
        ),
    )
    return Action("Back", (b, m), body, "Back.", HERE)


def properties() -> tuple[Property, ...]:
    """One of each kind; the invariants hold."""
    b, hot = Local("b", BLOCK), Local("hot", BOOL)
    both = apply(Operator.AND, Has(MARKED, (TRUE,), b), Has(MARKED, (FALSE,), b))
    few = apply(Operator.LE, Len(MARKED, (hot,)), small(3))
    full = apply(Operator.EQ, Len(COPIES, ()), small(2))
    done = apply(Operator.OR, full, apply(Operator.EQ, Len(QUEUE, (mode(0),)), small(0)))
    light = apply(
        Operator.OR,
        apply(Operator.EQ, Read(STATE, ()), mode(1)),
        apply(Operator.NOT, apply(Operator.EQ, Read(STATE, ()), mode(1))),
    )
    biased = apply(Operator.EQ, ReadConstant(BIAS, ()), small(1))
    every = Quantified(QuantifierKind.ALL, hot, Values(BOOL), few, BOOL)
    some = Quantified(QuantifierKind.ANY, b, Values(BLOCK), both, BOOL)
    return (
        Property("few_marks", PropertyKind.INVARIANT, every, "Few.", HERE, id="KV-1"),
        Property("light", PropertyKind.LEMMA, light, "Light.", HERE),
        Property("both", PropertyKind.GOAL, some, "Marked twice.", HERE),
        Property("done", PropertyKind.TERMINAL, done, "Done.", HERE),
        Property("biased", PropertyKind.ASSUMPTION, biased, "Biased.", HERE),
    )


def model() -> Model:
    """The machine of every construct."""
    return Model(
        "EXTENDS",
        "Every construct once; names that clash.",
        (("Block", 3), ("LAMBDA", 2)),
        ("Block",),
        (WEIGHT, BIAS),
        (QUEUE, COPIES, MARKED, LEVEL, FLAG, STATE),
        init(),
        (move(), settle(), back()),
        properties(),
    )


def state_count(model: Model) -> int:
    """How many states the concrete reading reaches."""
    seen = dict.fromkeys(initial_states(model))
    todo = list(seen)
    for state in todo:
        for action in model.actions:
            for arguments in arguments_of(action):
                outcome = step(model, state, action, arguments)
                if isinstance(outcome, Stepped) and outcome.state not in seen:
                    seen[outcome.state] = None
                    todo.append(outcome.state)
    return len(seen)
