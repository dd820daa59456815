"""Which sorts may be renamed: where a model treats all ids of a sort alike.

It decides that by the text of the model alone and renames nothing. Renaming must carry every step
of an action to a step of the same action, so a sort is ruled out by whatever tells its ids apart:
a literal id, an order comparison, a loop whose effect depends on its order, a constant map that is
neither a classification of the ids nor a one-to-one link to another sort. Constants that only
`init` or assumptions read do not matter: initial states need not be symmetric, because the search
never concludes that a renamed state is reachable, only that it is like one that is.

One case is left to the search: `next()` takes the least witness, which no renaming keeps unless it
is the only one. `with_witness_checks` puts an assertion in front of each; where one fails, the
search is made again without symmetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kvspec.lang.footprint import (
    children,
    statement_expressions,
    statements_within,
    subexpressions,
    variables_written,
)
from kvspec.lang.ir import (
    BOOL,
    Action,
    Apply,
    Assert,
    Assign,
    Constant,
    Expr,
    Fill,
    ForEach,
    If,
    Literal,
    Local,
    Model,
    Operator,
    Pop,
    PropertyKind,
    Push,
    Quantified,
    QuantifierKind,
    ReadConstant,
    Remove,
    Require,
    SetMember,
    Statement,
)
from kvspec.lang.types import IntType, ScalarType, SortType

WITNESS = "next() has one witness (a check of the symmetry reduction)"
_ORDERED = (Operator.LT, Operator.LE, Operator.ADD, Operator.SUB)


@dataclass(frozen=True, slots=True)
class Interchange:
    """`classes[X][i]` numbers the class within which id i of sort X may be renamed.

    `follows[X]` = (Y, table): X has no renaming of its own; id x goes along with id table[x] of Y.
    `ruled_out` says for each other sort why its ids stay as they are.
    """

    classes: dict[str, tuple[int, ...]]
    follows: dict[str, tuple[str, tuple[int, ...]]]
    ruled_out: dict[str, str]

    def is_renamed(self, kind: ScalarType) -> bool:
        """Whether values of this type change under renaming."""
        return isinstance(kind, SortType) and (
            kind.name in self.classes or kind.name in self.follows
        )


def interchange_of(model: Model) -> Interchange:
    """What may be renamed in a model."""
    ruled_out = dict(_ruled_out_by_text(model))
    constants = _constants_that_matter(model)
    while True:  # ruling a sort out may leave a constant that ties another one to it
        names = [name for name in model.sorts if name not in ruled_out]
        links = _Links({name: [()] * dict(model.sizes)[name] for name in names}, {})
        refused = next((c for c in constants if not links.respect(c)), None)
        if refused is None:
            return Interchange(links.numbered(), links.follows, ruled_out)
        for kind in (*refused.dims, refused.type):
            if isinstance(kind, SortType):
                ruled_out[kind.name] = f"the constant {refused.name} tells its ids apart"


def _expressions(model: Model) -> Iterator[Expr]:
    for action in model.actions:
        for statement in statements_within(action.body):
            for expr in statement_expressions(statement):
                yield from subexpressions(expr)
    for prop in model.properties:
        if prop.kind is not PropertyKind.ASSUMPTION:
            yield from subexpressions(prop.formula)


def _ruled_out_by_text(model: Model) -> Iterator[tuple[str, str]]:
    for expr in _expressions(model):
        match expr:
            case Literal(type=SortType(name=name)):
                yield name, "the model names one of its ids"
            case Apply(operator=operator, operands=operands) if operator in _ORDERED:
                for operand in operands:
                    if isinstance(operand.type, SortType):
                        yield operand.type.name, "the model compares its ids by order"
    for prop in model.properties:
        for expr in subexpressions(prop.formula):
            match expr:
                case Quantified(kind=QuantifierKind.FIRST, bound=Local(type=SortType(name=name))):
                    yield name, f"{prop.name} takes the first of its ids"
    for action in model.actions:
        for statement in statements_within(action.body):
            match statement:
                case ForEach(bound=Local(type=SortType(name=name))) if not _any_order(statement):
                    yield name, f"a loop in {action.name} depends on its order"


def _any_order(loop: ForEach) -> bool:
    """Whether the rounds of a loop can trade places: each touches only what is its own."""
    inner = list(statements_within(loop.body))
    if any(isinstance(s, Push | Pop | Remove | Fill) for s in inner):
        return False
    if any(isinstance(s, Require) for s in inner) and any(isinstance(s, Assert) for s in inner):
        return False
    written = variables_written(loop.body)
    for statement in inner:
        if isinstance(statement, Assign) and loop.bound not in statement.index:
            return False
        if isinstance(statement, SetMember) and loop.bound not in (
            *statement.index,
            statement.element,
        ):
            return False
        for expr in statement_expressions(statement):
            for part in subexpressions(expr):
                variable = getattr(part, "variable", None)
                if variable not in written:
                    continue
                own = loop.bound in children(part)
                if not own:
                    return False
    return True


def _constants_that_matter(model: Model) -> list[Constant]:
    read = {e.constant.name: e.constant for e in _expressions(model) if isinstance(e, ReadConstant)}
    return list(read.values())


@dataclass(frozen=True, slots=True)
class _Links:
    """The classes and links that the constants seen so far leave."""

    classes: dict[str, list[tuple[int, ...]]]
    follows: dict[str, tuple[str, tuple[int, ...]]]

    def respect(self, constant: Constant) -> bool:
        """Restrict renaming to what keeps a constant map; False if this cannot be said so."""
        kinds = (*constant.dims, constant.type)
        if not any(map(self._is_free, kinds)):
            return True
        if len(constant.dims) != 1:
            return False
        source, target = constant.dims[0], constant.type
        if not isinstance(source, SortType) or source.name not in self.classes:
            return False
        if not self._is_free(target):
            pairs = zip(self.classes[source.name], constant.table, strict=True)
            self.classes[source.name] = [(*key, value) for key, value in pairs]
            return True
        assert isinstance(target, SortType)
        return self._link(source.name, target.name, constant.table)

    def _is_free(self, kind: ScalarType) -> bool:
        return isinstance(kind, SortType) and (
            kind.name in self.classes or kind.name in self.follows
        )

    def _link(self, source: str, target: str, table: tuple[int, ...]) -> bool:
        """Let a sort go along with another, to which a constant map links it one to one."""
        leads = any(leader == source for leader, _ in self.follows.values())
        classified = any(self.classes[source])
        one_to_one = len(set(table)) == len(table)
        if source == target or leads or classified or not one_to_one:
            return False
        if target not in self.classes:
            return False
        del self.classes[source]
        self.follows[source] = (target, table)
        return True

    def numbered(self) -> dict[str, tuple[int, ...]]:
        """The class of each id as a number; what a link reaches is a class apart."""
        result = {}
        for name, keys in self.classes.items():
            for leader, table in self.follows.values():
                if leader == name:
                    keys = [(*key, k in table) for k, key in enumerate(keys)]
            order = {key: k for k, key in enumerate(sorted(set(keys)))}
            result[name] = tuple(order[key] for key in keys)
        return result


# ---- witnesses


def with_witness_checks(model: Model, interchange: Interchange) -> Model:
    """The model with an assertion before each `next()` over a renamed sort: one witness only."""
    return replace(
        model, actions=tuple(_checked_action(action, interchange) for action in model.actions)
    )


def _checked_action(action: Action, interchange: Interchange) -> Action:
    return replace(action, body=tuple(_checked(action.body, interchange)))


def _checked(body: tuple[Statement, ...], interchange: Interchange) -> Iterator[Statement]:
    for statement in body:
        for expr in statement_expressions(statement):
            for condition in _one_witness(expr, interchange):
                yield Assert(WITNESS, condition, statement.at)
        if isinstance(statement, If):
            yield replace(
                statement,
                then=tuple(_checked(statement.then, interchange)),
                otherwise=tuple(_checked(statement.otherwise, interchange)),
            )
        elif isinstance(statement, ForEach):
            yield replace(statement, body=tuple(_checked(statement.body, interchange)))
        else:
            yield statement


def _one_witness(expr: Expr, interchange: Interchange) -> Iterator[Expr]:
    if not isinstance(expr, Quantified):
        for child in children(expr):
            yield from _one_witness(child, interchange)
        return
    for child in children(expr)[:-1]:  # where the domain is
        yield from _one_witness(child, interchange)
    for condition in _one_witness(expr.body, interchange):
        yield Quantified(QuantifierKind.ALL, expr.bound, expr.domain, condition, BOOL)
    if expr.kind is QuantifierKind.FIRST and interchange.is_renamed(expr.bound.type):
        kind = expr.bound.type
        many = IntType(0, kind.high + 1)
        count = Quantified(QuantifierKind.COUNT, expr.bound, expr.domain, expr.body, many)
        yield Apply(Operator.LE, (count, Literal(1, many)), BOOL)
