"""Expressions of a spec as C over packed words.

It decides the text of one expression and how cells are read and written, not where. A row is one
shift and one mask; a FIFO of one word is a shift register. Quantifiers are GNU statement
expressions, so that `&&`, `||` and `?:` keep the spec's short circuits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvcheck.explore.layout import LENGTH, Layout, Piece
from kvcheck.explore.pyexpr import domain_size, local_name, minus
from kvcheck.explore.ranges import interval
from kvspec.lang.footprint import children
from kvspec.lang.ir import (
    Apply,
    At,
    Constant,
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
    Variable,
)
from kvspec.lang.types import FifoType, ScalarType, SetType, value_count

_BINARY = {
    Operator.EQ: "==",
    Operator.LT: "<",
    Operator.LE: "<=",
    Operator.ADD: "+",
    Operator.SUB: "-",
}


CHEAP = 24
"""Up to this many operations are done rather than jumped over: a wrong guess costs more."""

CHEAP_LOOP = 200
"""The same for a whole quantifier, whose early end is a branch in each round."""


UNROLL = 8
"""Loops of up to so many rounds are unrolled."""


def cost(expr: Expr) -> int:
    """About how many operations an expression takes."""
    own = 1 + sum(map(cost, children(expr)))
    if not isinstance(expr, Quantified):
        return own + (4 if isinstance(expr, Has | At) else 0)
    return own * domain_size(expr)


def mask_of(bits: int) -> str:
    """A C constant of so many ones."""
    return f"{(1 << bits) - 1:#x}ULL"


def ones_of(piece: Piece, places: int) -> str:
    """A C constant with a 1 in each cell."""
    return f"{sum(1 << k * piece.cell for k in range(places)):#x}ULL"


def plus(text: str, low: int) -> str:
    """`text + low`, or the number that it is."""
    if low == 0:
        return text
    return str(int(text) + low) if text.isdigit() else f"({text} + {low})"


class CExpressions:
    """Writes expressions that read the words `{word}0`, `{word}1`, ... ."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.word = "s"
        self._fresh = 0

    def name(self, stem: str) -> str:
        """A C identifier not used before."""
        self._fresh += 1
        return f"{stem}{self._fresh}_"

    # ---- cells

    def get(self, key: tuple[str, str], row: str) -> str:
        """The bits of one row of a piece, an `u64`; `row` is a number or a C expression."""
        piece = self.layout.pieces[key]
        if not piece.unit:
            return "0"
        if row.isdigit():
            word, shift = piece.where(int(row))
            return self._bits(word, str(shift), piece)
        texts = [
            self._bits(word, self._shift(offset, row, first, piece), piece)
            for (word, offset), first in zip(piece.groups, self._firsts(piece), strict=True)
        ]
        text = texts[-1]
        for other, first in zip(
            reversed(texts[:-1]), reversed(self._firsts(piece)[1:]), strict=True
        ):
            text = f"({row} < {first} ? {other} : {text})"
        return text

    def put(self, key: tuple[str, str], row: str, value: str) -> Iterator[str]:
        """Statements that set one row of a piece in the words `n0`, `n1`, ... ."""
        piece = self.layout.pieces[key]
        if not piece.unit:
            return
        if row.isdigit():
            word, shift = piece.where(int(row))
            yield self._merge(word, str(shift), piece, value)
            return
        pairs = list(zip(piece.groups, self._firsts(piece), strict=True))
        for k, ((word, offset), first) in enumerate(pairs):
            merge = self._merge(word, self._shift(offset, row, first, piece), piece, value)
            if k + 1 < len(pairs):
                yield f"if ({row} < {pairs[k + 1][1]}) {{ {merge} }} else"
            else:
                yield f"{{ {merge} }}"

    @staticmethod
    def _firsts(piece: Piece) -> list[int]:
        return [k * piece.per for k in range(len(piece.groups))]

    @staticmethod
    def _shift(offset: int, row: str, first: int, piece: Piece) -> str:
        within = f"({row} - {first})" if first else row
        text = f"{within} * {piece.unit}" if piece.unit > 1 else within
        return f"({offset} + {text})" if offset else f"({text})"

    def _bits(self, word: int, shift: str, piece: Piece) -> str:
        source = f"{self.word}{word}"
        if piece.unit == 64:
            return source
        moved = source if shift == "0" else f"{source} >> {shift}"
        return f"({moved} & {mask_of(piece.unit)})"

    @staticmethod
    def _merge(word: int, shift: str, piece: Piece, value: str) -> str:
        if piece.unit == 64:
            return f"n{word} = {value};"
        hole = f"~({mask_of(piece.unit)} << {shift})"
        return f"n{word} = (n{word} & {hole}) | ((u64)({value}) << {shift});"

    # ---- expressions

    def row(self, dims: Sequence[ScalarType], index: Sequence[Expr]) -> str:
        """The number of the row that an index selects: a number or a C expression."""
        row = "0"
        for dim, expr in zip(dims, index, strict=True):
            term = minus(self.text(expr), dim.low)
            if row == "0":
                row = term
            elif row.isdigit() and term.isdigit():
                row = str(int(row) * value_count(dim) + int(term))
            else:
                row = f"({row} * {value_count(dim)} + {term})"
        return row

    def text(self, expr: Expr) -> str:
        """C source of the expression, an `i64`."""
        match expr:
            case Literal(value=value) | SizeOf(value=value):
                return str(value) if value >= 0 else f"({value})"
            case Local(name=name):
                return local_name(name)
            case Read(variable=variable, index=index):
                bits = self.get((variable.name, ""), self.row(variable.dims, index))
                return f"(i64){plus(bits, expr.type.low)}"
            case ReadConstant(constant=constant, index=index):
                return self._constant(constant, self.row(constant.dims, index))
            case Len(variable=variable, index=index):
                return self._len(variable, self.row(variable.dims, index))
            case At():
                return self._at(expr)
            case Has(variable=variable, index=index, element=element):
                return self._has(variable, self.row(variable.dims, index), element)
            case Apply(operator=Operator.AND | Operator.OR):
                return self._junction(expr)
            case Apply(operator=operator, operands=operands):
                return self._apply(operator, [self.text(x) for x in operands])
            case Quantified():
                return self._quantified(expr)

    def _constant(self, constant: Constant, row: str) -> str:
        table = constant.table
        if row.isdigit():
            return plus(str(table[int(row)]), 0) if table[int(row)] >= 0 else f"({table[int(row)]})"
        low = min(table)
        bits = max(1, (max(table) - low).bit_length())
        if bits * len(table) > 64:
            return f"k_{local_name(constant.name)}[{row}]"
        packed = sum((value - low) << (k * bits) for k, value in enumerate(table))
        shift = f"{row} * {bits}" if bits > 1 else row
        return f"(i64){plus(f'({packed:#x}ULL >> ({shift}) & {mask_of(bits)})', low)}"

    def _len(self, variable: Variable, row: str) -> str:
        if isinstance(variable.leaf, FifoType):
            return f"(i64){self.get((variable.name, LENGTH), row)}"
        key = (variable.name, "")
        piece = self.layout.pieces[key]
        if not piece.spread:
            return f"(i64)__builtin_popcountll({self.get(key, row)})"
        parts = [self.get(key, place_row(row, piece, str(k))) for k in range(piece.places)]
        return f"(i64)({' + '.join(parts)})"

    def place(self, variable: Variable, field: str, row: str, place: str) -> str:
        """One field of the element at a place of a FIFO; the place is within the capacity."""
        key = (variable.name, field)
        piece = self.layout.pieces[key]
        if piece.spread:
            return self.get(key, place_row(row, piece, place))
        bits = self.get(key, row)
        if piece.places == 1:
            return bits
        shift = str(int(place) * piece.cell) if place.isdigit() else f"({place} * {piece.cell})"
        moved = bits if shift == "0" else f"{bits} >> {shift}"
        return f"({moved} & {mask_of(piece.cell)})"

    def _at(self, expr: At) -> str:
        variable, low = expr.variable, expr.type.low
        leaf = variable.leaf
        assert isinstance(leaf, FifoType)
        row, place = self.row(variable.dims, expr.index), self.text(expr.place)
        least, most = interval(expr.place)
        found = f"(i64){plus(self.place(variable, expr.field, row, place), low)}"
        if least >= 0 and most < leaf.capacity:
            return found  # past the end every bit is 0, which reads as `low`
        return f"({place} >= 0 && {place} < {leaf.capacity} ? {found} : {low})"

    def _has(self, variable: Variable, row: str, element: Expr) -> str:
        leaf, key, item = variable.leaf, (variable.name, ""), self.text(element)
        piece = self.layout.pieces[key]
        if isinstance(leaf, SetType):
            place = minus(item, leaf.element.low)
            if piece.spread:
                return f"(i64){self.get(key, place_row(row, piece, place))}"
            return f"(i64)({self.get(key, row)} >> {place} & 1)"
        assert isinstance(leaf, FifoType)
        value, length = minus(item, leaf.fields[0][1].low), self._len(variable, row)
        if not piece.cell:
            return f"({length} > 0)"
        if not piece.spread:
            ones = ones_of(piece, leaf.capacity)
            return f"q_has({self.get(key, row)}, {length}, {value}, {piece.cell}, {ones})"
        x, p, f = self.name("x"), self.name("p"), self.name("f")
        cell = self.get(key, place_row(row, piece, p))
        return (
            f"({{ i64 {f} = 0, {x} = {value}; for (i64 {p} = 0; {p} < {length}; {p}++) "
            f"if ((i64){cell} == {x}) {{ {f} = 1; break; }} {f}; }})"
        )

    def _junction(self, expr: Apply) -> str:
        """`&&` and `||`; `&` and `|` where the right side costs less than a wrong guess."""
        conjunction = expr.operator is Operator.AND
        text = ""
        for operand in expr.operands:
            sign = ("&" if conjunction else "|") * (1 if cost(operand) <= CHEAP else 2)
            text = f"({text} {sign} {self.text(operand)})" if text else self.text(operand)
        return text or ("1" if conjunction else "0")

    def _apply(self, operator: Operator, texts: list[str]) -> str:
        match operator:
            case Operator.AND | Operator.OR:
                raise AssertionError("junctions are written by _junction")
            case Operator.NOT:
                return f"(!{texts[0]})"
            case Operator.ITE:
                return f"({texts[0]} ? {texts[1]} : {texts[2]})"
            case Operator.EQ | Operator.LT | Operator.LE | Operator.ADD | Operator.SUB:
                return f"({texts[0]} {_BINARY[operator]} {texts[1]})"

    def _quantified(self, expr: Quantified) -> str:
        bound, found = local_name(expr.bound.name), self.name("q")
        body = self.text(expr.body)
        straight = cost(expr) <= CHEAP_LOOP
        match expr.kind:
            case QuantifierKind.ALL if straight:
                start, each = "1", f"{found} &= {body};"
            case QuantifierKind.ANY if straight:
                start, each = "0", f"{found} |= {body};"
            case QuantifierKind.ALL:
                start, each = "1", f"if (!{body}) {{ {found} = 0; break; }}"
            case QuantifierKind.ANY:
                start, each = "0", f"if ({body}) {{ {found} = 1; break; }}"
            case QuantifierKind.COUNT | QuantifierKind.SUM:
                start, each = "0", f"{found} += {body};"
            case QuantifierKind.FIRST:
                start, each = str(expr.type.low), f"if ({body}) {{ {found} = {bound}; break; }}"
        head = self.loop(expr.bound, expr.domain)
        unroll = f'_Pragma("GCC unroll {UNROLL}") ' if domain_size(expr) <= UNROLL else ""
        return f"({{ i64 {found} = {start}; {unroll}{head} {each} {found}; }})"

    def loop(self, bound: Local, domain: object) -> str:
        """The head of a loop that runs a bound variable through a domain."""
        name = local_name(bound.name)
        if isinstance(domain, Places):
            end = self.name("end")
            row = self.row(domain.variable.dims, domain.index)
            length = self._len(domain.variable, row)
            return f"for (i64 {name} = 0, {end} = {length}; {name} < {end}; {name}++)"
        kind = bound.type
        return f"for (i64 {name} = {kind.low}; {name} <= {kind.high}; {name}++)"


def place_row(row: str, piece: Piece, place: str) -> str:
    """The row of one place of a spread piece."""
    if row.isdigit() and place.isdigit():
        return str(int(row) * piece.places + int(place))
    if row == "0":
        return place
    return f"({row} * {piece.places} + {place})"
