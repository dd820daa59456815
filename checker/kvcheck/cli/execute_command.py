"""`kvproof execute`: a known bug's shortest counterexample, executed on the real manager.

It decides how the end is told and which exit code it has; the execution is `kvcheck.bridge`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault, nearest
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.bridge.execute import Execution


@click.command("execute")
@click.argument("bug")
def command(bug: str) -> Exit:
    """Execute BUG's design counterexample on its manager and on the right one.

    Exit codes: 1 the wrong manager is refused at the corresponding step, 10 the run cannot be
    concretised, 3 it is refused elsewhere or the right manager is refused, 5 no refusal.
    """
    from kvcheck.bridge.execute import execute, known_bugs

    known = known_bugs()
    if bug not in known:
        raise Fault(
            f"No bug {bug!r} is known both as a design and as a manager.",
            cause=nearest(bug, known),
            mend="Name one of: " + ", ".join(known) + ".",
        )
    done = execute(bug)
    for line in lines_of(done):
        click.echo(line)
    return exit_of(done)


def exit_of(done: Execution) -> Exit:
    """What the shell is told."""
    from kvcheck.bridge.execute import Bridged

    if done.is_right_refused:
        return Exit.TOOL_FAULT
    return {
        Bridged.REFUSED_THERE: Exit.VIOLATION,
        Bridged.REFUSED_ELSEWHERE: Exit.TOOL_FAULT,
        Bridged.NOT_REFUSED: Exit.NOTHING_RAN,
        Bridged.CANNOT: Exit.INCONCLUSIVE,
    }[done.outcome]


def lines_of(done: Execution) -> list[str]:
    """The end in words."""
    lines = [f"{done.bug}: {done.outcome.value}" + (f": {done.why}" if done.why else "")]
    for number, move in enumerate(done.moves, 1):
        mark = "  <- the right design does not do this" if number == done.departs_at else ""
        lines.append(f"  {number}. {move.action}({', '.join(map(str, move.arguments))}){mark}")
    if done.wrong is not None and done.wrong.refusal is not None:
        refusal = done.wrong.refusal
        label = f" ({refusal.conjunct.label})" if refusal.conjunct is not None else ""
        at = f"step {done.wrong.refused_at} of {len(done.moves)}"
        lines.append(f"  the wrong manager: {at}: {refusal.reason.value}{label}")
    if done.right is not None:
        refused = "refused" if done.right.refusal is not None else "not refused"
        lines.append(f"  the right manager: {done.right.step_count} steps, {refused}")
        if done.right.stopped:
            lines.append(f"    it went no further at {done.right.stopped}")
    return lines
