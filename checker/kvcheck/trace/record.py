"""A run as data: enough to retell it in words, tables and pages years later, without the spec.

It decides what a record holds; `trace.file` writes and reads it, `report` tells it. Everything in
it is text or numbers, rendered when the run was re-executed by the concrete evaluator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SCHEMA = "kvproof.run/1"


class RunKind(Enum):
    """`COUNTEREXAMPLE`: from an initial state to a violation. `CTI`: a counterexample to induction,
    two states and a step, the first perhaps unreachable. `WITNESS`: a run that reaches a goal."""

    COUNTEREXAMPLE = "counterexample"
    CTI = "counterexample to induction"
    WITNESS = "witness"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the spec: its file (relative to the package), line, column and text."""

    file: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell that a step changed."""

    cell: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Effect:
    """One write inside a step, in the order of the lines: the cell, its values, and the line."""

    cell: str
    before: str
    after: str
    source: SourceLine


@dataclass(frozen=True, slots=True)
class RunStep:
    """One step: who took which action with which arguments, and what it changed.

    `changes` is the net difference, `effects` every write in order: the two differ where a step
    writes a cell twice, and the order of two writes may be the whole story.
    """

    number: int
    who: str
    action: str
    arguments: tuple[tuple[str, str], ...]  # (parameter, rendered value)
    argument_values: tuple[int, ...]
    sentence: str
    changes: tuple[CellChange, ...]
    source: SourceLine
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """What went wrong and where: `kind` is "invariant", "assertion", "deadlock" or "goal".

    `formula` is the whole condition; `failing` its smallest part that is to blame, for the
    `bindings` of the quantified names; `instance` is that part with values for names, and `values`
    are the cells which it read.
    """

    kind: str
    property: str  # its name; for an assertion the action's name
    id: str  # catalogue id such as KV-INV-04, or ""
    message: str  # the property's sentence or the assertion's message
    why: str
    source: SourceLine
    formula: str = ""
    failing: str = ""
    bindings: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    instance: str = ""


class ShapeKind(Enum):
    """What the cells of a variable hold."""

    SCALAR = "scalar"
    ENUM = "enum"
    SET = "set"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Shape:
    """A variable or constant by name: what its cells hold, and for a queue how many fit."""

    name: str
    kind: ShapeKind
    capacity: int = 0
    ghost: bool = False


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run.

    `machine` and `sizes` rebuild the model; `initial` and `final` are every cell's name and value,
    `constants` those that never change.
    When an assertion failed, the last step is the failing one and `final` what it had done so far.
    """

    schema: str
    kind: RunKind
    machine: str
    sizes: tuple[tuple[str, int], ...]
    tool_version: str
    engine: str
    sentence: str
    initial: tuple[tuple[str, str], ...]
    steps: tuple[RunStep, ...]
    final: tuple[tuple[str, str], ...]
    violation: Violation | None
    rerun: str  # the command that shows it again
    subject: str = ""  # what the machine is, or what is wrong with it, in a sentence
    constants: tuple[tuple[str, str], ...] = ()
    shapes: tuple[Shape, ...] = ()
