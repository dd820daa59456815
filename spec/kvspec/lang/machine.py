"""A machine: the class an author subclasses, and its translation to a model.

It decides what belongs to a machine (annotations, marked methods, bases first, overrides in place)
and traces each once; it runs nothing, but for checking an instance's constants. A variant design is
a subclass that overrides a method; an override keeps the mark of what it overrides.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import get_type_hints

from kvspec.lang import statements, threads
from kvspec.lang.concrete import holds
from kvspec.lang.declarations import Declaration, Resolver, constant_of, declarations, variables_of
from kvspec.lang.errors import SpecError
from kvspec.lang.frame import Emission, Frame, Unit
from kvspec.lang.ghosts import check_ghosts
from kvspec.lang.ir import (
    Action,
    Constant,
    Expr,
    Let,
    Local,
    Measured,
    Model,
    Promise,
    Property,
    PropertyKind,
    Require,
)
from kvspec.lang.marks import Mark, Role, mark_of
from kvspec.lang.sorts import is_sort
from kvspec.lang.sources import Library
from kvspec.lang.types import BoolType, IntType, ScalarType, value_count
from kvspec.lang.values import Helper, Itself, Value, is_expression, kind_name


class Machine:
    """A design or a bug: annotate its state, mark its methods, and give it an `instance`."""

    @classmethod
    def instance(cls) -> Model:
        """The model at given sizes; override with keyword sizes that have defaults."""
        raise NotImplementedError(f"{cls.__name__} defines no `instance`")

    @classmethod
    def trace(
        cls, *, sizes: Mapping[str, int], constants: Mapping[str, Iterable[object]] | None = None
    ) -> Model:
        """The model of this machine for these sizes and constant tables; raises SpecError."""
        return _Tracer(cls, sizes, constants or {}).model()


def members(machine: type) -> dict[str, tuple[Helper, Mark]]:
    """The marked methods by name: bases first, each in the class that has the last word."""
    found: dict[str, tuple[Helper, Mark]] = {}
    marks: dict[str, Mark] = {}
    for owner in reversed(machine.__mro__):
        for name, member in vars(owner).items():
            mark = mark_of(member) or marks.get(name)
            if mark is not None and inspect.isfunction(member):
                marks[name] = mark
                found[name] = (Helper(name, member, owner), mark)
    return found


class _Tracer:
    def __init__(
        self, machine: type, sizes: Mapping[str, int], tables: Mapping[str, Iterable[object]]
    ) -> None:
        self.machine, self.sizes = machine, dict(sizes)
        self._check_sizes()
        self.resolver = Resolver(self.sizes)
        self.library = Library()
        self.declared = declarations(machine, self.resolver, self.library)
        self.constants = {
            d.name: self._constant(d, tables) for d in self.declared if _is_constant(d)
        }
        self.members = members(machine)

    def _check_sizes(self) -> None:
        for name, size in self.sizes.items():
            if not isinstance(size, int) or size < 0:
                raise SpecError(
                    f"The size {name} of {self.machine.__name__} is {size!r}.",
                    cause="A size is a count.",
                    mend="Give an integer of 0 or more.",
                )

    def _constant(self, declared: Declaration, tables: Mapping[str, Iterable[object]]) -> Constant:
        if declared.name not in tables:
            raise SpecError(
                f"The instance gives no table for the constant {declared.name}.",
                cause="Every Constant needs its values.",
                mend=f"Pass constants={{{declared.name!r}: [...]}} to `trace` in `instance`.",
                at=declared.at,
            )
        constant = constant_of(declared, tables[declared.name])
        rows = 1
        for dim in constant.dims:
            rows *= value_count(dim)
        kind = constant.type
        outside = [v for v in constant.table if not kind.low <= v <= kind.high]
        if len(constant.table) != rows or outside:
            raise SpecError(
                f"The table of {declared.name} has {len(constant.table)} values, {outside} outside "
                f"its type.",
                cause=f"It needs exactly {rows}, each from {kind.low} to {kind.high}.",
                mend="Change the table in `instance`.",
                at=declared.at,
            )
        return constant

    # ---- the model

    def model(self) -> Model:
        variables = [v for d in self.declared for v in variables_of(d)]
        cut = [
            threads.read_thread(self.library, self.sizes, helper, self._parameters(helper))
            for helper, mark in self.members.values()
            if mark.role is Role.THREAD
        ]
        own = [v for t in cut for v in (t.counter, *t.own.values())]
        named = {v.name: v for v in (*variables, *own)}
        declared = {d.name: d for d in self.declared}
        unit = Unit(self.machine, self.sizes, declared, named, self.constants, self.library)
        actions = [*self._actions(unit)]
        for thread in cut:
            actions += threads.steps_of(unit, thread)
        unit = replace(unit, threads={t.name: t.whereabouts(actions) for t in cut})
        model = Model(
            self.machine.__name__,
            sentence_of(self.machine, self.machine.__name__),
            tuple(sorted(self.sizes.items())),
            self._sorts(),
            tuple(self.constants.values()),
            (*variables, *own),
            self._init(unit),
            tuple(actions),
            tuple(self._properties(unit)),
            tuple(self._promises(unit, actions)),
        )
        self._check(model)
        return model

    def _check(self, model: Model) -> None:
        if not model.actions:
            raise SpecError(
                f"{model.name} has no @action and no @thread.",
                cause="A machine that can do nothing holds every invariant.",
                mend="Mark at least one method with @action.",
            )
        check_ghosts(model)
        for assumption in model.of_kind(PropertyKind.ASSUMPTION):
            if not holds(model, assumption, tuple((0,) * v.row_count for v in model.variables)):
                raise SpecError(
                    f"The constants of this instance break the assumption {assumption.name}.",
                    cause=assumption.sentence,
                    mend="Change the tables that `instance` passes.",
                    at=assumption.at,
                )

    def _sorts(self) -> tuple[str, ...]:
        scopes = [vars(inspect.getmodule(c)) for c in self.machine.__mro__ if c is not object]
        known = {v.__name__ for scope in scopes for v in scope.values() if is_sort(v)}
        found = tuple(name for name in self.sizes if name in known)
        for name in found:
            if self.sizes[name] == 0:
                raise SpecError(
                    f"This instance of {self.machine.__name__} has no {name} at all.",
                    cause="What is said of every one of none is true, and says nothing.",
                    mend="Give the sort a size of 1 or more; named sizes may be 0.",
                )
        return found

    def _frame(self, unit: Unit, helper: Helper, parameters: Iterable[Local]) -> Frame:
        names: dict[str, Value] = {"self": Itself.SELF}
        emission = Emission()
        for parameter in parameters:
            names[emission.fresh(parameter.name)] = parameter
        source = self.library.method(helper.function)
        return Frame(unit, source, emission, names, owner=helper.owner)

    def _parameters(self, helper: Helper) -> tuple[Local, ...]:
        source = self.library.method(helper.function)
        hints = get_type_hints(helper.function, include_extras=True)
        found = []
        for argument in source.tree.args.args[1:]:
            self.resolver.at = source.at(argument)
            if argument.arg not in hints:
                raise SpecError(
                    f"The parameter {argument.arg} of {helper.name} has no type.",
                    cause="An action is tried with every value of its parameters.",
                    mend=f"Annotate it, as in `{argument.arg}: Block`.",
                    at=self.resolver.at,
                )
            found.append(Local(argument.arg, self.resolver.scalar(hints[argument.arg])))
        return tuple(found)

    def _step(self, unit: Unit, helper: Helper) -> Action:
        parameters = self._parameters(helper)
        frame = self._frame(unit, helper, parameters)
        statements.run(frame, frame.source.tree.body)
        body = tuple(frame.emission.blocks[0])
        sentence = sentence_of(helper.function, helper.name)
        at = frame.source.at(frame.source.tree)
        return Action(helper.name, parameters, body, sentence, at)

    def _actions(self, unit: Unit) -> Iterator[Action]:
        for helper, mark in self.members.values():
            if mark.role is Role.ACTION:
                yield self._step(unit, helper)

    def _init(self, unit: Unit) -> Action:
        found = [h for h, mark in self.members.values() if mark.role is Role.INIT]
        if len(found) != 1:
            raise SpecError(
                f"{self.machine.__name__} has {len(found)} methods marked @init.",
                cause="An instance starts in one way (with free choices as parameters).",
                mend="Mark exactly one method with @init.",
            )
        return self._step(unit, found[0])

    def _properties(self, unit: Unit) -> Iterator[Property]:
        for helper, mark in self.members.values():
            if mark.role is not Role.PROPERTY:
                continue
            frame = self._frame(unit, helper, ())
            frame.pure = frame.is_fact = True
            formula = _formula(frame, helper)
            at = frame.source.at(frame.source.tree)
            sentence = sentence_of(helper.function, helper.name)
            yield Property(
                helper.name, mark.kind, formula, sentence, at, mark.id, mark.why, mark.strength
            )

    def _promises(self, unit: Unit, actions: Iterable[Action]) -> Iterator[Promise]:
        known = {name for a in actions for name in (a.name, a.thread) if name}
        for helper, mark in self.members.values():
            if mark.role is not Role.PROMISE:
                continue
            parameters = self._parameters(helper)
            frame = self._frame(unit, helper, parameters)
            frame.is_fact = True
            formula = _formula(frame, helper)
            begins = []
            for statement in frame.emission.blocks[0]:
                if not isinstance(statement, Let | Require):
                    raise frame.error(
                        frame.source.tree,
                        f"{helper.name} does more than `require` and return.",
                        "A promise is about states, and changes none.",
                        "Say with `require` when it begins, and return what must come of it.",
                    )
                begins.append(statement)
            for name in (*mark.weak, *mark.strong):
                if name not in known:
                    raise frame.error(
                        frame.source.tree,
                        f"{helper.name} asks fairness of {name!r}, which is no action or thread.",
                        f"There are {', '.join(sorted(known))}.",
                        "Name one of them.",
                    )
            at = frame.source.at(frame.source.tree)
            sentence = sentence_of(helper.function, helper.name)
            yield Promise(
                helper.name,
                parameters,
                tuple(begins),
                formula,
                mark.weak,
                mark.strong,
                sentence,
                at,
                mark.id,
                mark.why,
                tuple(self._measured(unit, frame, name, parameters) for name in mark.measure),
                self._relied_on(frame, helper.name, mark),
            )

    def _relied_on(self, frame: Frame, name: str, mark: Mark) -> str:
        """A promise whose fairness this one has, too, and that needs no third."""
        if not mark.relies_on:
            return ""
        helper, other = self.members.get(mark.relies_on, (None, None))
        is_one = other is not None and other.role is Role.PROMISE and not other.relies_on
        if not is_one or helper is None or self._parameters(helper):
            raise frame.error(
                frame.source.tree,
                f"{name} relies on {mark.relies_on!r}, which is no promise that it can rely on.",
                "It must be another promise of the machine, without parameters, and rely on none.",
                "Name such a promise.",
            )
        assert other is not None
        is_fair = {*other.weak} <= {*mark.weak, *mark.strong} and {*other.strong} <= {*mark.strong}
        if not is_fair:
            raise frame.error(
                frame.source.tree,
                f"{name} relies on {mark.relies_on}, which asks more fairness than it does.",
                "A run that is fair enough for the one need not keep the other.",
                "Ask for the same fairness, or more.",
            )
        return mark.relies_on

    def _measured(
        self, unit: Unit, promise: Frame, name: str, parameters: tuple[Local, ...]
    ) -> Measured:
        owner = next((c for c in self.machine.__mro__ if name in vars(c)), self.machine)
        function = vars(owner).get(name)
        if not inspect.isfunction(function):
            raise promise.error(
                promise.source.tree,
                f"{name!r} measures nothing: {self.machine.__name__} has no such method.",
                "A measure is named, and its method returns a number.",
                "Name a method of the machine.",
            )
        helper = Helper(name, function, owner)
        own = self._parameters(helper)
        if own not in ((), parameters):
            raise promise.error(
                promise.source.tree,
                f"{name} has other parameters than its promise.",
                "It is how far off one promise is, so it is about the same things.",
                "Give it the promise's parameters, or none.",
            )
        frame = self._frame(unit, helper, own)
        frame.pure = frame.is_fact = True
        ended = statements.run(frame, frame.source.tree.body)
        value = ended.value if ended else None
        kind = value.type if is_expression(value) else None  # type: ignore[union-attr]
        if not isinstance(kind, BoolType | IntType):
            raise frame.error(
                frame.source.tree,
                f"{name} returns {kind_name(value)}, which is no number.",
                "What goes down is a number, or a fact that counts 0 or 1.",
                "Return one.",
            )
        label = sentence_of(function, name)
        at = frame.source.at(frame.source.tree)
        return Measured(label, value, at)  # type: ignore[arg-type]  # an expression, see above


def _formula(frame: Frame, helper: Helper) -> Expr:
    ended = statements.run(frame, frame.source.tree.body)
    formula = ended.value if ended else None
    if not is_expression(formula) or not isinstance(formula.type, BoolType):  # type: ignore[union-attr]
        raise frame.error(
            frame.source.tree,
            f"{helper.name} returns {kind_name(formula)}, not a bool.",
            "A property is true or false of each state.",
            "Return its formula.",
        )
    return formula  # type: ignore[return-value]  # an expression, by the check above


def _is_constant(declared: Declaration) -> bool:
    return bool(getattr(declared.shape, "constant", False))


def sentence_of(documented: type | Callable[..., object], name: str) -> str:
    """The first paragraph of a docstring, or the name in words."""
    text = inspect.cleandoc(documented.__doc__ or "")
    first = " ".join(text.split("\n\n")[0].split())
    return first or name.replace("_", " ")


__all__ = ["Machine", "ScalarType", "members", "sentence_of"]
