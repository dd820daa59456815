"""One action run line by line, every write noted with the line that made it.

It decides nothing: it is the concrete evaluator with a notebook. What it notes is what a reader
needs when the order of two lines is the fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from kvcheck.trace.record import Effect
from kvcheck.trace.source import source_line
from kvspec.lang.concrete import Arguments, Evaluation
from kvspec.lang.ir import (
    Action,
    Assert,
    Assign,
    Expr,
    Fill,
    Let,
    Model,
    Pop,
    Push,
    Remove,
    SetMember,
    Statement,
)
from kvspec.lang.state import State, cell_name, render_row, row_number

RETURNED = "result"  # the tracer's name for what an inlined helper returns


class _Halted(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Watched:
    """What one step wrote, and where it failed: the assertion and the evaluation at that line.

    `returned` is what each helper's returned value stands for: a name that no author wrote.
    """

    effects: tuple[Effect, ...]
    check: Assert | None
    evaluation: Evaluation
    returned: Mapping[str, Expr]


class _Watcher(Evaluation):
    def __init__(self, model: Model, state: State) -> None:
        super().__init__(model, state)
        self.effects: list[Effect] = []
        self.returned: dict[str, Expr] = {}
        self.check: Assert | None = None

    def run(self, statements: Sequence[Statement]) -> None:
        """As the evaluator's, noting writes and halting at the first false assertion."""
        for statement in statements:
            if isinstance(statement, Assert) and not self.value(statement.condition):
                self.check = statement
                raise _Halted
            if isinstance(statement, Let) and statement.local.name.startswith(RETURNED):
                self.returned[statement.local.name] = statement.value
            if isinstance(statement, Assign | Push | Pop | Remove | SetMember | Fill):
                self._note(statement)
            else:
                super().run((statement,))

    def _note(self, statement: Assign | Push | Pop | Remove | SetMember | Fill) -> None:
        variable = statement.variable
        index = [self.value(i) for i in statement.index]
        rows, row = self.rows[variable.name], row_number(variable.dims, index)
        before = rows[row]
        super().run((statement,))
        self.effects.append(
            Effect(
                cell=cell_name(variable, index),
                before=render_row(variable, before),
                after=render_row(variable, rows[row]),
                source=source_line(statement.at),
            )
        )


def watch(model: Model, state: State, action: Action, arguments: Arguments) -> Watched:
    """Run an action that is enabled here, to its end or to the assertion that fails."""
    run = _Watcher(model, state)
    for parameter, value in zip(action.parameters, arguments, strict=True):
        run.locals[parameter.name] = value
    with suppress(_Halted):
        run.run(action.body)
    return Watched(tuple(run.effects), run.check, run, run.returned)
