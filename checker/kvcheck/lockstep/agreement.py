"""What is shown and the design's state, compared field by field in one function.

It decides whether they agree; which cell does not is `frontier`'s to say. The idea: the function is
written out for the fields of one design. Rows that are shown as they are cost one comparison; rows
that have to be worded first are compared anew only if the row, or what is shown of it, differs from
the pair that agreed last. What is kept of that pair cannot change: sets in it have been hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from kvspec.events import Observation
from kvspec.lang.state import State

if TYPE_CHECKING:  # a design has its agreement, so `tiers` imports this module
    from kvcheck.lockstep.tiers import Field, Requests

Agree: TypeAlias = "Callable[[Observation, State, Requests], bool]"

_BY_NAME = {name: number for number, name in enumerate(Observation._fields)}
_OF_SETS = ("holders", "queued", "expiring")  # a set that changes equals a frozenset; no list does


def agreement(fields: Sequence[Field], row_count: int) -> Callable[[], Agree]:
    """Makes, for each judge anew: whether every field that is shown is what the state says.

    That function raises TypeError if a cell is shown that may change behind the judge's back.
    """
    names: dict[str, Any] = {"frozen": frozen}  # Any: what exec defines has no static type
    worded = [number for number, field in enumerate(fields) if not field.is_plain]
    lines = ["def make():"]
    lines += [f"    w{n} = k{n} = None" for n in worded]
    lines.append("    def agree(seen, state, requests):")
    if worded:
        lines.append("        nonlocal " + ", ".join(f"w{n}, k{n}" for n in worded))
    lines.append("        " + "".join(f"s{n}, " for n in range(len(_BY_NAME))) + "= seen")
    lines.append("        " + "".join(f"v{n}, " for n in range(row_count)) + "= state")
    for number, field in enumerate(fields):
        cell, rows = f"s{_BY_NAME[field.name]}", f"v{field.variable}"
        if number not in worded:
            lines.append(f"        if {cell} is not None and {cell} != {rows}: return False")
            continue
        names[f"words{number}"], names[f"brings{number}"] = field.words, field.brings
        same = " and ".join(
            f"({now} is {then}{number} or {now} == {then}{number})"
            for now, then in ((rows, "w"), (cell, "k"))
        )
        brought = cell if field.brings is None else f"brings{number}({cell})"
        wanted = rows if field.equal_unworded else f"words{number}({rows}, requests)"
        kept = f"frozen({cell})" if field.name in _OF_SETS else cell
        lines += [
            f"        if {cell} is not None and not ({same}):",
            f"            if {brought} != {wanted}: return False",
            f"            w{number}, k{number} = {rows}, {kept}",
        ]
    lines += ["        return True", "    return agree"]
    exec(compile("\n".join(lines), "<agreement>", "exec"), names)
    make: Callable[[], Agree] = names["make"]
    return make


def frozen(cell: object) -> object:
    """The cell itself, which cannot change.

    Raises:
        TypeError: it has no hash, so it can.
    """
    try:
        hash(cell)
    except TypeError as error:
        raise TypeError(
            f"The implementation shows {cell!r}, which can change while a judge keeps it. A set or"
            " a list was passed where an Observation has frozensets and tuples. Show copies that"
            " cannot change."
        ) from error
    return cell
