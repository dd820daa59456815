"""The spec language: what an author of a design imports."""

from kvspec.lang.containers import Constant, Fifo, Ghost, Map, Set, UniqueFifo
from kvspec.lang.ir import Model, Strength
from kvspec.lang.machine import Machine
from kvspec.lang.marks import (
    action,
    assume,
    eventually,
    goal,
    init,
    invariant,
    lemma,
    terminal,
    thread,
)
from kvspec.lang.sorts import Capacity, Range, Record, Size, Sort, implies, require

__all__ = [
    "Capacity",
    "Constant",
    "Fifo",
    "Ghost",
    "Machine",
    "Map",
    "Model",
    "Range",
    "Record",
    "Set",
    "Size",
    "Sort",
    "Strength",
    "UniqueFifo",
    "action",
    "assume",
    "eventually",
    "goal",
    "implies",
    "init",
    "invariant",
    "lemma",
    "require",
    "terminal",
    "thread",
]
