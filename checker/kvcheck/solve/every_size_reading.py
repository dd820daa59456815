"""Expressions of the spec as Z3 terms over a symbolic state, at every size.

It reads expressions; statements are `every_size_run`'s. What has no direct term gets a symbol and
facts that are theorems about it: the front of a queue, the witness of `next`, a count or a sum
over a sort. Such a symbol is named by its *meaning*: reading the same expression twice in the same
state gives the same symbol, applied to the values of the locals that it mentions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_state import (
    AT,
    COUNT,
    HAS,
    HEAD,
    TAIL,
    TICKET,
    VALUE,
    Index,
    SymbolicState,
    element_of,
    is_counted,
)
from kvcheck.solve.every_size_symbols import (
    Environment,
    Instance,
    MemberPlace,
    QueuePlace,
    Role,
    Symbols,
    Value,
)
from kvcheck.solve.every_size_terms import (
    NoEverySizeMeaning,
    Sort,
    Term,
    Vocabulary,
    choice,
    conjunction,
    disjunction,
    equality,
    for_all,
    implication,
    negation,
    there_is,
    total,
)
from kvspec.lang.footprint import subexpressions
from kvspec.lang.ir import (
    Apply,
    At,
    Expr,
    Has,
    Len,
    Literal,
    Local,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
    SizeOf,
    Values,
    Variable,
)


@dataclass(frozen=True, eq=False, slots=True)
class Sizes:
    """The counts that some expressions read: by condition, and of cells of queues and sets."""

    described: tuple[Instance, ...]
    cells: tuple[tuple[Term, Variable, Index, SymbolicState], ...]


class Reading:
    """Reads expressions over symbolic states; collects the symbols it needed and their facts."""

    def __init__(self, words: Vocabulary) -> None:
        self.words = words
        self.symbols = Symbols(words)
        self.measured: dict[int, tuple[Term, Variable, Index, SymbolicState]] = {}

    def fork(self) -> Reading:
        """A copy that reads on without the original's seeing it."""
        other = Reading(self.words)
        other.symbols, other.measured = self.symbols.fork(), dict(self.measured)
        return other

    @contextmanager
    def noting_sizes(self) -> Iterator[Callable[[], Sizes]]:
        """Within, the counts that are read are noted; the function given says which."""
        self.symbols.used, self.measured = {}, {}
        yield lambda: Sizes(tuple(self.symbols.used.values()), tuple(self.measured.values()))

    # ---- values

    def term(self, expr: Expr, state: SymbolicState, env: Environment) -> Term:
        """The Z3 term of an expression."""
        value = self.value(expr, state, env)
        if isinstance(value, QueuePlace):
            return value.absolute - value.head
        if isinstance(value, MemberPlace):
            raise NoEverySizeMeaning(f"arithmetic on a place of {value.variable.name}")
        return value

    def terms(self, exprs: Sequence[Expr], state: SymbolicState, env: Environment) -> Index:
        """The terms of several expressions."""
        return tuple(self.term(expr, state, env) for expr in exprs)

    def value(self, expr: Expr, state: SymbolicState, env: Environment) -> Value:
        """The value of an expression: a term, or a place of a queue."""
        match expr:
            case Literal(value=number, type=kind):
                return self.words.literal(kind, number)
            case SizeOf(size=size):
                return self.words.size(size)
            case Local(name=name):
                return env[name]
            case Read(variable=variable, index=index):
                return state[variable.name, VALUE](*self.terms(index, state, env))
            case ReadConstant(constant=constant, index=index):
                return self.words.constant(constant, self.terms(index, state, env))
            case Len(variable=variable, index=index):
                return self.length(variable, self.terms(index, state, env), state)
            case Has(variable=variable, index=index, element=element):
                at = self.terms((*index, element), state, env)
                return self._membership(variable, at, state)
            case At():
                return self._element(expr, state, env)
            case Apply():
                return self._apply(expr, state, env)
            case Quantified():
                return self._quantified(expr, state, env)

    def length(self, variable: Variable, index: Index, state: SymbolicState) -> Term:
        """How many elements a cell of a FIFO or set holds."""
        if is_counted(variable):
            count = state[variable.name, COUNT](*index)
            if not self.symbols.around(*index):
                self.measured[count.get_id()] = (count, variable, index, state)
            return count
        return state[variable.name, TAIL](*index) - state[variable.name, HEAD](*index)

    def _membership(self, variable: Variable, at: Index, state: SymbolicState) -> Term:
        if is_counted(variable):
            return state[variable.name, HAS](*at)
        *index, element = at
        head, tail = (state[variable.name, part](*index) for part in (HEAD, TAIL))
        place = self.symbols.bound(z3.IntSort())
        found = equality(state[variable.name, AT](*index, place), element)
        return there_is([place], conjunction([head <= place, place < tail, found]))

    def _element(self, expr: At, state: SymbolicState, env: Environment) -> Term:
        variable, index = expr.variable, self.terms(expr.index, state, env)
        place = self.value(expr.place, state, env)
        same_row = isinstance(place, QueuePlace | MemberPlace) and (
            place.variable == variable
            and all(a.eq(b) for a, b in zip(place.index, index, strict=True))
        )
        if not is_counted(variable):
            if isinstance(place, QueuePlace) and same_row:
                at = place.absolute
            else:
                offset = self.term(expr.place, state, env)
                head = state[variable.name, HEAD](*index)
                at = head if _is_zero(offset) else head + offset
            return state[variable.name, AT + expr.field](*index, at)
        if isinstance(place, MemberPlace) and same_row:
            return place.element
        if _is_zero(place):
            return self.front(variable, index, state)
        raise NoEverySizeMeaning(f"a place of {variable.name} other than its front")

    def front(self, variable: Variable, index: Index, state: SymbolicState) -> Term:
        """The oldest member of a unique FIFO; of an empty one, anything."""
        name = variable.name
        has, ticket = state[name, HAS], state[name, TICKET]
        holes = [z3.Const(f"hole{n}", term.sort()) for n, term in enumerate(index)]
        x = z3.Const("member", self.words.sort_of(element_of(variable)))
        order = choice(has(*holes, x), ticket(*holes, x), z3.IntVal(-1))
        instance, is_new = self.symbols.instance(
            Role.FRONT, holes=holes, bound=x, meaning=order, arguments=index
        )
        front = instance.term
        if is_new:
            oldest = implication(has(*index, x), ticket(*index, front) <= ticket(*index, x))
            known = conjunction([has(*index, front), for_all([x], oldest)])
            some = state[name, COUNT](*index) > 0
            self.symbols.add_fact(implication(some, known))
        return front

    # ---- operators

    def _apply(self, expr: Apply, state: SymbolicState, env: Environment) -> Term:
        if expr.operator in (Operator.EQ, Operator.LT, Operator.LE):
            left, right = (self.value(x, state, env) for x in expr.operands)
            if isinstance(left, MemberPlace) and isinstance(right, MemberPlace):
                return self._compare_members(expr.operator, left, right)
            if isinstance(left, QueuePlace) and isinstance(right, QueuePlace):
                same_row = left.head.eq(right.head)
                if same_row:
                    return _compare(expr.operator, left.absolute, right.absolute)
        operands = self.terms(expr.operands, state, env)
        match expr.operator:
            case Operator.AND:
                return conjunction(operands)
            case Operator.OR:
                return disjunction(operands)
            case Operator.NOT:
                return negation(operands[0])
            case Operator.ITE:
                return choice(*operands)
            case Operator.ADD:
                return as_number(operands[0]) + as_number(operands[1])
            case Operator.SUB:
                return as_number(operands[0]) - as_number(operands[1])
            case _:
                return _compare(expr.operator, operands[0], operands[1])

    def _compare_members(self, operator: Operator, left: MemberPlace, right: MemberPlace) -> Term:
        same_row = conjunction(
            [z3.BoolVal(left.variable == right.variable)]
            + [equality(a, b) for a, b in zip(left.index, right.index, strict=False)]
        )
        if operator is Operator.EQ:
            known = equality(left.element, right.element)
        else:
            known = _compare(operator, left.ticket, right.ticket)
        return choice(same_row, known, self.symbols.unknown(z3.BoolSort()))

    # ---- quantifiers

    def _quantified(self, expr: Quantified, state: SymbolicState, env: Environment) -> Term:
        domain = expr.domain
        if isinstance(domain, Values) and self.words.is_written_out(domain.type):
            return self._written_out(expr, state, env)
        if expr.kind in (QuantifierKind.ALL, QuantifierKind.ANY):
            with self.symbols.binding() as binders:
                inside, bound, value = self.bind(expr, state, env)
                binders.append(bound)
                body = self.term(expr.body, state, {**env, expr.bound.name: value})
            if expr.kind is QuantifierKind.ALL:
                return for_all([bound], implication(inside, body))
            return there_is([bound], conjunction([inside, body]))
        if _is_always_one(expr):
            if isinstance(domain, Places):
                index = self.terms(domain.index, state, env)
                return self.length(domain.variable, index, state)
            if self.words.is_open(domain.type):
                return self.words.size(str(self.words.sort_of(domain.type)))
        return self._described(expr, state, env)

    def bind(
        self,
        expr: Quantified,
        state: SymbolicState,
        env: Environment,
        *,
        new: Callable[[Sort], Term] | None = None,
    ) -> tuple[Term, Term, Value]:
        """A new bound symbol for a quantifier: the range it is in, itself, what the body sees."""
        domain, new = expr.domain, new or self.symbols.bound
        if isinstance(domain, Values):
            bound = new(self.words.sort_of(domain.type))
            return self.words.in_type(domain.type, bound), bound, bound
        variable, index = domain.variable, self.terms(domain.index, state, env)
        name = variable.name
        if is_counted(variable):
            bound = new(self.words.sort_of(element_of(variable)))
            ticket = state[name, TICKET](*index, bound)
            place = MemberPlace(variable, index, bound, ticket)
            return state[name, HAS](*index, bound), bound, place
        bound = new(z3.IntSort())
        head, tail = state[name, HEAD](*index), state[name, TAIL](*index)
        inside = z3.And(head <= bound, bound < tail)
        return inside, bound, QueuePlace(variable, index, bound, head)

    def _written_out(self, expr: Quantified, state: SymbolicState, env: Environment) -> Term:
        assert isinstance(expr.domain, Values)
        values = self.words.values(expr.domain.type)
        bodies = [self.term(expr.body, state, {**env, expr.bound.name: v}) for v in values]
        match expr.kind:
            case QuantifierKind.ALL:
                return conjunction(bodies)
            case QuantifierKind.ANY:
                return disjunction(bodies)
            case QuantifierKind.FIRST:
                found = values[0]
                for value, body in reversed(list(zip(values, bodies, strict=True))):
                    found = choice(body, value, found)
                return found
            case _:
                return total([as_number(body) for body in bodies])

    def _described(self, expr: Quantified, state: SymbolicState, env: Environment) -> Term:
        """A count, sum or witness: a symbol applied to what the expression's free locals hold."""
        names = free_locals(expr)
        holes, filled, held = self.symbols.holes(env, names)
        with self.symbols.abstracting(holes) as binders:
            inside, bound, value = self.bind(expr, state, filled)
            binders.append(bound)
            body = self.term(expr.body, state, {**filled, expr.bound.name: value})
        if expr.kind is not QuantifierKind.FIRST:
            weight = choice(inside, as_number(body), z3.IntVal(0))
            return self.symbols.instance(
                Role.SUM, holes=holes, bound=bound, meaning=weight, arguments=held, origin=expr
            )[0].term
        if not isinstance(value, z3.ExprRef):
            raise NoEverySizeMeaning("`next` over the places of a queue")
        instance, is_new = self.symbols.instance(
            Role.WITNESS,
            holes=holes,
            bound=bound,
            meaning=conjunction([inside, body]),
            arguments=held,
        )
        if is_new:
            exists = there_is([bound], instance.meaning_at(bound))
            self.symbols.add_fact(implication(exists, instance.meaning_at(instance.term)))
        return instance.term


def _is_zero(place: Value) -> bool:
    return isinstance(place, z3.IntNumRef) and place.as_long() == 0


def _compare(operator: Operator, left: Term, right: Term) -> Term:
    if operator is Operator.EQ:
        return equality(left, right)
    return left < right if operator is Operator.LT else left <= right


def as_number(term: Term) -> Term:
    """A bool counted as 0 or 1; an int as it is."""
    return choice(term, z3.IntVal(1), z3.IntVal(0)) if z3.is_bool(term) else term


def _is_always_one(expr: Quantified) -> bool:
    return (
        expr.kind in (QuantifierKind.COUNT, QuantifierKind.SUM)
        and isinstance(expr.body, Literal)
        and expr.body.value == 1
    )


def free_locals(expr: Quantified) -> tuple[str, ...]:
    """The locals that the expression mentions and does not itself bind, in order of mention."""
    parts = list(subexpressions(expr))
    own = {part.bound.name for part in parts if isinstance(part, Quantified)}
    mentioned = dict.fromkeys(part.name for part in parts if isinstance(part, Local))
    return tuple(name for name in mentioned if name not in own)
