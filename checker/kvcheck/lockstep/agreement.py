"""What is to be shown: the design's state in shown words, cell by cell, compared as a whole.

It decides whether a whole observation is as wanted; which cell is not, and whether that matters, is
`frontier`'s to say. The idea: a step of the design writes few of its rows, known from its text, so
only these are worded again; then one comparison has every cell of what is shown, whoever wrote it
and whether or not the design's step did. Cells of numbers that agree are kept as the objects that
are shown, so that what nobody wrote is found equal without a look inside. Sets and keys are not:
one that is shown could change behind the judge's back and yet be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from kvcheck.lockstep.compiled import Written
from kvspec.events import Observation
from kvspec.lang.concrete import Arguments
from kvspec.lang.state import State

if TYPE_CHECKING:  # a design has its wording, so `tiers` imports this module
    from kvcheck.lockstep.tiers import Field, Requests

Cells: TypeAlias = list[object]
Reword: TypeAlias = "Callable[[Cells, State, Requests, Observation, Arguments], None]"

PLACE = {name: place for place, name in enumerate(Observation._fields)}
_CHANGEABLE = ("holders", "queued", "expiring")


@dataclass(frozen=True, slots=True)
class Rewords:
    """Functions that keep the cells: `by_action` after a step, `everything` from nothing."""

    by_action: Mapping[str, Reword]
    everything: Reword


class Wording:
    """How the states of one design are shown; what it makes is shared by judges.

    `written` says what each action may write. Keys are not worded: a design knows only which there
    are, and the ghosts know them.
    """

    def __init__(self, fields: Sequence[Field], written: Mapping[str, Written]) -> None:
        self._fields = [field for field in fields if field.name != "keys"]
        self._written = written
        self._made: dict[frozenset[str], Rewords] = {}

    def rewords(self, blind: frozenset[str]) -> Rewords:
        """The functions for who shows all fields but these."""
        made = self._made.get(blind)
        if made is None:
            made = self._made[blind] = self._make(blind)
        return made

    def _make(self, blind: frozenset[str]) -> Rewords:
        fields = [field for field in self._fields if field.name not in blind]
        names: dict[str, Any] = {}  # Any: what exec defines has no static type
        lines = []
        for number, written in enumerate(self._written.values()):
            lines += _function(f"reword{number}", fields, written, names)
        everything = {field.variable: None for field in fields}
        lines += _function("everything", fields, everything, names)
        exec(compile("\n".join(lines), "<rewords>", "exec"), names)
        by_action = {action: names[f"reword{n}"] for n, action in enumerate(self._written)}
        return Rewords(by_action, names["everything"])


def _function(
    name: str, fields: Iterable[Field], written: Written, names: dict[str, Any]
) -> list[str]:
    """One that words anew the fields that are written."""
    lines = [f"def {name}(cells, state, requests, seen, chosen):", "    pass"]
    for field in fields:
        if field.variable not in written:
            continue
        argument, place = written[field.variable], PLACE[field.name]
        row = f"state[{field.variable}]"
        if field.cell is not None and argument is not None:
            names[f"cell_{field.name}"] = field.cell
            lines += [
                f"    row, place = list(cells[{place}]), chosen[{argument}]",
                f"    row[place] = cell_{field.name}({row}[place], requests)",
                f"    cells[{place}] = tuple(row)",
            ]
            continue
        if not field.is_plain and not field.equal_unworded:
            names[f"words_{field.name}"] = field.words
            row = f"words_{field.name}({row}, requests)"
        if field.name in _CHANGEABLE:
            lines.append(f"    cells[{place}] = {row}")
        else:
            lines.append(f"    wanted, shown = {row}, seen[{place}]")
            lines.append(f"    cells[{place}] = shown if shown == wanted else wanted")
    return lines
