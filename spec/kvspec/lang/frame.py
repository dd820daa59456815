"""Where tracing stands: the method's text, the names in scope, the statements emitted so far.

It decides scoping, positions and what may be emitted where; it translates nothing. `Emission` is
shared by everything inlined into one action, so that local names stay unique in it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from kvspec.lang.declarations import Declaration
from kvspec.lang.errors import SpecError
from kvspec.lang.ir import (
    Assert,
    Constant,
    Expr,
    Let,
    Literal,
    Local,
    Require,
    SizeOf,
    Statement,
    Variable,
)
from kvspec.lang.sources import Library, Source
from kvspec.lang.values import (
    Group,
    Members,
    Queue,
    Several,
    Value,
    both,
    either,
    is_expression,
    negated,
)
from kvspec.lang.whereabouts import Whereabouts


@dataclass(frozen=True)
class Unit:
    """The machine being traced: its class, sizes and declarations."""

    machine: type
    sizes: Mapping[str, int]
    declarations: Mapping[str, Declaration]
    variables: Mapping[str, Variable]
    constants: Mapping[str, Constant]
    library: Library
    threads: Mapping[str, Whereabouts] = field(default_factory=dict)


@dataclass
class Emission:
    """The statements of one action as they come, and the names taken in it."""

    blocks: list[list[Statement]] = field(default_factory=lambda: [[]])
    taken: dict[str, int] = field(default_factory=dict)
    effects: int = 0
    loops: int = 0

    def fresh(self, name: str) -> str:
        """A name like this one that nothing in the action has yet."""
        count = self.taken[name] = self.taken.get(name, 0) + 1
        return name if count == 1 else self.fresh(f"{name}_{count}")


@dataclass
class Frame:
    """One method being traced, perhaps inlined; `pure` inside quantifiers and properties.

    `path` is what must be true for the part being traced to be evaluated at all (short circuit).
    `is_fact`: a property or a promise, which may say where threads stand.
    """

    unit: Unit
    source: Source
    emission: Emission
    names: dict[str, Value]
    pure: bool = False
    is_fact: bool = False
    path: tuple[Expr, ...] = ()
    owner: type = object
    calls: tuple[str, ...] = ()
    outside_loop: frozenset[str] = frozenset()
    own: Mapping[str, tuple[Variable, tuple[Expr, ...]]] = field(default_factory=dict)

    # ---- errors

    def error(self, node: ast.AST, what: str, cause: str, mend: str) -> SpecError:
        """A spec error at this node."""
        return SpecError(what, cause=cause, mend=mend, at=self.source.at(node))

    def spell(self, node: ast.AST) -> str:
        """The node's own text, shortened."""
        text = " ".join(ast.unparse(node).split())
        return text if len(text) <= 60 else text[:57] + "..."

    # ---- emission

    def emit(self, statement: Statement, node: ast.AST) -> None:
        """Add a statement; in a pure place it is refused, as is a guard after an effect."""
        if self.pure:
            raise self.error(
                node,
                f"`{self.spell(node)}` has an effect or can fail inside a quantifier or property.",
                "These are read as formulas: nothing in them can change the state or stop.",
                "Move it into an action, or say it with any/all.",
            )
        if isinstance(statement, Require) and (self.emission.effects or self.emission.loops):
            place = "in a loop" if self.emission.loops else "after an effect"
            raise self.error(
                node,
                f"The guard `{self.spell(node)}` stands {place}.",
                "An action either is not enabled or runs whole; a late guard would undo a half.",
                "Move it to the top of the action, with all(...) over what the loop runs through.",
            )
        if not isinstance(statement, Require | Assert | Let):
            self.emission.effects += 1
        self.emission.blocks[-1].append(statement)

    def check(self, condition: Expr, message: str, node: ast.AST) -> None:
        """Emit an assertion that holds wherever this place is reached."""
        if self.path:
            condition = either(negated(both(*self.path)), condition)
        self.emit(Assert(message, condition, self.source.at(node)), node)

    def let(self, name: str, value: Expr, node: ast.AST) -> Expr:
        """The value as it is now: a local, unless nothing can change it anyway."""
        if self.pure or isinstance(value, Literal | SizeOf | Local):
            return value
        local = Local(self.emission.fresh(name), value.type)
        self.emit(Let(local, value, self.source.at(node)), node)
        return local

    def freeze(self, name: str, value: Value, node: ast.AST) -> Value:
        """A value as it is now, for binding to a name or passing to a helper."""
        if isinstance(value, Group):
            named = tuple((f, self.let(f"{name}_{f}", e, node)) for f, e in value.fields)
            return Group(value.shape, named)
        if isinstance(value, Queue):
            return Queue(value.variable, value.shape, self._index(name, value.index, node))
        if isinstance(value, Members):
            return Members(value.variable, value.element, self._index(name, value.index, node))
        if isinstance(value, Several):
            return Several(tuple(self.freeze(name, item, node) for item in value.items))
        if is_expression(value):
            return self.let(name, value, node)  # type: ignore[arg-type]  # checked on this line
        return value

    def _index(self, name: str, index: tuple[Expr, ...], node: ast.AST) -> tuple[Expr, ...]:
        return tuple(self.let(f"{name}_at", e, node) for e in index)

    # ---- scopes

    @contextmanager
    def assuming(self, *conditions: Expr) -> Iterator[None]:
        """Trace a part that is evaluated only where these hold."""
        saved, self.path = self.path, (*self.path, *conditions)
        try:
            yield
        finally:
            self.path = saved

    @contextmanager
    def formula(self, names: Mapping[str, Value]) -> Iterator[None]:
        """Trace a quantifier's body: pure, with the bound names in scope."""
        saved = self.names, self.pure
        self.names, self.pure = {**self.names, **names}, True
        try:
            yield
        finally:
            self.names, self.pure = saved

    @contextmanager
    def naming(self, names: Mapping[str, Value]) -> Iterator[None]:
        """Trace with these names in scope too."""
        saved, self.names = self.names, {**self.names, **names}
        try:
            yield
        finally:
            self.names = saved

    def block(self, body: Callable[[], None]) -> tuple[Statement, ...]:
        """What the body emits, as a block of its own."""
        self.emission.blocks.append([])
        try:
            body()
        finally:
            emitted = self.emission.blocks.pop()
        return tuple(emitted)
