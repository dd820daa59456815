"""`kvproof abstract`: a case that the fuzzer kept, as a run of the design with the same bug.

It decides how the end is told and which exit code it has; the abstraction is `kvcheck.bridge`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kvcheck.cli.settings import Settings, Voice, shared_options
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.bridge.abstract import Abstraction
    from kvcheck.verdict import Verdict


@click.command("abstract")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--bug", help="Take it in the design with this bug; default: the manager's own.")
@shared_options
def command(settings: Settings, *, file: Path, bug: str | None) -> Exit:
    """Take the steps of the case in FILE, up to the refused one, in the design with the same bug.

    Exit codes: 1 they are a run of the wrong design and it fails there; 10 they are no run of it,
    nothing fails, or it fails elsewhere; 5 no step of the case is refused; 3 the right design fails
    on them too. With --quiet only the outcome is said.
    """
    from kvcheck.bridge.abstract import abstract
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.faults import Fault
    from kvcheck.cli.output import Output
    from kvcheck.fuzz.corpus import read_entry
    from kvcheck.fuzz.shrink_moves import recorded
    from kvcheck.verdict import Evidence, ObligationResult

    entry = read_entry(file)
    named = bug or entry.case.manager
    check_bug(named)
    case = recorded(entry.case, entry.line) if entry.line else entry.case
    try:
        found = abstract(case, named)
    except ValueError as error:
        raise Fault(
            f"{file} cannot be run: {error}",
            cause="The case is of another version, or the manager cannot have its sizes.",
            mend="Find the failure again with `kvproof fuzz`.",
        ) from error
    out, lines = Output(), lines_of(named, found)
    for line in lines[:1] if settings.voice is Voice.QUIET else lines:
        out.line(line)
    if found.right is not None and found.is_right_failing:
        raise Fault(
            f"{named}: the right design fails on the same steps: {found.right.failing}.",
            cause="The reading puts the manager's steps into the wrong words.",
            mend="Compare the steps with what the manager told. Nothing is concluded.",
            code=Exit.TOOL_FAULT,
        )
    result = ObligationResult(f"{named}/abstract", verdict_of(found), 0.0, detail=found.failing)
    accounts = Accounts(records=[file])
    accounts.add([result], Evidence.OBSERVED)
    options = click.get_current_context().params
    return close_books(accounts, settings, command=["abstract", str(file)], options=options)


def check_bug(name: str) -> None:
    """Raises: Fault, if no design that has a reading has a bug of that name."""
    from kvcheck.bridge.readings import READINGS
    from kvcheck.cli.faults import Fault, nearest
    from kvspec.bugs import BUGS

    known = sorted(bug.id for bug in BUGS.values() if bug.design in READINGS)
    if name not in known:
        raise Fault(
            f"No design that runs are abstracted to has a bug {name!r}.",
            cause=nearest(name, known),
            mend=f"Name one with --bug; it is a bug of {', '.join(READINGS)} in `kvproof list`.",
        )


def verdict_of(found: Abstraction) -> Verdict:
    """What is entered in the books: violated only where the wrong design has the run and fails."""
    from kvcheck.bridge.abstract import Lifted
    from kvcheck.verdict import Evidence, Outcome, Verdict

    bound = f"one run of {len(found.moves)} steps"
    match found.outcome:
        case Lifted.FAILS:
            return Verdict(Outcome.VIOLATED, Evidence.OBSERVED, bound, found.failing)
        case Lifted.NOT_REFUSED:
            return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, found.outcome.value)
        case _:
            why = found.failing or found.outcome.value
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, why)


def lines_of(bug: str, found: Abstraction) -> list[str]:
    """The end in words: the outcome first, then the steps, and what others make of them."""
    from kvcheck.bridge.abstract import Lifted

    why = f": {found.failing}" if found.failing else ""
    lines = [f"{bug}: {found.outcome.value}{why}"]
    for number, move in enumerate(found.moves, 1):
        lines.append(f"  {number}. {move.action}({', '.join(map(str, move.arguments))})")
    if found.right is not None:
        is_run = found.right.outcome is Lifted.HOLDS
        why = found.right.failing
        said = "has the run, and nothing fails" if is_run else f"has no such run: {why}"
        if not found.is_right_failing:
            lines.append(f"  the right design {said}")
    if found.shortest:
        lines.append(f"  the search's own run to a failure has {found.shortest} steps")
    return lines
