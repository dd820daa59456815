"""Expressions of a spec as Python source over a state's tuples.

It decides the text of one expression, not where it stands. Quantifiers over small domains are
written out with the bound variable replaced by its value: indices become literals, and the usual
`all` over four blocks is four comparisons instead of a generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kvcheck.explore.ranges import interval
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
    Variable,
)
from kvspec.lang.types import FifoType, RecordType, ScalarType, SetType, value_count

UNROLL_MAX = 400
"""Above this many copies of subexpressions a quantifier stays a generator expression."""

_BINARY = {
    Operator.EQ: "==",
    Operator.LT: "<",
    Operator.LE: "<=",
    Operator.ADD: "+",
    Operator.SUB: "-",
}


def local_name(name: str) -> str:
    """A spec's local as a Python or C identifier."""
    return "l_" + "".join(c if c.isalnum() and c.isascii() else f"_{ord(c):x}_" for c in name)


class PyExpressions:
    """Writes expressions; `rows` names the container of a variable's rows as of now."""

    def __init__(self, rows: Callable[[Variable], str], constants: Callable[[str], str]) -> None:
        self.rows = rows
        self.constants = constants
        self.bound: dict[str, str] = {}
        self._copies = 1
        self._within: list[tuple[str, str]] = []  # (queue, place): the place is inside the queue

    def text(self, expr: Expr) -> str:
        """Python source of the expression; a bool may come out as `bool` or as 0 and 1."""
        match expr:
            case Literal(value=value) | SizeOf(value=value):
                return str(value) if value >= 0 else f"({value})"
            case Local(name=name):
                return self.bound.get(name, local_name(name))
            case Read(variable=variable, index=index):
                return self.cell(variable, index)
            case ReadConstant(constant=constant, index=index):
                row = self.row(constant.dims, index)
                return (
                    str(constant.table[int(row)])
                    if row.isdigit()
                    else f"{self.constants(constant.name)}[{row}]"
                )
            case Len(variable=variable, index=index):
                cell = self.cell(variable, index)
                return f"{cell}.bit_count()" if is_set(variable) else f"len({cell})"
            case At():
                return self._at(expr)
            case Has(variable=variable, index=index, element=element):
                cell, item = self.cell(variable, index), self.text(element)
                if isinstance(variable.leaf, SetType):
                    return f"({cell} >> {minus(item, variable.leaf.element.low)} & 1)"
                return f"({item} in {cell})"
            case Apply(operator=operator, operands=operands):
                return self._apply(operator, operands)
            case Quantified():
                return self._quantified(expr)

    def value(self, expr: Expr) -> str:
        """The same as an int: what may be stored in a state."""
        text = self.text(expr)
        if isinstance(expr, Apply) and expr.operator in (Operator.ADD, Operator.SUB, Operator.ITE):
            return text if expr.type.high > 1 or expr.type.low < 0 else f"int({text})"
        return (
            f"(1 if {text} else 0)"
            if isinstance(expr, Apply | Quantified | Has) and _is_bool(expr)
            else text
        )

    def cell(self, variable: Variable, index: Sequence[Expr]) -> str:
        """The row of a variable."""
        return f"{self.rows(variable)}[{self.row(variable.dims, index)}]"

    def row(self, dims: Sequence[ScalarType], index: Sequence[Expr]) -> str:
        """The number of the row that an index selects."""
        row = "0"
        for dim, expr in zip(dims, index, strict=True):
            term = minus(self.text(expr), dim.low)
            if row == "0":
                row = term
            elif row.isdigit() and term.isdigit():
                row = str(int(row) * value_count(dim) + int(term))
            else:
                row = f"{row} * {value_count(dim)} + {term}"
                row = f"({row})"
        return row

    def _at(self, expr: At) -> str:
        cell, place = self.cell(expr.variable, expr.index), self.text(expr.place)
        leaf = expr.variable.leaf
        assert isinstance(leaf, FifoType)
        field = ""
        if isinstance(leaf.element, RecordType):
            names = [name for name, _ in leaf.fields]
            field = f"[{names.index(expr.field)}]"
        if (cell, place) in self._within:
            return f"{cell}[{place}]{field}"
        if place == "0":
            return f"({cell}[0]{field} if {cell} else {expr.type.low})"
        lower = "" if interval(expr.place)[0] >= 0 else "0 <= "
        return f"({cell}[{place}]{field} if {lower}{place} < len({cell}) else {expr.type.low})"

    def _apply(self, operator: Operator, operands: tuple[Expr, ...]) -> str:
        texts = [self.text(x) for x in operands]
        match operator:
            case Operator.AND:
                return "(" + (" and ".join(texts) or "1") + ")"
            case Operator.OR:
                return "(" + (" or ".join(texts) or "0") + ")"
            case Operator.NOT:
                return f"(not {texts[0]})"
            case Operator.ITE:
                return f"({texts[1]} if {texts[0]} else {texts[2]})"
            case Operator.EQ | Operator.LT | Operator.LE | Operator.ADD | Operator.SUB:
                return f"({texts[0]} {_BINARY[operator]} {texts[1]})"

    # ---- quantifiers

    def _quantified(self, expr: Quantified) -> str:
        size = domain_size(expr)
        if self._copies * size > UNROLL_MAX or size > 64:
            return self._generator(expr)
        self._copies *= max(1, size)
        bodies = list(self._bodies(expr))
        self._copies //= max(1, size)
        return _joined(expr, bodies)

    def _bodies(self, expr: Quantified) -> Iterator[tuple[str, str, str]]:
        """(guard, value, body) for each value of the domain; the guard is "" for "always"."""
        if isinstance(expr.domain, Places):
            cell = self.cell(expr.domain.variable, expr.domain.index)
            values = range(domain_size(expr))
        else:
            cell, values = "", range(expr.domain.type.low, expr.domain.type.high + 1)
        saved = self.bound.get(expr.bound.name)
        for value in values:
            text = str(value) if value >= 0 else f"({value})"
            self.bound[expr.bound.name] = text
            self._within.append((cell, text))
            yield (f"len({cell}) > {value}" if cell else ""), text, self.text(expr.body)
            self._within.pop()
        del self.bound[expr.bound.name]
        if saved is not None:
            self.bound[expr.bound.name] = saved

    def _generator(self, expr: Quantified) -> str:
        name = local_name(expr.bound.name)
        saved = self.bound.pop(expr.bound.name, None)
        if isinstance(expr.domain, Places):
            cell = self.cell(expr.domain.variable, expr.domain.index)
            domain = f"range(len({cell}))"
            self._within.append((cell, name))
        else:
            domain = f"range({expr.domain.type.low}, {expr.domain.type.high + 1})"
        body = self.text(expr.body)
        if isinstance(expr.domain, Places):
            self._within.pop()
        if saved is not None:
            self.bound[expr.bound.name] = saved
        match expr.kind:
            case QuantifierKind.ALL | QuantifierKind.ANY:
                return f"{expr.kind.value}({body} for {name} in {domain})"
            case QuantifierKind.COUNT | QuantifierKind.SUM:
                return f"sum({body} for {name} in {domain})"
            case QuantifierKind.FIRST:
                return f"next(({name} for {name} in {domain} if {body}), {expr.type.low})"


def domain_size(expr: Quantified) -> int:
    """The most values the bound variable can have."""
    if isinstance(expr.domain, Places):
        leaf = expr.domain.variable.leaf
        assert isinstance(leaf, FifoType)
        return leaf.capacity
    return value_count(expr.domain.type)


def _joined(expr: Quantified, bodies: list[tuple[str, str, str]]) -> str:
    match expr.kind:
        case QuantifierKind.ALL:
            parts = [f"(not {g} or {b})" if g else b for g, _, b in bodies]
            return "(" + (" and ".join(parts) or "1") + ")"
        case QuantifierKind.ANY:
            parts = [f"({g} and {b})" if g else b for g, _, b in bodies]
            return "(" + (" or ".join(parts) or "0") + ")"
        case QuantifierKind.COUNT | QuantifierKind.SUM:
            parts = [f"({b} if {g} else 0)" if g else b for g, _, b in bodies]
            return "(" + (" + ".join(parts) or "0") + ")"
        case QuantifierKind.FIRST:
            text = str(expr.type.low)
            for guard, value, body in reversed(bodies):
                test = f"{guard} and {body}" if guard else body
                text = f"({value} if {test} else {text})"
            return text


def _is_bool(expr: Apply | Quantified | Has) -> bool:
    if isinstance(expr, Quantified):
        return expr.kind in (QuantifierKind.ALL, QuantifierKind.ANY)
    return not isinstance(expr, Apply) or expr.operator not in (
        Operator.ADD,
        Operator.SUB,
        Operator.ITE,
    )


def is_set(variable: Variable) -> bool:
    """Whether the rows are sets."""
    return isinstance(variable.leaf, SetType)


def minus(text: str, low: int) -> str:
    """`text - low`, or the number that it is."""
    if low == 0:
        return text
    return str(int(text) - low) if text.isdigit() and int(text) >= low else f"({text} - {low})"
