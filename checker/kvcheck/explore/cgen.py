"""A model as C source: what `engine.c` and `claims.c` need to search it.

It decides the text; `native` compiles it. One function an action runs through the parameters with
the guard tested as far out as it goes, and writes every successor; a closed guard is one `goto`.
All locals of an action are declared at its top, because the spec scopes them to the action.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from kvcheck.explore.cexpr import CExpressions, mask_of, ones_of, place_row, plus
from kvcheck.explore.layout import LENGTH, Layout
from kvcheck.explore.plan import Plan, hoisted, in_order, let_locals
from kvcheck.explore.pyexpr import local_name, minus
from kvcheck.explore.ranges import interval, is_checked
from kvcheck.explore.sites import Sites, combinations
from kvspec.lang.ir import (
    Assert,
    Assign,
    Expr,
    Fill,
    ForEach,
    If,
    Let,
    Model,
    Pop,
    Property,
    Push,
    Remove,
    Require,
    SetMember,
    Statement,
)
from kvspec.lang.types import FifoType, SetType, value_count

MASK_MAX = 64
"""The engine keeps a set of properties, and one of actions, in a word each."""


class _Writer:
    def __init__(self, layout: Layout, sites: Sites, counted: bool) -> None:
        self.layout, self.sites, self.counted = layout, sites, counted
        self.model = layout.model
        self.lines: list[str] = []
        self.depth = self.number = 0
        self.combination = self.leave = ""
        self.expressions = CExpressions(layout)

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    @contextmanager
    def block(self, head: str, tail: str = "}") -> Iterator[None]:
        self.line(head + " {")
        self.depth += 1
        yield
        self.depth -= 1
        self.line(tail)

    def load(self) -> None:
        for k in range(self.layout.words):
            self.line(f"const u64 s{k} = s[{k}]; (void)s{k};")
        self.expressions.word = "s"

    # ---- an action

    def action(self, number: int, plan: Plan) -> None:
        action, self.number = plan.action, number
        head = f"static u64 action_{number}(Thread *t, const u64 *s, u64 *out)"
        with self.block(head):
            self.load()
            names = dict.fromkeys(local_name(x.name) for x in let_locals(action.body))
            for name in names:
                self.line(f"i64 {name} = 0;")
            self.line("u64 n = 0, enabled = 0;")
            self.stage(plan, 0, "0")
            self.line("done: (void)0;")
            self.line(f"t->enabled[{number}] += enabled;")
            self.line("return n;")

    def stage(self, plan: Plan, level: int, combination: str) -> None:
        """The pure statements of one parameter level, then the loops inside it."""
        leave = f"end_{level}" if level else "done"
        for statement in plan.stages[level]:
            self.pure(statement, leave)
        if level == len(plan.action.parameters):
            self.combination, self.leave = combination, leave
            self.rest(plan.rest)
        else:
            parameter = plan.action.parameters[level]
            name, kind = local_name(parameter.name), parameter.type
            inner = minus(name, kind.low)
            if combination != "0":
                inner = f"({combination} * {value_count(kind)} + {inner})"
            head = f"for (i64 {name} = {kind.low}; {name} <= {kind.high}; {name}++)"
            with self.block(head):
                self.stage(plan, level + 1, inner)
                self.line(f"end_{level + 1}: (void)0;")

    def pure(self, statement: Let | Require, leave: str) -> None:
        if isinstance(statement, Let):
            name = local_name(statement.local.name)
            self.line(f"{name} = {self.expressions.text(statement.value)};")
            return
        condition = self.expressions.text(statement.condition)
        if self.counted:
            site = 2 * self.sites.require_numbers[self.number, statement]
            self.line(
                f"if ({condition}) t->counts[{site}]++; "
                f"else {{ t->counts[{site + 1}]++; goto {leave}; }}"
            )
        else:
            self.line(f"if (!{condition}) goto {leave};")

    def rest(self, statements: tuple[Statement, ...]) -> None:
        with self.block(""):
            for k in range(self.layout.words):
                self.line(f"u64 n{k} = s{k};")
            self.expressions.word = "n"
            self.statements(statements)
            for k in range(self.layout.words):
                self.line(f"out[n * W + {k}] = n{k};")
            self.line("n++; enabled++;")
            self.expressions.word = "s"

    def statements(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        text = self.expressions.text
        match statement:
            case Let() | Require():
                self.pure(statement, self.leave)
            case Assert(condition=condition):
                if is_checked(statement):
                    site = self.sites.check_numbers[self.number, statement]
                    self.line(
                        f"if (__builtin_expect(!{text(condition)}, 0)) {{ enabled++; "
                        f"failed(t, s, {self.number}, {self.combination}, {site}); "
                        f"goto {self.leave}; }}"
                    )
            case If(condition=condition, then=then, otherwise=otherwise):
                with self.block(f"if ({text(condition)})"):
                    self.statements(then)
                if otherwise:
                    with self.block("else"):
                        self.statements(otherwise)
            case ForEach(bound=bound, domain=domain, body=body):
                with self.block(self.expressions.loop(bound, domain)):
                    self.statements(body)
            case Fill():
                raise AssertionError("Fill occurs only in init, which is run concretely")
            case _:
                with self.block(""):
                    self.write(statement)

    # ---- writes

    def hold(self, stem: str, text: str, kind: str = "i64") -> str:
        """The text if it is a number, else a new variable that holds it."""
        if text.isdigit():
            return text
        name = self.expressions.name(stem)
        self.line(f"{kind} {name} = {text};")
        return name

    def put(self, key: tuple[str, str], row: str, value: str) -> None:
        for line in self.expressions.put(key, row, value):
            self.line(line)

    def write(self, statement: Assign | Push | Pop | Remove | SetMember) -> None:
        variable = statement.variable
        row = self.hold("r", self.expressions.row(variable.dims, statement.index))
        match statement:
            case Assign(value=value):
                leaf = variable.leaf
                assert not isinstance(leaf, FifoType | SetType)
                new = self.held_value(value, leaf.low, value_count(leaf))
                self.put((variable.name, ""), row, new)
            case SetMember():
                self.set_member(statement, row)
            case Push():
                self.push(statement, row)
            case Pop():
                self.drop(statement, row, "0")
            case Remove():
                self.remove(statement, row)

    def held_value(self, value: Expr, low: int, count: int) -> str:
        """What is stored for a value; cut to its width where its type alone does not bound it."""
        text = minus(self.expressions.text(value), low)
        least, most = interval(value)
        if least < low or most >= low + count:
            text = f"((u64){text} & {mask_of(max(0, count - 1).bit_length())})"
        return text

    def set_member(self, statement: SetMember, row: str) -> None:
        leaf, key = statement.variable.leaf, (statement.variable.name, "")
        assert isinstance(leaf, SetType)
        piece = self.layout.pieces[key]
        place = minus(self.expressions.text(statement.element), leaf.element.low)
        present = self.hold("b", f"(i64)({self.expressions.text(statement.present)})")
        if piece.spread:
            self.put(key, self.hold("r", place_row(row, piece, place)), present)
            return
        place = self.hold("e", place)
        others = f"({self.expressions.get(key, row)} & ~(1ULL << {place}))"
        self.put(key, row, f"({others} | ((u64){present} << {place}))")

    def push(self, statement: Push, row: str) -> None:
        leaf, name = statement.variable.leaf, statement.variable.name
        assert isinstance(leaf, FifoType)
        length = self.hold("len", f"(i64){self.expressions.get((name, LENGTH), row)}")
        values = [
            self.hold("v", self.held_value(value, kind.low, value_count(kind)))
            for value, (_, kind) in zip(statement.fields, leaf.fields, strict=True)
        ]
        for value, (field, _) in zip(values, leaf.fields, strict=True):
            key = (name, field)
            piece = self.layout.pieces[key]
            if piece.spread:
                self.put(key, self.hold("r", place_row(row, piece, length)), value)
            elif piece.unit:
                shifted = f"((u64){value} << ({length} * {piece.cell}))"
                self.put(key, row, f"({self.expressions.get(key, row)} | {shifted})")
        self.put((name, LENGTH), row, plus(length, 1))

    def drop(self, statement: Pop | Remove, row: str, place: str) -> None:
        """Take the element at a place out; the later ones move up."""
        leaf, name = statement.variable.leaf, statement.variable.name
        assert isinstance(leaf, FifoType)
        for field, _ in leaf.fields:
            key = (name, field)
            piece = self.layout.pieces[key]
            if piece.spread:
                index = self.expressions.name("p")
                last = leaf.capacity - 1
                with self.block(f"for (i64 {index} = {place}; {index} < {last}; {index}++)"):
                    after = self.expressions.get(key, place_row(row, piece, f"({index} + 1)"))
                    self.put(key, self.hold("r", place_row(row, piece, index)), after)
                self.put(key, self.hold("r", place_row(row, piece, str(last))), "0")
            elif piece.unit and piece.unit == piece.cell:
                self.put(key, row, "0")
            elif piece.unit:
                assert place == "0"
                self.put(key, row, f"({self.expressions.get(key, row)} >> {piece.cell})")
        length = self.expressions.get((name, LENGTH), row)
        self.put((name, LENGTH), row, f"({length} - ({length} > 0))")

    def remove(self, statement: Remove, row: str) -> None:
        leaf, name = statement.variable.leaf, statement.variable.name
        assert isinstance(leaf, FifoType)
        key, kind = (name, ""), leaf.fields[0][1]
        piece = self.layout.pieces[key]
        gone = self.hold("e", minus(self.expressions.text(statement.element), kind.low))
        if not piece.unit:
            self.drop(statement, row, "0")
        elif piece.spread:
            place, length = self.expressions.name("p"), self.expressions.get((name, LENGTH), row)
            cell = self.expressions.get(key, place_row(row, piece, place))
            self.line(f"i64 {place} = 0;")
            self.line(f"while ({place} < (i64){length} && (i64){cell} != {gone}) {place}++;")
            with self.block(f"if ({place} < (i64){length})"):
                self.drop(statement, row, place)
        else:
            length = self.hold("len", f"(i64){self.expressions.get((name, LENGTH), row)}")
            queue, ones = self.expressions.get(key, row), ones_of(piece, leaf.capacity)
            has = self.hold("h", f"q_has({queue}, {length}, {gone}, {piece.cell}, {ones})")
            self.put(key, row, f"q_gone({queue}, {gone}, {piece.cell}, {ones})")
            self.put((name, LENGTH), row, f"({length} - {has})")

    # ---- properties and order

    def mask(self, name: str, properties: tuple[Property, ...], negation: str) -> None:
        with self.block(f"static u64 {name}(const u64 *s)"):
            self.load()
            self.line("u64 found = 0;")
            for number, prop in enumerate(properties):
                condition = self.expressions.text(prop.formula)
                self.line(f"if ({negation}{condition}) found |= 1ULL << {number};")
            self.line("return found;")

    def order(self) -> None:
        """`less`: the order of states as Python tuples."""
        with self.block("static int less(const u64 *a, const u64 *b)"):
            for side in "ab":
                for k in range(self.layout.words):
                    self.line(f"const u64 {side}{k} = {side}[{k}]; (void){side}{k};")
            for variable in self.model.variables:
                with self.block(f"for (i64 r = 0; r < {variable.row_count}; r++)"):
                    self.compare_row(variable.name, variable.leaf)
            self.line("return 0;")

    def both(self, key: tuple[str, str], row: str) -> tuple[str, str]:
        texts = []
        for side in "ab":
            self.expressions.word = side
            texts.append(self.expressions.get(key, row))
        return texts[0], texts[1]

    def compare(self, left: str, right: str) -> None:
        self.line(f"{{ u64 x = {left}, y = {right}; if (x != y) return x < y; }}")

    def compare_row(self, name: str, leaf: object) -> None:
        if isinstance(leaf, FifoType):
            left, right = self.both((name, LENGTH), "r")
            self.line(f"i64 m = {left}, n = {right};")
            with self.block("for (i64 p = 0; p < m && p < n; p++)"):
                for field, _ in leaf.fields:
                    self.compare(*self.both_places((name, field), "p"))
            self.line("if (m != n) return m < n;")
        elif self.layout.pieces[name, ""].spread:
            places = self.layout.pieces[name, ""].places
            with self.block(f"for (i64 p = {places - 1}; p >= 0; p--)"):
                self.compare(*self.both_places((name, ""), "p"))
        else:
            self.compare(*self.both((name, ""), "r"))

    def both_places(self, key: tuple[str, str], place: str) -> tuple[str, str]:
        piece = self.layout.pieces[key]
        if piece.spread:
            return self.both(key, place_row("r", piece, place))
        left, right = self.both(key, "r")
        mask, shift = mask_of(piece.cell), f"({place} * {piece.cell})"
        return f"({left} >> {shift} & {mask})", f"({right} >> {shift} & {mask})"


def unsuited(model: Model, sites: Sites) -> str:
    """Why the compiled engine cannot take this model; "" if it can."""
    for what, count in (
        ("invariants", len(sites.invariants)),
        ("goals", len(sites.goals)),
        ("actions", len(model.actions)),
    ):
        if count > MASK_MAX:
            return f"the model has {count} {what}, the compiled engine takes {MASK_MAX}"
    return ""


def source_of(layout: Layout, sites: Sites, *, counted: bool, canonical: str = "") -> str:
    """The whole C file; `canonical` is the C of a symmetry reduction, if any."""
    model = layout.model
    writer = _Writer(layout, sites, counted)
    for constant in model.constants:
        values = ", ".join(map(str, constant.table))
        writer.line(f"static const i64 k_{local_name(constant.name)}[] = {{{values}}};")
    for number, action in enumerate(model.actions):
        writer.action(number, in_order(action) if counted else hoisted(action))
    with writer.block("static u64 successors(Thread *t, const u64 *s, u64 *out)"):
        writer.line("u64 n = 0;")
        for number in range(len(model.actions)):
            writer.line(f"n += action_{number}(t, s, out + n * W);")
        writer.line("return n;")
    writer.mask("broken_invariants", sites.invariants, "!")
    writer.mask("goals_met", sites.goals, "")
    writer.mask("is_terminal", sites.terminals, "")
    writer.order()
    head = "\n".join(
        f"#define {name} {value}"
        for name, value in (
            ("W", layout.words),
            ("ACTIONS", len(model.actions)),
            ("REQUIRES", len(sites.requires)),
            ("INVARIANTS", len(sites.invariants)),
            ("GOALS", len(sites.goals)),
            ("SUCCESSORS_MAX", max(1, sum(map(combinations, model.actions)))),
            ("REDUCED", int(bool(canonical))),
            ("CANONICAL(x)", "canonical(x)" if canonical else "(void)0"),
        )
    )
    here = files("kvcheck.explore")
    parts = [here.joinpath(name).read_text(encoding="utf-8") for name in ("engine.c", "claims.c")]
    runtime = "\n".join(parts)
    body = canonical + "\n".join(writer.lines) + "\n"
    return runtime.replace("//@HEAD", head).replace("//@MODEL", body)
