"""Rendered cells read back: names into keys, queues and sets into elements, and what differs.

It decides how the text of a record is taken apart; the text is made by `kvspec.lang.state`, and a
record is told from its file alone, years later, without the types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Cells = dict[str, str]

SHORT_CHANGE_MAX = 44


@dataclass(frozen=True, slots=True)
class CellName:
    """`free[PRIMARY]` as the variable `free` and the keys `("PRIMARY",)`."""

    variable: str
    keys: tuple[str, ...]


def parse_cell(name: str) -> CellName:
    """The parts of a cell's name."""
    variable, *rest = name.split("[")
    return CellName(variable, tuple(key.rstrip("]") for key in rest))


def elements(text: str) -> tuple[str, ...]:
    """The elements of a queue `[a b]` or a set `{a b}`; a record `(x=1 y=2)` is one element."""
    found, word, depth = [], "", 0
    for character in text.strip("[]{}"):
        depth += (character == "(") - (character == ")")
        if character == " " and depth == 0:
            found.append(word)
            word = ""
        else:
            word += character
    return tuple(w for w in (*found, word) if w)


def is_collection(text: str) -> bool:
    """Whether the text is a queue or a set."""
    return text[:1] in ("[", "{") and text[-1:] in ("]", "}")


def difference(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The elements that went and those that came, each in its order."""
    old, new = elements(before), elements(after)
    return _without(old, new), _without(new, old)


def _without(these: Iterable[str], those: Iterable[str]) -> tuple[str, ...]:
    rest = list(those)
    left = []
    for item in these:
        if item in rest:
            rest.remove(item)
        else:
            left.append(item)
    return tuple(left)


def describe_change(cell: str, before: str, after: str) -> str:
    """One change in a line; a long queue is told by what went and what came."""
    if before == after:
        return f"{cell}: {after}, as before"
    whole = f"{cell}: {before} → {after}"
    if len(whole) <= SHORT_CHANGE_MAX or not (is_collection(before) and is_collection(after)):
        return whole
    gone, came = difference(before, after)
    parts = [f"−{item}" for item in gone] + [f"+{item}" for item in came]
    return f"{cell}: {' '.join(parts)}" if parts else whole


def grouped(cells: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The cells of a state, one line a variable: `slot` with `block0=slot0 block1=slot1`."""
    lines: dict[str, list[str]] = {}
    for name, value in cells:
        parsed = parse_cell(name)
        key = ",".join(parsed.keys)
        lines.setdefault(parsed.variable, []).append(f"{key}={value}" if key else value)
    return tuple((variable, "  ".join(values)) for variable, values in lines.items())
