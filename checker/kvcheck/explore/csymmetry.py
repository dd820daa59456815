"""The representative of a packed state as C: the same function as `Symmetry.canonical`.

It decides the text only; why and how colours are refined is said in `symmetry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kvcheck.explore.cexpr import CExpressions, place_row
from kvcheck.explore.layout import LENGTH, Layout
from kvcheck.explore.pyexpr import local_name, minus
from kvcheck.explore.symmetry import ROUNDS, Cells, Part, Symmetry, tag
from kvspec.lang.ir import Variable
from kvspec.lang.types import FifoType, ScalarType, SetType, SortType, value_count


class _Writer:
    def __init__(self, layout: Layout, symmetry: Symmetry) -> None:
        self.layout, self.symmetry = layout, symmetry
        self.expressions = CExpressions(layout)
        self.lines: list[str] = []
        self.depth = 0

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head + " {")
        self.depth += 1
        yield
        self.depth -= 1
        self.line("}")

    @contextmanager
    def blocks(self, heads: Iterable[str]) -> Iterator[None]:
        depth = self.depth
        for head in heads:
            self.line(head + " {")
            self.depth += 1
        yield
        while self.depth > depth:
            self.depth -= 1
            self.line("}")

    # ---- colours

    def prelude(self) -> None:
        self.line("ALWAYS_INLINE u64 mix(u64 h) {")
        self.line("  h ^= h >> 32; h *= 0xd6e8feb86659fd93ULL; return h ^ h >> 29;")
        self.line("}")
        classes = self.symmetry.interchange.classes
        for follower, (_, table) in self.symmetry.interchange.follows.items():
            values = ", ".join(map(str, table))
            self.line(f"static const i64 f_{local_name(follower)}[] = {{{values}}};")
        fields = " ".join(f"u64 {local_name(x)}[{len(c)}];" for x, c in classes.items())
        self.line(f"typedef struct {{ {fields} }} Colours;")

    def refiner(self, name: str, group: list[Cells]) -> None:
        """A function that adds to `d` what the cells say of each id."""
        head = f"static void {name}(const u64 *s, const Colours *c, Colours *d)"
        with self.block(head):
            self.load("s")
            self.line("memset(d, 0, sizeof *d); (void)c;")
            for cells in group:
                self.mention(cells)

    def load(self, name: str) -> None:
        for k in range(self.layout.words):
            self.line(f"const u64 s{k} = {name}[{k}]; (void)s{k};")

    def mention(self, cells: Cells) -> None:
        variable = cells.variable
        with self.blocks(self.loops(variable) or [""]):  # names of each entry are its block's own
            terms = [f"{cells.start:#x}ULL"]
            if isinstance(variable.leaf, FifoType):
                terms.append(f"(u64)p * {cells.place_weight:#x}ULL")
            ids: list[tuple[Part, str]] = []
            for part in cells.parts:
                value = f"i{part.at}" if part.role == "dim" else self.value(variable, part.at)
                if part.sort:
                    name = f"k{len(ids)}"
                    self.line(f"const i64 {name} = {self.leader(part, variable, value)};")
                    ids.append((part, name))
                    terms.append(f"c->{local_name(part.sort)}[{name}] * {part.weight:#x}ULL")
                else:
                    terms.append(f"(u64)({value} + 1) * {part.weight:#x}ULL")
            self.line(f"const u64 h = mix({' + '.join(terms)});")
            for part, name in ids:
                target = f"d->{local_name(part.sort)}[{name}]"
                self.line(f"{target} += mix(h * {part.return_weight:#x}ULL);")

    def leader(self, part: Part, variable: Variable, value: str) -> str:
        if part.table is None:
            return value
        kind = _kind(variable, part)
        assert isinstance(kind, SortType)
        return f"f_{local_name(kind.name)}[{value}]"

    def loops(self, variable: Variable) -> list[str]:
        """The loops over a variable's entries: rows, then places or members."""
        heads = [
            f"for (i64 i{k} = {dim.low}; i{k} <= {dim.high}; i{k}++)"
            for k, dim in enumerate(variable.dims)
        ]
        leaf, row = variable.leaf, self.row(variable)
        if isinstance(leaf, FifoType):
            length = self.expressions.get((variable.name, LENGTH), row)
            heads.append(f"for (i64 p = 0; p < (i64){length}; p++)")
        elif isinstance(leaf, SetType):
            heads.append(f"for (i64 p = 0; p < {value_count(leaf.element)}; p++)")
            heads.append(f"if ({self.expressions.place(variable, '', row, 'p')})")
        return heads

    def row(self, variable: Variable, renamed: bool = False) -> str:
        text = "0"
        for k, dim in enumerate(variable.dims):
            term = self.rename(dim, f"i{k}") if renamed else f"i{k}"
            term = minus(term, dim.low)
            text = term if text == "0" else f"({text} * {value_count(dim)} + {term})"
        return text

    def value(self, variable: Variable, at: int) -> str:
        """The field, member or value of the entry that the loops stand at."""
        leaf, row = variable.leaf, self.row(variable)
        if isinstance(leaf, FifoType):
            name, kind = leaf.fields[at]
            return f"((i64){self.expressions.place(variable, name, row, 'p')} + {kind.low})"
        if isinstance(leaf, SetType):
            return f"(p + {leaf.element.low})"
        return f"((i64){self.expressions.get((variable.name, ''), row)} + {leaf.low})"

    # ---- the representative

    def canonical(self) -> None:
        interchange = self.symmetry.interchange
        head = "static __attribute__((noinline)) void canonical(u64 *x)"
        with self.block(head):
            self.load("x")
            start = ", ".join(
                "{" + ", ".join(f"{tag(1_000 + c):#x}ULL" for c in classes) + "}"
                for classes in interchange.classes.values()
            )
            self.line(f"Colours c = {{{start}}}, d;")
            self.apply("alone", self.symmetry.leaders)
            for _ in range(ROUNDS):
                self.apply("beside", self.symmetry.leaders)
            for number, sort in enumerate(self.symmetry.leaders):
                self.place(sort)
                if rest := self.symmetry.leaders[number + 1 :]:
                    self.apply("beside", rest)
            for follower, (leader, table) in interchange.follows.items():
                self.follow(follower, leader, table)
            for k in range(self.layout.words):
                self.line(f"u64 n{k} = 0;")
            for variable in self.layout.model.variables:
                self.rewrite(variable)
            for k in range(self.layout.words):
                self.line(f"x[{k}] = n{k};")

    def apply(self, refiner: str, sorts: list[str]) -> None:
        self.line(f"{refiner}(x, &c, &d);")
        for sort in sorts:
            name, count = local_name(sort), len(self.symmetry.interchange.classes[sort])
            self.line(
                f"for (int k = 0; k < {count}; k++) c.{name}[k] = mix(c.{name}[k] + d.{name}[k]);"
            )

    def place(self, sort: str) -> None:
        classes = self.symmetry.interchange.classes[sort]
        name, count = local_name(sort), len(classes)
        self.line(f"i64 p_{name}[{count}];")
        for number in sorted(set(classes)):
            members = [k for k, c in enumerate(classes) if c == number]
            values = ", ".join(map(str, members))
            with self.block(""):
                self.line(f"static const i64 at[] = {{{values}}};")
                self.line(f"i64 o[{len(members)}];")
                with self.block(f"for (int k = 0; k < {len(members)}; k++)"):
                    self.line(f"int j = k; const u64 colour = c.{name}[at[k]];")
                    self.line(f"for (; j > 0 && c.{name}[o[j - 1]] > colour; j--) o[j] = o[j - 1];")
                    self.line("o[j] = at[k];")
                self.line(f"for (int k = 0; k < {len(members)}; k++) p_{name}[o[k]] = at[k];")
        colours = f"c.{name}[k] = (2 * (2000 + (u64)p_{name}[k]) + 1) * {tag(0):#x}ULL"
        self.line(f"for (int k = 0; k < {count}; k++) {colours};")

    def follow(self, follower: str, leader: str, table: tuple[int, ...]) -> None:
        back = {place: k for k, place in enumerate(table)}
        size = len(self.symmetry.interchange.classes[leader])
        values = ", ".join(str(back.get(k, 0)) for k in range(size))
        name = local_name(follower)
        self.line(f"static const i64 b_{name}[] = {{{values}}};")
        self.line(f"i64 p_{name}[{len(table)}];")
        target = f"b_{name}[p_{local_name(leader)}[f_{name}[k]]]"
        self.line(f"for (int k = 0; k < {len(table)}; k++) p_{name}[k] = {target};")

    def rename(self, kind: ScalarType, value: str) -> str:
        if self.symmetry.interchange.is_renamed(kind):
            assert isinstance(kind, SortType)
            return f"p_{local_name(kind.name)}[{value}]"
        return value

    def rewrite(self, variable: Variable) -> None:
        """Put one variable's rows where they belong, with their ids renamed."""
        leaf, name = variable.leaf, variable.name
        heads = [
            f"for (i64 i{k} = {dim.low}; i{k} <= {dim.high}; i{k}++)"
            for k, dim in enumerate(variable.dims)
        ]
        with self.blocks([*heads, ""]):
            self.line(f"const i64 r = {self.row(variable)}, m = {self.row(variable, True)};")
            if isinstance(leaf, FifoType):
                self.copy((name, LENGTH), self.expressions.get((name, LENGTH), "r"))
                for field, kind in leaf.fields:
                    with self.block(""):
                        self.rewrite_places(variable, field, kind)
            elif isinstance(leaf, SetType):
                self.rewrite_places(variable, "", leaf.element)
            elif self.symmetry.interchange.is_renamed(leaf):
                self.copy((name, ""), self.rename(leaf, self.expressions.get((name, ""), "r")))
            else:
                self.copy((name, ""), self.expressions.get((name, ""), "r"))

    def copy(self, key: tuple[str, str], value: str, row: str = "m") -> None:
        for line in self.expressions.put(key, row, value):
            self.line(line)

    def rewrite_places(self, variable: Variable, field: str, kind: ScalarType) -> None:
        key = (variable.name, field)
        piece = self.layout.pieces[key]
        is_set = isinstance(variable.leaf, SetType)
        renamed = self.symmetry.interchange.is_renamed(kind)
        if not piece.unit:
            return
        if not renamed and not piece.spread:
            self.copy(key, self.expressions.get(key, "r"))
            return
        length = self.expressions.get((variable.name, LENGTH), "r") if not is_set else ""
        end = str(piece.places) if is_set else f"(i64){length}"
        if not piece.spread:
            self.line("u64 q = 0;")
        with self.block(f"for (i64 p = 0; p < {end}; p++)"):
            old = self.expressions.place(variable, field, "r", "p")
            place = self.rename(kind, "p") if is_set else "p"
            value = old if is_set else self.rename(kind, old)
            if piece.spread:
                self.line(f"const i64 t = {place_row('m', piece, place)};")
                self.copy(key, value, "t")
            else:
                self.line(f"q |= (u64)({value}) << ({place} * {piece.cell});")
        if not piece.spread:
            self.copy(key, "q")


def _kind(variable: Variable, part: Part) -> ScalarType:
    leaf = variable.leaf
    if part.role == "dim":
        return variable.dims[part.at]
    if isinstance(leaf, FifoType):
        return leaf.fields[part.at][1]
    return leaf.element if isinstance(leaf, SetType) else leaf


def canonical_source(layout: Layout, symmetry: Symmetry) -> str:
    """The C function `canonical(x)`."""
    writer = _Writer(layout, symmetry)
    writer.prelude()
    writer.refiner("alone", [c for c in symmetry.cells if c.ids == 1])
    writer.refiner("beside", [c for c in symmetry.cells if c.ids > 1])
    writer.canonical()
    return "\n".join(writer.lines) + "\n"
