"""`kvproof replay`: a failing case that the fuzzer kept, run again exactly as it ran.

It decides the words and the exit code of what a replay came to; the replay itself is `fuzz.replay`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.cli.output import Output
    from kvcheck.fuzz.corpus import Entry
    from kvcheck.fuzz.replay import Replayed
    from kvcheck.verdict import Verdict


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--manager", help="Run it on this manager: blocks, or the id of a bug.")
@shared_options
def command(settings: Settings, *, file: Path, manager: str | None) -> Exit:
    """Run the case in FILE again, twice, on its recorded schedule.

    Exits 1 where it fails, 0 where the failure is gone, 10 where the record no longer applies, 3
    where the two runs differ. `--manager blocks` shows whether the right manager stands the case.
    A record of a CUDA device has no schedule; if it does not fail on sim, that is no answer: 10.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.faults import Fault
    from kvcheck.cli.output import Output
    from kvcheck.fuzz.corpus import read_entry
    from kvcheck.fuzz.replay import Applies, replay
    from kvcheck.fuzz.runner import run_case
    from kvcheck.verdict import Evidence, ObligationResult

    entry = read_entry(file)
    named = manager or entry.case.manager
    _check_manager(named)
    try:
        replayed = replay(entry, run_case, manager=manager)
    except ValueError as error:
        raise Fault(
            f"{file} cannot be run: {error}",
            cause="The case is of another version, or the manager cannot have its sizes.",
            mend="Find the failure again with `kvproof fuzz`.",
        ) from error
    if replayed.applies is Applies.HIDDEN:
        raise Fault(
            f"{file}: {replayed.applies.value}.",
            cause=replayed.why,
            mend="Nothing is concluded from this case.",
            code=Exit.TOOL_FAULT,
        )
    _tell(Output(), named, entry, replayed)
    kind, detail = entry.failure.key
    result = ObligationResult(
        f"{named}/replay/{kind}/{detail}", _verdict(replayed), 0.0, detail=replayed.why
    )
    accounts = Accounts(records=[file])
    accounts.add([result], Evidence.OBSERVED)
    options = click.get_current_context().params
    return close_books(accounts, settings, command=["replay", str(file)], options=options)


def _check_manager(name: str) -> None:
    from kvcheck.cli.faults import Fault, nearest
    from kvcheck.fuzz.replay import managers

    if name not in managers():
        raise Fault(
            f"There is no manager {name!r}.",
            cause=nearest(name, managers()),
            mend=f"Name {managers()[0]} or the id of a bug of the manager.",
        )


def _verdict(replayed: Replayed) -> Verdict:
    from kvcheck.fuzz.replay import Applies
    from kvcheck.verdict import Evidence, Outcome, Verdict

    match replayed.applies:
        case Applies.SAME | Applies.OTHER:
            return Verdict(Outcome.VIOLATED, Evidence.OBSERVED, "one run")
        case Applies.GONE:
            return Verdict(Outcome.HOLDS, Evidence.OBSERVED, "one run")
        case _:
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, "", replayed.why)


def _tell(out: Output, manager: str, entry: Entry, replayed: Replayed) -> None:
    from kvcheck.fuzz.replay import Applies

    out.line(f"{manager}: {replayed.applies.value}: {replayed.why}", style="bold")
    if replayed.applies is Applies.GONE:
        out.line("One run says no more than that this run is well: `kvproof fuzz` looks at others.")
    if replayed.applies is Applies.DIVERGED:
        return
    out.line(f"schedule: {replayed.ran.line if replayed.ran else entry.line}")
    if replayed.ran is not None and replayed.ran.failure is not None:
        out.line()
        for line in replayed.ran.failure.words.splitlines():
            out.line(line)
