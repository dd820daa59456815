"""Machines, states and actions drawn at random, with every construct of the IR among them.

They mean nothing. An engine's reading of one is compared with the concrete evaluator's: whatever a
drawn action does, both must say the same. What can fail has its assertion in front, as the tracer
would put it; reads outside a queue are drawn bare, because their value is defined.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from kvspec.lang.concrete import arguments_of
from kvspec.lang.ir import (
    BOOL,
    Action,
    Apply,
    Assert,
    Assign,
    At,
    Constant,
    Domain,
    Expr,
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
from kvspec.lang.state import Row, State
from kvspec.lang.types import (
    BoolType,
    EnumType,
    FifoType,
    IntType,
    RecordType,
    ScalarType,
    SetType,
    SortType,
    value_count,
)

HERE = Position("drawn.py", 1, 1)
BLOCK = SortType("Block", 3)
SLOT = SortType("Slot", 2)
LEVEL = EnumType("Level", ("PRIMARY", "SECONDARY"))
COUNT = IntType(0, 3)
SIGNED = IntType(-2, 2)
COPY = RecordType("Copy", (("src", SLOT), ("late", BOOL), ("age", SIGNED)))

HOME = Constant("home", (BLOCK,), SLOT, (1, 0, 1))
FLAG = Variable("flag", (BLOCK,), BOOL)
COUNTER = Variable("counter", (LEVEL,), COUNT)
BALANCE = Variable("balance", (), SIGNED)
PLACE = Variable("place", (BLOCK, BOOL), SLOT)
FREE = Variable("free", (LEVEL,), FifoType(BLOCK, 3, True))
PENDING = Variable("pending", (SLOT,), FifoType(COPY, 2, False))
ORDERS = Variable("orders", (), FifoType(SIGNED, 3, False))
HOLDERS = Variable("holders", (BLOCK,), SetType(SLOT))
WHERE = EnumType("worker__at", ("start", "chosen", "done"))  # as a thread's counter, and its own
STANDS = Variable("worker__at", (SLOT,), WHERE)
MINE = Variable("worker__mine", (SLOT,), BLOCK)
VARIABLES = (FLAG, COUNTER, BALANCE, PLACE, FREE, PENDING, ORDERS, HOLDERS, STANDS, MINE)
SCALARS: tuple[ScalarType, ...] = (BOOL, COUNT, SIGNED, LEVEL, BLOCK, SLOT, WHERE)


@dataclass
class Draw:
    """A source of random pieces; `scope` holds the locals that may be read here."""

    random: Random
    scope: tuple[Local, ...] = ()
    serial: int = 0

    def name(self) -> str:
        self.serial += 1
        return f"x{self.serial}"

    # ---- expressions

    def index(self, variable: Variable, depth: int) -> tuple[Expr, ...]:
        return tuple(self.expr(dim, depth - 1) for dim in variable.dims)

    def expr(self, kind: ScalarType, depth: int) -> Expr:
        """An expression whose value is surely of the type."""
        options = [lambda: Literal(self.random.randint(kind.low, kind.high), kind)]
        options += [lambda local=local: local for local in self.scope if local.type == kind] * 3
        if depth > 0:
            options += self._reads(kind, depth) * 2
            options += [lambda: self._ite(kind, depth), lambda: self._first(kind, depth)]
            if kind == BOOL:
                options += [lambda: self._condition(depth)] * 6
        return self.random.choice(options)()

    def _reads(self, kind: ScalarType, depth: int) -> list:
        found = []
        for v in VARIABLES:
            if v.leaf == kind:
                found.append(lambda v=v: Read(v, self.index(v, depth)))
            if isinstance(v.leaf, FifoType):
                for field, field_type in v.leaf.fields:
                    if field_type == kind:
                        found.append(lambda v=v, f=field: self._at(v, f, depth))
        if kind == SLOT:
            found.append(lambda: ReadConstant(HOME, (self.expr(BLOCK, depth - 1),)))
        return found

    def _at(self, variable: Variable, field: str, depth: int) -> Expr:
        place = self.random.choice([Literal(0, COUNT), Literal(1, COUNT), self.number(0)])
        return At(variable, self.index(variable, depth), place, field)

    def _ite(self, kind: ScalarType, depth: int) -> Expr:
        parts = (self.expr(BOOL, depth - 1), self.expr(kind, depth - 1), self.expr(kind, depth - 1))
        return Apply(Operator.ITE, parts, kind)

    def _first(self, kind: ScalarType, depth: int) -> Expr:
        return self._quantified(QuantifierKind.FIRST, Values(kind), kind, BOOL, depth, kind)

    def number(self, depth: int) -> Expr:
        """An integer expression of any range."""
        counts = [local for local in self.scope if isinstance(local.type, IntType)]
        options = [
            *(lambda local=local: local for local in counts),
            lambda: self.expr(COUNT, depth),
            lambda: self.expr(SIGNED, depth),
            lambda: SizeOf("Block", 3),
        ]
        if depth > 0:
            queue = self.random.choice([FREE, PENDING, ORDERS, HOLDERS])
            operator = self.random.choice([Operator.ADD, Operator.SUB])
            wide = IntType(-99, 99)
            options += [
                lambda: Len(queue, self.index(queue, depth)),
                lambda: Apply(operator, (self.number(depth - 1), self.number(depth - 1)), wide),
                lambda: self._sum(QuantifierKind.COUNT, BOOL, depth),
                lambda: self._sum(QuantifierKind.SUM, SIGNED, depth),
            ]
        return self.random.choice(options)()

    def _sum(self, kind: QuantifierKind, body: ScalarType, depth: int) -> Expr:
        domain, bound = self.domain(depth)
        return self._quantified(kind, domain, bound, body, depth, IntType(-99, 99))

    def domain(self, depth: int) -> tuple[Domain, ScalarType]:
        if self.random.random() < 0.5:
            queue = self.random.choice([FREE, PENDING, ORDERS])
            leaf = queue.leaf
            return Places(queue, self.index(queue, depth)), IntType(0, leaf.capacity - 1)
        kind = self.random.choice(SCALARS)
        return Values(kind), kind

    def _quantified(
        self,
        kind: QuantifierKind,
        domain: Domain,
        bound: ScalarType,
        body: ScalarType,
        depth: int,
        result: ScalarType,
    ) -> Expr:
        local = Local(self.name(), bound)
        outer, self.scope = self.scope, (*self.scope, local)
        if isinstance(domain, Places) and body == BOOL and self.random.random() < 0.7:
            field, field_type = self.random.choice(domain.variable.leaf.fields)
            found = At(domain.variable, domain.index, local, field)
            inner: Expr = Apply(Operator.EQ, (found, self.expr(field_type, depth - 1)), BOOL)
        else:
            inner = self.expr(body, depth - 1)
        self.scope = outer
        return Quantified(kind, local, domain, inner, result)

    def _condition(self, depth: int) -> Expr:
        choice = self.random.randrange(8)
        if choice == 0:
            parts = tuple(self.expr(BOOL, depth - 1) for _ in range(self.random.randint(1, 3)))
            return Apply(self.random.choice([Operator.AND, Operator.OR]), parts, BOOL)
        if choice == 1:
            return Apply(Operator.NOT, (self.expr(BOOL, depth - 1),), BOOL)
        if choice == 2:
            kind = self.random.choice(SCALARS)
            return Apply(Operator.EQ, (self.expr(kind, depth), self.expr(kind, depth - 1)), BOOL)
        if choice in (3, 4):
            operator = self.random.choice([Operator.LT, Operator.LE, Operator.EQ])
            return Apply(operator, (self.number(depth), self.number(depth - 1)), BOOL)
        if choice == 5:
            v, kind = self.random.choice([(FREE, BLOCK), (ORDERS, SIGNED), (HOLDERS, SLOT)])
            return Has(v, self.index(v, depth), self.expr(kind, depth - 1))
        domain, bound = self.domain(depth)
        kind_ = self.random.choice([QuantifierKind.ALL, QuantifierKind.ANY])
        return self._quantified(kind_, domain, bound, BOOL, depth, BOOL)

    # ---- statements

    def body(self, length: int, nesting: int) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for _ in range(length):
            found += self._statements(nesting)
        return tuple(found)

    def _statements(self, nesting: int) -> list[Statement]:
        choice = self.random.randrange(10 if nesting else 8)
        if choice == 0:
            kind = self.random.choice(SCALARS)
            local = Local(self.name(), kind)
            let = Let(local, self.expr(kind, 2), HERE)
            self.scope = (*self.scope, local)
            return [let]
        if choice == 1:
            return [Assert("drawn", self.expr(BOOL, 2), HERE)]
        if choice in (2, 3):
            return self._assign()
        if choice in (4, 5):
            return self._push()
        if choice == 6:
            return [self._take()]
        if choice == 7:
            v = HOLDERS
            parts = (self.index(v, 2), self.expr(SLOT, 2), self.expr(BOOL, 1))
            return [SetMember(v, *parts, HERE)]
        return [self._if(nesting) if choice == 8 else self._loop(nesting)]

    def _assign(self) -> list[Statement]:
        v = self.random.choice([FLAG, COUNTER, BALANCE, PLACE, STANDS, MINE])
        index = self.index(v, 2)
        if v.leaf not in (COUNT, SIGNED):
            return [Assign(v, index, self.expr(v.leaf, 2), HERE)]
        value = self.number(2)
        low = Apply(Operator.LE, (Literal(v.leaf.low, v.leaf), value), BOOL)
        high = Apply(Operator.LE, (value, Literal(v.leaf.high, v.leaf)), BOOL)
        fits = Apply(Operator.AND, (low, high), BOOL)
        return [Assert("in range", fits, HERE), Assign(v, index, value, HERE)]

    def _push(self) -> list[Statement]:
        v = self.random.choice([FREE, PENDING, ORDERS])
        index, leaf = self.index(v, 2), v.leaf
        fields = tuple(self.expr(kind, 2) for _, kind in leaf.fields)
        full = Apply(Operator.LT, (Len(v, index), Literal(leaf.capacity, COUNT)), BOOL)
        found: list[Statement] = [Assert("not full", full, HERE)]
        if leaf.unique:
            absent = Apply(Operator.NOT, (Has(v, index, fields[0]),), BOOL)
            found.append(Assert("not present", absent, HERE))
        return [*found, Push(v, index, fields, HERE)]

    def _take(self) -> Statement:
        v = self.random.choice([FREE, PENDING, ORDERS])
        if v is FREE and self.random.random() < 0.7:
            return Remove(v, self.index(v, 2), self.expr(BLOCK, 2), HERE)
        return Pop(v, self.index(v, 2), HERE)

    def _if(self, nesting: int) -> Statement:
        shared = Local(self.name(), self.random.choice(SCALARS))
        outer = self.scope
        then = (
            Let(shared, self.expr(shared.type, 1), HERE),
            *self.body(self.random.randint(0, 2), nesting - 1),
        )
        self.scope = outer
        otherwise = (
            *self.body(self.random.randint(0, 2), nesting - 1),
            Let(shared, self.expr(shared.type, 1), HERE),
        )
        self.scope = (*outer, shared)
        return If(self._outer(outer), then, otherwise, HERE)

    def _outer(self, outer: tuple[Local, ...]) -> Expr:
        kept, self.scope = self.scope, outer
        condition = self.expr(BOOL, 2)
        self.scope = kept
        return condition

    def _loop(self, nesting: int) -> Statement:
        domain, kind = self.domain(1)
        local = Local(self.name(), kind)
        outer, self.scope = self.scope, (*self.scope, local)
        body = self.body(self.random.randint(1, 2), nesting - 1)
        self.scope = outer
        if isinstance(domain, Places) and _writes(body, domain.variable):
            domain, body = Values(kind), body
        return ForEach(local, domain, body, HERE)


def _writes(body: tuple[Statement, ...], variable: Variable) -> bool:
    for statement in body:
        if isinstance(statement, If):
            if _writes((*statement.then, *statement.otherwise), variable):
                return True
        elif isinstance(statement, ForEach):
            if _writes(statement.body, variable):
                return True
        elif getattr(statement, "variable", None) == variable:
            return True
    return False


def drawn_action(draw: Draw, name: str) -> Action:
    """An action with parameters, a guard and a few effects."""
    kinds = draw.random.sample([BLOCK, SLOT, LEVEL, COUNT], draw.random.randint(0, 2))
    parameters = tuple(Local(draw.name(), kind) for kind in kinds)
    draw.scope = parameters
    guard = (Require("drawn", draw.expr(BOOL, 2), HERE),) if draw.random.random() < 0.5 else ()
    body = (*guard, *draw.body(draw.random.randint(1, 5), 2))
    draw.scope = ()
    return Action(name, parameters, body, "", HERE)


def drawn_machine(seed: int) -> Model:
    """A machine with four actions and three invariants that mean nothing."""
    draw = Draw(Random(seed))
    actions = tuple(drawn_action(draw, f"action{n}") for n in range(4))
    properties = tuple(
        Property(f"fact{n}", PropertyKind.INVARIANT, draw.expr(BOOL, 3), "", HERE) for n in range(3)
    )
    sizes = (("Block", 3), ("Slot", 2))
    init = Action("init", (), (), "", HERE)
    return Model("Drawn", "", sizes, ("Block",), (HOME,), VARIABLES, init, actions, properties)


def drawn_state(random: Random) -> State:
    """Any well-typed state of the drawn machines."""
    return tuple(tuple(_row(random, v) for _ in range(v.row_count)) for v in VARIABLES)


def _row(random: Random, variable: Variable) -> Row:
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        return random.randrange(1 << value_count(leaf.element))
    if not isinstance(leaf, FifoType):
        return random.randint(leaf.low, leaf.high)
    if leaf.unique:
        assert isinstance(leaf.element, SortType)
        ids = list(range(leaf.element.size))
        return tuple(random.sample(ids, random.randint(0, len(ids))))
    length = random.randint(0, leaf.capacity)
    items = [tuple(random.randint(t.low, t.high) for _, t in leaf.fields) for _ in range(length)]
    record = isinstance(leaf.element, RecordType)
    return tuple(items) if record else tuple(item[0] for item in items)


def drawn_arguments(random: Random, action: Action) -> tuple[int, ...]:
    """Some arguments for the action."""
    return random.choice(list(arguments_of(action)))


assert isinstance(BOOL, BoolType)
