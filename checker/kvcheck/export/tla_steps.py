"""IR statements as one TLA+ action: sequential assignment as a chain of values of each variable.

It decides how a body becomes conjuncts; the terms in it come from `tla_terms`. A statement that
writes makes the variable's next value; the last one is the primed variable itself (the plain one
in `Init`), so that later reads, which IR lets see earlier writes, read the right link of the chain.
Links are bound by `\\E v \\in {e} :` where one would write `LET v == e IN`, because TLC evaluates
the first once and the second at each use, which is exponential along a chain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kvcheck.export.tla_names import Names, comment, string
from kvcheck.export.tla_terms import Terms, Vocabulary
from kvspec.lang.ir import (
    Action,
    Assert,
    Assign,
    Expr,
    Fill,
    ForEach,
    If,
    Let,
    Literal,
    Local,
    Pop,
    Push,
    Remove,
    Require,
    SetMember,
    Statement,
    Values,
    Variable,
)
from kvspec.lang.types import BoolType, FifoType, IntType, RecordType, ScalarType, SetType

Write = Assign | Push | Pop | Remove | SetMember | Fill
LINK = re.compile("\ue000([^\ue001]*)\ue001")


@dataclass(slots=True)
class Conjunct:
    """A term that must hold; `note` is a comment beside it."""

    text: str
    note: str = ""


@dataclass(slots=True)
class Binding:
    """A name for a value in all that follows; `once`: evaluated exactly once, here."""

    name: str
    text: str
    once: bool


@dataclass(slots=True)
class NextValue:
    """The next link of a variable's chain; under `path`, and the previous link where it is false.

    `token` stands for the link's name until the chain's end is known.
    """

    variable: str
    token: str
    previous: str
    path: str
    updates: list[tuple[str, str]] = field(default_factory=list)

    def text(self) -> str:
        """The link's value in terms of the previous link."""
        if all(index == "" for index, _ in self.updates):
            value = self.previous
            for _, update in self.updates:
                value = update.replace("@", value)
        else:
            pairs = ", ".join(f"!{index} = {update}" for index, update in self.updates)
            value = f"[{self.previous} EXCEPT {pairs}]"
        return f"(IF {self.path} THEN {value} ELSE {self.previous})" if self.path else value


Item = Conjunct | Binding | NextValue


class Steps:
    """One body being written; `path` is the condition under which the present statement runs."""

    def __init__(self, action: Action, vocabulary: Vocabulary, cells: dict[str, str]) -> None:
        self.action = action
        self.names = Names(vocabulary.names)
        self.terms = Terms(vocabulary, cells, self.names)
        self.vocabulary = vocabulary
        self.items: list[Item] = []
        self.path = ""
        self._links = dict.fromkeys(cells, 0)
        self.parameters = tuple(self._parameter(p) for p in action.parameters)

    def _parameter(self, local: Local) -> tuple[str, str]:
        name = self.terms.locals[local.name] = self.names.fresh(local.name)
        return name, self.vocabulary.values(local.type)

    def run(self, statements: Sequence[Statement]) -> None:
        """Write the statements in order."""
        for statement in statements:
            self._one(statement)

    def _one(self, statement: Statement) -> None:
        match statement:
            case Let(local=local, value=value):
                name = self.names.fresh(local.name)
                self.items.append(Binding(name, self._as(local.type, value), once=False))
                self.terms.locals[local.name] = name
            case Require(label=label, condition=condition):
                text = self.terms.truth(condition)
                self.items.append(Conjunct(self._if_here(text), note=label))
            case Assert(message=message, condition=condition):
                says = string(f"{self.action.name}: {message}")
                text = f"Assert({self.terms.truth(condition)}, {says})"
                self.items.append(Conjunct(self._if_here(text)))
            case If():
                self._if(statement)
            case ForEach():
                self._for_each(statement)
            case _:
                self._write(statement)

    def _if_here(self, text: str) -> str:
        return f"(IF {self.path} THEN {text} ELSE TRUE)" if self.path else text

    def _as(self, kind: ScalarType, value: Expr) -> str:
        if isinstance(kind, BoolType):
            return self.terms.truth(value)
        return self.terms.number(value) if isinstance(kind, IntType) else self.terms.term(value)

    def is_written(self, variable: str) -> bool:
        """Whether some statement wrote the variable."""
        return self._links[variable] > 0

    def keep(self, variable: str) -> None:
        """End the variable's chain with the value it has."""
        self._link(variable, [("", "@")])

    # ---- control

    def _if(self, statement: If) -> None:
        outer = self.path
        taken = self._condition(self.terms.truth(statement.condition), "taken")
        before = dict(self.terms.locals)
        self.path = taken
        self.run(statement.then)
        after_then = self.terms.locals
        self.terms.locals = dict(before)
        if statement.otherwise:
            self.path = outer
            left = f"(~{taken})"
            self.path = self._condition(left, "skipped") if outer else left
            self.run(statement.otherwise)
        self.path = outer
        self._merge(taken, before, after_then, self.terms.locals)

    def _condition(self, text: str, stem: str) -> str:
        """A name for the condition, false where the present statement does not run."""
        if not self.path and text.isidentifier():
            return text
        name = self.names.fresh(stem)
        guarded = f"({self.path} /\\ {text})" if self.path else text
        self.items.append(Binding(name, guarded, once=True))
        return name

    def _merge(
        self, taken: str, before: dict[str, str], then: dict[str, str], otherwise: dict[str, str]
    ) -> None:
        """What the locals bound in the branches stand for after them.

        A local that only one branch bound is read only where that branch ran.
        """
        merged = dict(before)
        for name in dict.fromkeys([*then, *otherwise]):
            left, right = then.get(name), otherwise.get(name)
            if left is None or right is None or left == right:
                merged[name] = left or right or name
                continue
            merged[name] = self.names.fresh(name)
            text = f"(IF {taken} THEN {left} ELSE {right})"
            self.items.append(Binding(merged[name], text, once=False))
        self.terms.locals = merged

    def _for_each(self, statement: ForEach) -> None:
        outer_path, outer_locals = self.path, dict(self.terms.locals)
        kind = statement.bound.type
        if isinstance(statement.domain, Values):
            for value in range(kind.low, kind.high + 1):
                self._iteration(statement, self.vocabulary.literal(kind, value), outer_locals)
            return
        queue = statement.domain.variable.leaf
        assert isinstance(queue, FifoType)
        cell = self.terms.cell(statement.domain.variable, statement.domain.index)
        length = self.names.fresh("length")
        count = f"(IF {outer_path} THEN Len({cell}) ELSE 0)" if outer_path else f"Len({cell})"
        self.items.append(Binding(length, count, once=True))
        for place in range(queue.capacity):
            self.path = f"({place} < {length})"
            self._iteration(statement, str(place), outer_locals)
        self.path = outer_path

    def _iteration(self, statement: ForEach, value: str, outer: dict[str, str]) -> None:
        self.terms.locals = {**outer, statement.bound.name: value}
        self.run(statement.body)
        self.terms.locals = dict(outer)

    # ---- writes

    def _write(self, statement: Write) -> None:
        variable = statement.variable
        index, update = self.terms.brackets(statement.index), self._update(statement)
        present = self.terms.cells[variable.name]
        last = self.items[-1] if self.items else None
        if (
            isinstance(last, NextValue)
            and (last.token, last.path) == (present, self.path)
            and present not in index + update
            and index
        ):
            last.updates.append((index, update))
            return
        self._link(variable.name, [(index, update)])

    def _link(self, variable: str, updates: list[tuple[str, str]]) -> None:
        self._links[variable] += 1
        token = f"\ue000{variable}:{self._links[variable]}\ue001"
        previous = self.terms.cells[variable]
        self.items.append(NextValue(variable, token, previous, self.path, updates))
        self.terms.cells[variable] = token

    def _update(self, statement: Write) -> str:
        """The cell's new value, `@` its old one."""
        terms = self.terms
        match statement:
            case Assign(variable=Variable(leaf=leaf), value=value):
                assert not isinstance(leaf, FifoType | SetType)
                return self._as(leaf, value)
            case Push(variable=Variable(leaf=FifoType(element=element)), fields=fields):
                return f"Append(@, {self._element(element, fields)})"
            case Pop():
                return "Tail(@)"
            case Remove(element=removed):
                gone, other = terms.term(removed), self.names.fresh("other")
                self.names.release(other)
                return f"SelectSeq(@, LAMBDA {other} : {other} # {gone})"
            case SetMember(element=member, present=present):
                one = f"{{{terms.term(member)}}}"
                if isinstance(present, Literal):
                    return f"(@ \\union {one})" if present.value else f"(@ \\ {one})"
                return f"(IF {terms.truth(present)} THEN (@ \\union {one}) ELSE (@ \\ {one}))"
            case Fill():
                return self._filled(statement)
        raise TypeError(f"no TLA+ for {statement}")

    def _element(self, element: ScalarType | RecordType, fields: Sequence[Expr]) -> str:
        if not isinstance(element, RecordType):
            return self._as(element, fields[0])
        pairs = zip(element.fields, fields, strict=True)
        return "[" + ", ".join(f"{n} |-> {self._as(t, x)}" for (n, t), x in pairs) + "]"

    def _filled(self, statement: Fill) -> str:
        kind, bound = statement.bound.type, statement.bound.name
        outer, name = self.terms.locals, self.names.fresh(bound)
        self.terms.locals = {**outer, bound: name}
        condition = self.terms.truth(statement.condition)
        self.terms.locals = outer
        self.names.release(name)
        everything = ", ".join(
            self.vocabulary.literal(kind, value) for value in range(kind.low, kind.high + 1)
        )
        return f"SelectSeq(<<{everything}>>, LAMBDA {name} : {condition})"


def written_action(steps: Steps, *, target: Callable[[str], str]) -> list[str]:
    """The lines of the finished body; `target` names where a chain's last value goes."""
    last = {i.variable: i.token for i in steps.items if isinstance(i, NextValue)}
    spelled: dict[str, str] = {}
    for item in steps.items:
        if isinstance(item, NextValue):
            final = last[item.variable] == item.token
            name = target(item.variable) if final else steps.names.fresh(item.variable)
            spelled[item.token] = name
    return list(_lines(_settled(steps.items, spelled, last), indent="  "))


def _settled(
    items: Iterable[Item], spelled: dict[str, str], last: dict[str, str]
) -> Iterator[Conjunct | Binding]:
    """Every link under its own name: the last of a chain a conjunct, the others bindings."""
    for item in items:
        if isinstance(item, NextValue):
            name, text = spelled[item.token], _spell(item.text(), spelled)
            if last[item.variable] == item.token:
                yield Conjunct(f"{name} = {text}")
            else:
                yield Binding(name, text, once=True)
        elif isinstance(item, Binding):
            yield Binding(item.name, _spell(item.text, spelled), item.once)
        else:
            yield Conjunct(_spell(item.text, spelled), item.note)


def _spell(text: str, spelled: dict[str, str]) -> str:
    return LINK.sub(lambda found: spelled[found.group()], text)


def _lines(items: Iterable[Conjunct | Binding], *, indent: str) -> Iterator[str]:
    """One item a line; what follows a binding stands one level deeper, in its scope."""
    bullet = "/\\ "
    for item in items:
        if isinstance(item, Conjunct):
            note = f"  \\* {comment(item.note)}" if item.note else ""
            yield f"{indent}/\\ {item.text}{note}"
            bullet = "/\\ "
            continue
        opening = f"\\E {item.name} \\in {{{item.text}}} :"
        yield f"{indent}{bullet}" + (opening if item.once else f"LET {item.name} == {item.text} IN")
        if bullet:
            indent += "   "
        bullet = ""
