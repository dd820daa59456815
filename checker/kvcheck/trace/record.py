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
class RunStep:
    """One step: who took which action with which arguments, and what it changed."""

    number: int
    who: str
    action: str
    arguments: tuple[tuple[str, str], ...]  # (parameter, rendered value)
    argument_values: tuple[int, ...]
    sentence: str
    changes: tuple[CellChange, ...]
    source: SourceLine


@dataclass(frozen=True, slots=True)
class Violation:
    """What went wrong and where: `kind` is "invariant", "assertion", "deadlock" or "goal"."""

    kind: str
    property: str  # its name; for an assertion the action's name
    id: str  # catalogue id such as KV-INV-04, or ""
    message: str  # the property's sentence or the assertion's message
    why: str
    source: SourceLine


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run.

    `machine` and `sizes` rebuild the model; `initial` and `final` are every cell's name and value.
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
