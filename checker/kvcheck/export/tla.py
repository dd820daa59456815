"""A model as a TLA+ module and the TLC configuration that checks it: a second opinion on ours.

It decides the text only; nobody runs TLC here. The module is one instance: sizes are definitions.
TLC finds exactly our distinct states, because a step of ours is a step of `Next` and a state of
ours is an assignment of the same variables; its deadlock check is ours too, because a state in
which the model may end gets a step that changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass

from kvcheck.export.tla_names import Names, comment
from kvcheck.export.tla_steps import Steps, written_action
from kvcheck.export.tla_terms import Terms, Vocabulary
from kvspec.lang.ir import Action, Constant, Model, Property, PropertyKind
from kvspec.lang.state import row_indices, row_number
from kvspec.lang.types import (
    EnumType,
    FifoType,
    LeafType,
    ScalarType,
    SetType,
    SortType,
)


@dataclass(frozen=True, slots=True)
class TlaModule:
    """`text` belongs in `name`.tla and `cfg` in `name`.cfg."""

    name: str
    text: str
    cfg: str


def export_tla(model: Model) -> TlaModule:
    """The model as TLA+; every construct of the IR has a translation."""
    return _Export(model).module()


class _Export:
    """One module in the making: names are settled first, then everything is written once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.names = Names()
        self.name = self.names.fresh(model.name)
        self.variables = {v.name: self.names.fresh(v.name) for v in model.variables}
        self.actions = {a.name: self.names.fresh(a.name) for a in model.actions}
        self.properties = {p.name: self.names.fresh(p.name) for p in model.properties}
        self.fixed = {
            name: self.names.fresh(name)
            for name in ("vars", "TypeOK", "Init", "Next", "Spec", "MayEnd", "Unreached")
        }
        self.types = dict(_named_types(model))
        self.vocabulary = self._vocabulary()

    def _vocabulary(self) -> Vocabulary:
        fresh = self.names.fresh
        sorts = {n for n, t in self.types.items() if isinstance(t, SortType)}
        members = {
            name: tuple(fresh(f"{name}_{member}") for member in kind.members)
            for name, kind in self.types.items()
            if isinstance(kind, EnumType)
        }
        return Vocabulary(
            names=self.names,
            types={name: fresh(name) for name in self.types},
            sizes={n: fresh(f"{n}Count" if n in sorts else n) for n, _ in self.model.sizes},
            members=members,
            constants={c.name: fresh(c.name) for c in self.model.constants},
            elements=fresh("Elements"),
            least=fresh("Least"),
            total=fresh("Total"),
        )

    def module(self) -> TlaModule:
        sections = (
            self._head(),
            self._definitions(),
            self._helpers(),
            self._variables(),
            self._body(self.fixed["Init"], self.model.init, prime=""),
            *(self._body(self.actions[a.name], a, prime="'") for a in self.model.actions),
            self._next(),
            self._properties(),
            ["=" * 78],
        )
        text = "\n\n".join("\n".join(section) for section in map(list, sections) if section)
        return TlaModule(self.name, text + "\n", "\n".join(self._cfg()) + "\n")

    # ---- the module's parts

    def _head(self) -> Iterator[str]:
        title = f" MODULE {self.name} "
        yield title.center(78, "-")
        yield f"\\* {comment(self.model.sentence)}"
        sizes = ", ".join(f"{name} = {value}" for name, value in self.model.sizes)
        yield f"\\* Made from the spec at {sizes or 'its only size'}; do not edit."
        yield "EXTENDS Integers, Sequences, FiniteSets, TLC"

    def _definitions(self) -> Iterator[str]:
        words = self.vocabulary
        for size, value in self.model.sizes:
            yield f"{words.sizes[size]} == {value}"
        for name, kind in self.types.items():
            if isinstance(kind, EnumType):
                for number, member in enumerate(words.members[name]):
                    yield f"{member} == {number}"
            top = f"({words.sizes[name]} - 1)" if name in words.sizes else str(kind.high)
            yield f"{words.types[name]} == 0 .. {top}"
        for constant in self.model.constants:
            yield f"{words.constants[constant.name]} == {self._table(constant, ())}"

    def _table(self, constant: Constant, index: tuple[int, ...]) -> str:
        if len(index) == len(constant.dims):
            value = constant.table[row_number(constant.dims, index)]
            return self.vocabulary.literal(constant.type, value)
        dim = constant.dims[len(index)]
        pairs = (
            f"{self.vocabulary.literal(dim, value)} :> {self._table(constant, (*index, value))}"
            for value in sorted({i[0] for i in row_indices((dim,))})
        )
        return "(" + " @@ ".join(pairs) + ")"

    def _helpers(self) -> Iterator[str]:
        words, inner = self.vocabulary, Names(self.names)
        queue, i, values, x, y, moot, f = (
            inner.fresh(n) for n in ("queue", "i", "values", "x", "y", "moot", "f")
        )
        yield f"{words.elements}({queue}) == {{{queue}[{i}] : {i} \\in DOMAIN {queue}}}"
        yield f"{words.least}({values}, {moot}) =="
        yield f"  IF {values} = {{}} THEN {moot}"
        yield f"  ELSE CHOOSE {x} \\in {values} : \\A {y} \\in {values} : {x} <= {y}"
        yield f"RECURSIVE {words.total}(_)"
        yield f"{words.total}({f}) =="
        yield f"  IF DOMAIN {f} = {{}} THEN 0"
        yield f"  ELSE LET {x} == CHOOSE {y} \\in DOMAIN {f} : TRUE"
        yield f"       IN {f}[{x}] + {words.total}([{y} \\in DOMAIN {f} \\ {{{x}}} |-> {f}[{y}]])"

    def _variables(self) -> Iterator[str]:
        names = list(self.variables.values())
        if not names:
            raise ValueError(f"{self.model.name} has no state variable, and TLA+ needs one")
        yield f"VARIABLES {', '.join(names)}"
        yield f"{self.fixed['vars']} == <<{', '.join(names)}>>"
        yield ""
        yield f"{self.fixed['TypeOK']} =="
        for variable in self.model.variables:
            name, inner = self.variables[variable.name], Names(self.names)
            yield f"  /\\ {name} \\in {self._type(variable.dims, variable.leaf)}"
            if isinstance(variable.leaf, FifoType):
                keys = [inner.fresh("i") for _ in variable.dims]
                scope = "".join(
                    f"\\A {key} \\in {self.vocabulary.values(dim)} : "
                    for key, dim in zip(keys, variable.dims, strict=True)
                )
                cell = name + "".join(f"[{key}]" for key in keys)
                yield f"  /\\ {scope}Len({cell}) <= {variable.leaf.capacity}"

    def _type(self, dims: Sequence[ScalarType], leaf: LeafType) -> str:
        words = self.vocabulary
        if isinstance(leaf, FifoType):
            text = f"Seq({words.element_set(leaf.element)})"
        elif isinstance(leaf, SetType):
            text = f"SUBSET {words.values(leaf.element)}"
        else:
            text = words.values(leaf)
        for dim in reversed(dims):
            text = f"[{words.values(dim)} -> {text}]"
        return text

    def _body(self, name: str, action: Action, *, prime: str) -> Iterator[str]:
        steps = Steps(action, self.vocabulary, dict(self.variables))
        unwritten: list[str] = []
        if not prime:
            for variable in self.model.variables:
                blank = self.vocabulary.blank(variable, steps.names)
                steps.terms.cells[variable.name] = blank
        steps.run(action.body)
        for variable in self.model.variables:
            if steps.is_written(variable.name):
                continue
            if prime:
                unwritten.append(self.variables[variable.name])
            else:
                steps.keep(variable.name)
        yield f"\\* {comment(action.sentence)}" if action.sentence else "\\*"
        parameters = f"({', '.join(p for p, _ in steps.parameters)})" if prime else ""
        yield f"{name}{parameters if steps.parameters else ''} =="
        indent = "  "
        if not prime:
            for parameter, values in steps.parameters:
                yield f"  \\E {parameter} \\in {values} :"
        yield from written_action(steps, target=lambda n: f"{self.variables[n]}{prime}")
        if unwritten:
            yield f"{indent}/\\ UNCHANGED <<{', '.join(unwritten)}>>"

    def _next(self) -> Iterator[str]:
        terminal = self.model.of_kind(PropertyKind.TERMINAL)
        if terminal:
            yield "\\* Where the model may end, a step that changes nothing keeps TLC content."
            yield f"{self.fixed['MayEnd']} =="
            either = " \\/ ".join(self._formula(p) for p in terminal)
            yield f"  /\\ ({either})"
            yield f"  /\\ UNCHANGED {self.fixed['vars']}"
            yield ""
        yield f"{self.fixed['Next']} =="
        for action in self.model.actions:
            yield f"  \\/ {self._call(action)}"
        if terminal:
            yield f"  \\/ {self.fixed['MayEnd']}"
        if not terminal and not self.model.actions:
            yield f"  FALSE /\\ UNCHANGED {self.fixed['vars']}"
        yield ""
        init, step, variables = (self.fixed[n] for n in ("Init", "Next", "vars"))
        yield f"{self.fixed['Spec']} == {init} /\\ [][{step}]_{variables}"

    def _call(self, action: Action) -> str:
        steps = Steps(action, self.vocabulary, dict(self.variables))
        scope = "".join(f"\\E {name} \\in {values} : " for name, values in steps.parameters)
        arguments = ", ".join(name for name, _ in steps.parameters)
        return f"{scope}{self.actions[action.name]}" + (f"({arguments})" if arguments else "")

    def _properties(self) -> Iterator[str]:
        for prop in self.model.properties:
            name, formula = self.properties[prop.name], self._formula(prop)
            if prop.kind is PropertyKind.TERMINAL:
                continue
            note = f"{prop.id}: {prop.sentence}" if prop.id else prop.sentence
            yield f"\\* {comment(note)}"
            if prop.kind is PropertyKind.ASSUMPTION:
                yield f"ASSUME {formula}"
            elif prop.kind is PropertyKind.GOAL:
                yield f"{name} == {formula}"
                yield f"{self._unreached(prop)} == ~{name}"
            else:
                yield f"{name} == {formula}"

    def _unreached(self, prop: Property) -> str:
        return f"{self.fixed['Unreached']}_{self.properties[prop.name]}"

    def _formula(self, prop: Property) -> str:
        terms = Terms(self.vocabulary, dict(self.variables), Names(self.names))
        return terms.term(prop.formula)

    def _cfg(self) -> Iterator[str]:
        yield f"SPECIFICATION {self.fixed['Spec']}"
        yield f"INVARIANT {self.fixed['TypeOK']}"
        for prop in self.model.of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA):
            yield f"INVARIANT {self.properties[prop.name]}"
        for prop in self.model.of_kind(PropertyKind.GOAL):
            yield "\\* TLC refutes the next line exactly if the goal can be reached:"
            yield f"\\* INVARIANT {self._unreached(prop)}"


def _named_types(model: Model) -> Iterator[tuple[str, SortType | EnumType]]:
    """Every sort and enum that occurs anywhere in the model by its name, in order of first use."""
    seen: dict[int, object] = {}
    found: dict[str, SortType | EnumType] = {}

    def visit(part: object) -> None:
        if id(part) in seen:
            return
        seen[id(part)] = part
        if isinstance(part, SortType | EnumType):
            found.setdefault(part.name, part)
        elif isinstance(part, tuple):
            for inner in part:
                visit(inner)
        elif is_dataclass(part):
            for each in fields(part):
                visit(getattr(part, each.name))

    visit(model)
    yield from found.items()
