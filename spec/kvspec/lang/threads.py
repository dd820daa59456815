"""A `@thread`: a generator cut at its yields into atomic steps.

It decides what the thread's state is (where it stands, and its own variables) and what each step
does. A step runs from one yield to the next along every branch; what is left to do at a yield is
a list of statements, known from the source alone, so each yield is one place to stand. A loop that
comes round again without a yield has no bound and is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kvspec.lang import statements
from kvspec.lang.declarations import Resolver, flat_name
from kvspec.lang.frame import Emission, Frame, Unit
from kvspec.lang.ir import (
    Action,
    Apply,
    Assign,
    Expr,
    Literal,
    Local,
    Operator,
    Read,
    Require,
    Variable,
)
from kvspec.lang.sources import Library, Source
from kvspec.lang.state import blank_row
from kvspec.lang.types import EnumType, ScalarType
from kvspec.lang.values import BOOL, Helper, Itself, Value
from kvspec.lang.whereabouts import Whereabouts, with_keeps

START, DONE = "start", "done"


@dataclass(frozen=True)
class ThreadSource:
    """A thread's text, its parameters, the labels of its yields and its own variables."""

    name: str
    helper: Helper
    source: Source
    parameters: tuple[Local, ...]
    labels: tuple[str, ...]
    counter: Variable
    own: Mapping[str, Variable]

    def whereabouts(self, steps: Sequence[Action]) -> Whereabouts:
        """What facts may say of it, once its steps are traced."""
        mine = [step for step in steps if step.thread == self.name]
        return with_keeps(Whereabouts(self.name, self.counter, self.parameters, self.own), mine)


def yields(body: Sequence[ast.AST]) -> list[ast.Yield]:
    """The yields of a thread, in the order of the source."""
    found = [n for part in body for n in ast.walk(part) if isinstance(n, ast.Yield)]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def label_of(node: ast.Yield, number: int) -> str:
    """The name of the step that follows a yield."""
    if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return f"step{number}"


def places_of(source: Source) -> tuple[str, ...]:
    """Where a thread of this text can stand, `start` first and `done` last."""
    labels = (label_of(node, number) for number, node in enumerate(yields(source.tree.body), 1))
    return (START, *labels, DONE)


def own_names(source: Source) -> frozenset[str]:
    """The names of the annotated locals of a thread of this text."""
    nodes = (n for n in ast.walk(source.tree) if isinstance(n, ast.AnnAssign))
    return frozenset(n.target.id for n in nodes if isinstance(n.target, ast.Name))


def read_thread(
    library: Library, unit_sizes: Mapping[str, int], helper: Helper, parameters: tuple[Local, ...]
) -> ThreadSource:
    """A thread's state variables, before any of its steps is traced."""
    source = library.method(helper.function)
    frame = Frame(Unit(object, unit_sizes, {}, {}, {}, library), source, Emission(), {})
    labels = places_of(source)[1:-1]
    for node, label in zip(yields(source.tree.body), labels, strict=True):
        if not label.isidentifier() or labels.count(label) > 1 or label in (START, DONE):
            raise frame.error(
                node,
                f"The yield label {label!r} cannot name a step.",
                "Labels are identifiers, each used once, and not `start` or `done`.",
                "Choose another label.",
            )
    kind = EnumType(flat_name(helper.name, "at"), (START, *labels, DONE))
    dims = tuple(p.type for p in parameters)
    own = {
        name: Variable(flat_name(helper.name, name), dims, scalar)
        for name, scalar in _own_types(unit_sizes, source).items()
    }
    counter = Variable(flat_name(helper.name, "at"), dims, kind)
    return ThreadSource(helper.name, helper, source, parameters, labels, counter, own)


def _own_types(sizes: Mapping[str, int], source: Source) -> dict[str, ScalarType]:
    resolver = Resolver(sizes)
    found: dict[str, ScalarType] = {}
    nodes = [n for n in ast.walk(source.tree) if isinstance(n, ast.AnnAssign)]
    for node in sorted(nodes, key=lambda n: n.lineno):
        if isinstance(node.target, ast.Name):
            resolver.at = source.at(node)
            scope = {"__builtins__": __builtins__, **source.globals}
            hint = eval(ast.unparse(node.annotation), scope)
            found.setdefault(node.target.id, resolver.scalar(hint))
    return found


def steps_of(unit: Unit, thread: ThreadSource) -> tuple[Action, ...]:
    """One action for each place where the thread can stand, but `done`."""
    tracing = _Tracing(unit, thread, {START: tuple(thread.source.tree.body)}, {})
    made = []
    pending = [START]
    while pending:
        label = pending.pop(0)
        made.append(tracing.step(label))
        pending += [new for new in tracing.rests if new not in tracing.traced]
        pending = list(dict.fromkeys(pending))
    order = (START, *thread.labels)
    return tuple(sorted(made, key=lambda a: order.index(a.name.removeprefix(f"{thread.name}__"))))


@dataclass
class _Tracing:
    unit: Unit
    thread: ThreadSource
    rests: dict[str, tuple[ast.stmt, ...]]
    traced: dict[str, None]

    def step(self, label: str) -> Action:
        self.traced[label] = None
        thread = self.thread
        index: tuple[Expr, ...] = thread.parameters
        emission = Emission()
        names: dict[str, Value] = {"self": Itself.SELF}
        for parameter in thread.parameters:
            names[emission.fresh(parameter.name)] = parameter
        own = {name: (variable, index) for name, variable in thread.own.items()}
        frame = Frame(self.unit, thread.source, emission, names, owner=thread.helper.owner, own=own)
        here = Apply(Operator.EQ, (Read(thread.counter, index), self._place(label)), BOOL)
        tree = thread.source.tree
        frame.emit(Require(f"stands at {label}", here, thread.source.at(tree)), tree)
        self._go(frame, self.rests[label], frozenset())
        at = thread.source.at(self.rests[label][0] if self.rests[label] else tree)
        sentence = f"{thread.name} goes on from {label}."
        name = flat_name(thread.name, label)
        body = tuple(emission.blocks[0])
        return Action(name, thread.parameters, body, sentence, at, thread.name)

    def _place(self, label: str) -> Literal:
        kind = self.thread.counter.leaf
        assert isinstance(kind, EnumType)
        return Literal(kind.members.index(label), kind)

    def _stand(self, frame: Frame, label: str, node: ast.AST) -> None:
        index: tuple[Expr, ...] = self.thread.parameters
        at = frame.source.at(node)
        if label == DONE:
            for variable in self.thread.own.values():
                blank = blank_row(variable)
                assert isinstance(blank, int)
                assert not hasattr(variable.leaf, "element")
                cleared = Literal(blank, variable.leaf)
                frame.emit(Assign(variable, index, cleared, at), node)
        frame.emit(Assign(self.thread.counter, index, self._place(label), at), node)

    def _go(self, frame: Frame, rest: tuple[ast.stmt, ...], entered: frozenset[int]) -> None:
        """Translate what is left to do, up to the next yield on every branch."""
        for number, node in enumerate(rest):
            after = rest[number + 1 :]
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield):
                label = self._label(node.value)
                self.rests.setdefault(label, after)
                self._stand(frame, label, node)
                return
            if isinstance(node, ast.Return):
                self._stand(frame, DONE, node)
                return
            if isinstance(node, ast.While):
                self._loop(frame, node, after, entered)
                return
            if isinstance(node, ast.If) and _stops(node):
                self._branch(frame, node, (*node.body, *after), (*node.orelse, *after), entered)
                return
            statements.run(frame, [node])
        self._stand(frame, DONE, self.thread.source.tree)

    def _loop(
        self, frame: Frame, node: ast.While, after: tuple[ast.stmt, ...], entered: frozenset[int]
    ) -> None:
        if id(node) in entered:
            raise frame.error(
                node,
                f"`while {frame.spell(node.test)}` can go round without a yield.",
                "An atomic step must end, and nothing bounds this loop.",
                "Yield in every round.",
            )
        again = entered | {id(node)}
        round_again = (*node.body, node, *after)
        if isinstance(node.test, ast.Constant) and node.test.value is True:
            self._go(frame, round_again, again)
            return
        self._branch(frame, node, round_again, after, again)

    def _branch(
        self,
        frame: Frame,
        node: ast.If | ast.While,
        then: tuple[ast.stmt, ...],
        otherwise: tuple[ast.stmt, ...],
        entered: frozenset[int],
    ) -> None:
        statements.branch(
            frame,
            node,
            lambda: self._go(frame, then, entered),
            lambda: self._go(frame, otherwise, entered),
        )

    def _label(self, node: ast.Yield) -> str:
        places = [(n.lineno, n.col_offset) for n in yields(self.thread.source.tree.body)]
        return self.thread.labels[places.index((node.lineno, node.col_offset))]


def _stops(node: ast.If) -> bool:
    stops = (ast.Yield, ast.Return, ast.While)
    return any(isinstance(inner, stops) for inner in ast.walk(node))
