"""Renamings of interchangeable ids, and the representative of a state under them.

It decides which states are the same up to names. (First stage: the renamings only.)
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Action
from kvspec.lang.state import State
from kvspec.lang.types import SortType

Renaming: TypeAlias = dict[str, tuple[int, ...]]
"""For each interchangeable sort where every id goes; a sort left out stays as it is."""


class Symmetries(Protocol):
    """What the search needs of a symmetry reduction."""

    def canonical(self, state: State) -> tuple[State, Renaming]:
        """The representative of a state and the renaming that leads to it."""
        ...

    def renamed(self, state: State, renaming: Renaming) -> State:
        """The state with every id renamed."""
        ...


def inverse(renaming: Renaming) -> Renaming:
    """The renaming that undoes this one."""
    return {
        sort: tuple(sorted(range(len(there)), key=there.__getitem__))
        for sort, there in renaming.items()
    }


def compose(after: Renaming, before: Renaming) -> Renaming:
    """The renaming that does `before`, then `after`."""
    result = dict(after)
    for sort, there in before.items():
        result[sort] = tuple(after[sort][i] for i in there) if sort in after else there
    return result


def rename_arguments(action: Action, arguments: Arguments, renaming: Renaming) -> Arguments:
    """The arguments of a move between renamed states."""
    return tuple(
        renaming[p.type.name][value]
        if isinstance(p.type, SortType) and p.type.name in renaming
        else value
        for p, value in zip(action.parameters, arguments, strict=True)
    )
