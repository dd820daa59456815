"""`kvproof execute`: a known bug's shortest counterexample, executed on the real manager.

It decides how the end is told and which exit code it has; the execution is `kvcheck.bridge`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kvcheck.cli.settings import Settings, Voice, shared_options
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.bridge.execute import Execution
    from kvcheck.bridge.player import Played
    from kvcheck.verdict import Verdict


@click.command("execute")
@click.argument("bug")
@shared_options
def command(settings: Settings, *, bug: str) -> Exit:
    """Execute BUG's design counterexample on its manager and on the right one.

    Exit codes: 1 the wrong manager is refused at the corresponding step, or in the call that makes
    it; 10 the run cannot be concretised, 3 it is refused elsewhere or the right manager is refused,
    5 no refusal. With --quiet only the outcome is said.
    """
    from kvcheck.bridge.execute import execute, known_bugs
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.faults import Fault, nearest
    from kvcheck.cli.output import Output
    from kvcheck.verdict import Evidence, ObligationResult

    known = known_bugs()
    if bug not in known:
        raise Fault(
            f"No bug {bug!r} is known both as a design and as a manager.",
            cause=nearest(bug, known),
            mend="Name one that both tables of `kvproof bugs` have.",
        )
    done = execute(bug)
    out, lines = Output(), lines_of(done)
    for line in lines[:1] if settings.voice is Voice.QUIET else lines:
        out.line(line)
    if is_at_fault(done):
        raise Fault(
            f"{bug}: {verdict_of(done).reason}.",
            cause="The two sides are not the same bug, or the judge is wrong.",
            mend="Compare the refusal with the step that is marked. Nothing is concluded.",
            code=Exit.TOOL_FAULT,
        )
    result = ObligationResult(f"{bug}/execute", verdict_of(done), 0.0, detail=done.why)
    accounts = Accounts()
    accounts.add([result], Evidence.OBSERVED)
    options = click.get_current_context().params
    return close_books(accounts, settings, command=["execute", bug], options=options)


def is_at_fault(done: Execution) -> bool:
    """Whether the two sides are not the same bug, or the judge refuses what is right."""
    from kvcheck.bridge.execute import Bridged

    return done.is_right_refused or done.outcome is Bridged.REFUSED_ELSEWHERE


def verdict_of(done: Execution) -> Verdict:
    """What is entered in the books: violated only where both sides are the same bug."""
    from kvcheck.bridge.execute import Bridged
    from kvcheck.verdict import Evidence, Outcome, Verdict

    bound = f"one run of {len(done.moves)} steps"
    if is_at_fault(done):
        reason = "the right manager is refused" if done.is_right_refused else done.outcome.value
        return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, reason)
    if done.outcome.is_met:
        return Verdict(Outcome.VIOLATED, Evidence.OBSERVED, bound, done.outcome.value)
    if done.outcome is Bridged.NOT_REFUSED:
        return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, done.outcome.value)
    return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, done.outcome.value)


def exit_of(done: Execution) -> Exit:
    """What the shell is told."""
    from kvcheck.verdict import Outcome

    if is_at_fault(done):
        return Exit.TOOL_FAULT
    return {
        Outcome.VIOLATED: Exit.VIOLATION,
        Outcome.NOT_RUN: Exit.NOTHING_RAN,
        Outcome.INCONCLUSIVE: Exit.INCONCLUSIVE,
    }[verdict_of(done).outcome]


def lines_of(done: Execution) -> list[str]:
    """The end in words: the outcome first, then the steps, the calls beside them, and both ends."""
    lines = [f"{done.bug}: {done.outcome.value}" + (f": {done.why}" if done.why else "")]
    silent = [call for call in done.script if call.is_silent]
    if silent:
        lines.append(f"  calls without a step: {done.silently}")
    if warm := [call.words for call in silent if call.first == 0]:
        lines.append(f"  warm-up: {', '.join(warm)}")
    for number, move in enumerate(done.moves, 1):
        mark = "  <- the right design does not do this" if number == done.departs_at else ""
        lines.append(f"  {number}. {move.action}({', '.join(map(str, move.arguments))}){mark}")
        if beside := [call.words for call in silent if call.first == number]:
            lines.append(f"     and besides: {', '.join(beside)}")
    if done.wrong is not None and done.wrong.refusal is not None:
        lines.append(_refused(done.wrong, len(done.moves)))
        lines += [
            f"    {d.cell}: the manager has {d.shown}, the design {d.wanted}"
            for d in done.wrong.refusal.disagreements
        ]
    if done.right is not None:
        refused = "refused" if done.right.refusal is not None else "not refused"
        lines.append(f"  the right manager: {done.right.step_count} steps, {refused}")
        if done.right.stopped:
            lines.append(f"    it went no further at {done.right.stopped}")
    return lines


def _refused(wrong: Played, count: int) -> str:
    refusal, call = wrong.refusal, wrong.refused_call
    if refusal is None or call is None:
        return "  the wrong manager: not refused"
    label = f" ({refusal.conjunct.label})" if refusal.conjunct is not None else ""
    steps = (
        f"step {call.first}" if call.first == call.last else f"steps {call.first} to {call.last}"
    )
    return f"  the wrong manager: {steps} of {count}: {refusal.reason.value}{label}"
