"""A two-level block pool written straight in the IR, with the claim-before-swap fault in it.

Test data for the trace and report tests, which must not wait for the language's surface. Each
level's free queue holds the blocks at that level; `offload` swaps a primary block's slot with a
secondary one's *before* it takes the primary block off its queue, by the level it now has.
"""

from __future__ import annotations

from kvcheck.trace.path import Finding, FindingKind, Move, Path
from kvcheck.trace.retell import Origin
from kvspec.lang.concrete import initial_states
from kvspec.lang.ir import (
    Action,
    Apply,
    Assert,
    Assign,
    At,
    Constant,
    Expr,
    Fill,
    Has,
    Len,
    Let,
    Literal,
    Local,
    Model,
    Operator,
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
    Statement,
    Values,
    Variable,
)
from kvspec.lang.types import BoolType, EnumType, FifoType, IntType, RecordType, SortType

BLOCK, SLOT = SortType("Block", 4), SortType("Slot", 4)
LEVEL = EnumType("Level", ("PRIMARY", "SECONDARY"))
COUNT = IntType(0, 4)
COPY = RecordType("Copy", (("src", SLOT), ("dst", SLOT)))

TIER = Constant("tier", (SLOT,), LEVEL, (0, 0, 1, 1))
SLOT_OF = Variable("slot", (BLOCK,), SLOT)
REFS = Variable("refs", (BLOCK,), IntType(0, 1))
FREE = Variable("free", (LEVEL,), FifoType(BLOCK, 4, unique=True))
NFREE = Variable("nfree", (LEVEL,), COUNT)
PENDING = Variable("pending", (), FifoType(COPY, 2, unique=False))

PRIMARY, SECONDARY = Literal(0, LEVEL), Literal(1, LEVEL)


def at(line: int) -> Position:
    """A position in a file that is not there, so that records do not depend on this one."""
    return Position("models/handmade.py", line, 9)


def level(block: Expr) -> Expr:
    """The level of the slot that a block has now."""
    return ReadConstant(TIER, (Read(SLOT_OF, (block,)),))


def equal(left: Expr, right: Expr) -> Expr:
    """`left == right`."""
    return Apply(Operator.EQ, (left, right), BoolType())


def more(queue_level: Expr) -> Expr:
    """The free queue of a level is not empty."""
    return Apply(Operator.LT, (Literal(0, COUNT), Len(FREE, (queue_level,))), BoolType())


def add(count_level: Expr, amount: int) -> Expr:
    """The free counter of a level, plus or minus."""
    operator = Operator.ADD if amount > 0 else Operator.SUB
    return Apply(operator, (Read(NFREE, (count_level,)), Literal(abs(amount), COUNT)), COUNT)


def claim(block: Expr, line: int) -> tuple[Statement, ...]:
    """Take a block off the queue of the level it has now."""
    here = Local(f"here#{line}", LEVEL)
    return (
        Let(here, level(block), at(line)),
        Assert(
            "free[here] holds the block to remove",
            Has(FREE, (here,), block),
            at(line + 1),
        ),
        Remove(FREE, (here,), block, at(line + 1)),
        Assign(NFREE, (here,), add(here, -1), at(line + 2)),
    )


def init() -> Action:
    """Every block in its own slot, free."""
    body: list[Statement] = [
        Assign(SLOT_OF, (Literal(b, BLOCK),), Literal(b, SLOT), at(10)) for b in range(4)
    ]
    bound = Local("b", BLOCK)
    for tier in (PRIMARY, SECONDARY):
        body.append(Fill(FREE, (tier,), bound, equal(level(bound), tier), at(12)))
        body.append(Assign(NFREE, (tier,), Literal(2, COUNT), at(13)))
    return Action("all_free", (), tuple(body), "Every block is free.", at(8))


def allocate() -> Action:
    """The oldest free primary block gets its first reference."""
    block = Local("block#1", BLOCK)
    return Action(
        "allocate",
        (),
        (
            Require("a primary block is free", more(PRIMARY), at(21)),
            Let(block, At(FREE, (PRIMARY,), Literal(0, COUNT), ""), at(22)),
            *claim(block, 30),
            Assign(REFS, (block,), Literal(1, IntType(0, 1)), at(23)),
        ),
        "The oldest free primary block is handed out.",
        at(20),
        thread="scheduler",
    )


def release() -> Action:
    """A block goes back to the queue of the level it has now."""
    block = Local("b", BLOCK)
    return Action(
        "release",
        (block,),
        (
            Require("the block is in use", Read(REFS, (block,)), at(41)),
            Assign(REFS, (block,), Literal(0, IntType(0, 1)), at(42)),
            Push(FREE, (level(block),), (block,), at(43)),
            Assign(NFREE, (level(block),), add(level(block), 1), at(44)),
        ),
        "A block in use is released.",
        at(40),
        thread="scheduler",
    )


def offload() -> Action:
    """The wrong order: swap, then claim by the level that the swap has changed."""
    victim, spare = Local("victim", BLOCK), Local("spare", BLOCK)
    kept = Local("kept", SLOT)
    return Action(
        "offload",
        (),
        (
            Require("a primary block is free", more(PRIMARY), at(51)),
            Require("a secondary block is free", more(SECONDARY), at(52)),
            Let(victim, At(FREE, (PRIMARY,), Literal(0, COUNT), ""), at(53)),
            Let(spare, At(FREE, (SECONDARY,), Literal(0, COUNT), ""), at(54)),
            Push(
                PENDING,
                (),
                (Read(SLOT_OF, (victim,)), Read(SLOT_OF, (spare,))),
                at(55),
            ),
            Let(kept, Read(SLOT_OF, (victim,)), at(56)),
            Assign(SLOT_OF, (victim,), Read(SLOT_OF, (spare,)), at(56)),
            Assign(SLOT_OF, (spare,), kept, at(56)),
            *claim(victim, 30),
        ),
        "The oldest free primary block moves to secondary.",
        at(50),
        thread="scheduler",
    )


def counters() -> Property:
    """The redundant counter agrees with the queue."""
    lvl = Local("l", LEVEL)
    body = equal(Read(NFREE, (lvl,)), Len(FREE, (lvl,)))
    return Property(
        "counters",
        PropertyKind.INVARIANT,
        Quantified(QuantifierKind.ALL, lvl, Values(LEVEL), body, BoolType()),
        "The free counter of each level equals the length of its queue.",
        at(60),
        id="KV-INV-04",
        why="TensorRT-LLM #11879: counters drifted",
    )


def idle_blocks_are_queued() -> Property:
    """False as soon as a block is in use, so that a test has an invariant to break."""
    block, lvl = Local("b", BLOCK), Local("l", LEVEL)
    inner = Quantified(QuantifierKind.ANY, lvl, Values(LEVEL), Has(FREE, (lvl,), block), BoolType())
    return Property(
        "every_block_is_queued",
        PropertyKind.INVARIANT,
        Quantified(QuantifierKind.ALL, block, Values(BLOCK), inner, BoolType()),
        "Every block is in some free queue.",
        at(64),
        id="KV-INV-99",
        why="made up for a test",
    )


def model() -> Model:
    """The machine at two primary and two secondary blocks."""
    return Model(
        "HandmadePool",
        "A two-level pool.",
        (("Block", 4), ("Slot", 4)),
        ("Block", "Slot"),
        (TIER,),
        (SLOT_OF, REFS, FREE, NFREE, PENDING),
        init(),
        (allocate(), release(), offload()),
        (counters(), idle_blocks_are_queued()),
    )


ORIGIN = Origin(
    machine="handmade_pool",
    sizes=(("P", 2), ("S", 2)),
    engine="explicit",
    tool_version="0.1.0",
    rerun="kvproof explore handmade_pool --size P=2 --size S=2",
)


def path(*moves: Move) -> Path:
    """A run from the initial state."""
    return Path(initial_states(model())[0], moves)


def failing_offload() -> Finding:
    """Hand out, take back, then offload: the claim hits a queue that does not hold the block."""
    moves = path(Move("allocate", ()), Move("release", (0,)), Move("offload", ()))
    return Finding(FindingKind.ASSERTION, "offload", moves)


def broken_invariant() -> Finding:
    """One block handed out breaks the made-up invariant."""
    moves = path(Move("allocate", ()))
    return Finding(FindingKind.INVARIANT, "every_block_is_queued", moves)
