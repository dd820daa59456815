"""`kvproof replay`: a failing case that the fuzzer kept, run again exactly as it ran.

It decides the words and the exit code of what a replay came to; the replay itself is `fuzz.replay`.
"""

from __future__ import annotations

from functools import partial
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

FORCED = "one order, forced on cuda; order by races not checked"


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--manager", help="Run it on this manager: blocks, or the id of a bug.")
@click.option(
    "--device",
    type=click.Choice(["sim", "cuda"]),
    default="sim",
    show_default=True,
    help="Where it runs; on cuda its order is forced by gates.",
)
@shared_options
def command(settings: Settings, *, file: Path, manager: str | None, device: str) -> Exit:
    """Run the case in FILE again, twice, on its recorded schedule.

    Exits 1 where it fails, 0 where the failure is gone, 10 where the record no longer applies, 3
    where the two runs differ. `--manager blocks` shows whether the right manager stands the case.
    A record of a CUDA device has no schedule; if it does not fail on sim, that is no answer: 10.

    With --device cuda the order is forced on this machine's GPU, operation by operation. Races are
    not checked there: one that leads to no wrong byte is 10. A gate that is stuck is 3.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.faults import Fault
    from kvcheck.cli.output import Output
    from kvcheck.fuzz.corpus import read_entry
    from kvcheck.fuzz.replay import Applies, looks_for, replay
    from kvcheck.fuzz.runner import run_case
    from kvcheck.verdict import Evidence, ObligationResult

    entry = read_entry(file)
    named = manager or entry.case.manager
    _check_manager(named)
    try:
        if device == "cuda":
            replayed = _forced(file, entry, manager)
        else:
            run = partial(run_case, looks=looks_for(entry, manager))
            replayed = replay(entry, run, manager=manager)
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
    name = "/".join([named, "replay", *(["cuda"] if device == "cuda" else []), *entry.failure.key])
    verdict = _verdict(replayed, FORCED if device == "cuda" else "one run")
    result = ObligationResult(name, verdict, 0.0, detail=replayed.why)
    accounts = Accounts(records=[file])
    accounts.add([result], Evidence.OBSERVED)
    options = click.get_current_context().params
    return close_books(accounts, settings, command=["replay", str(file)], options=options)


def _forced(file: Path, entry: Entry, manager: str | None) -> Replayed:
    """The replay on this machine's GPU. Raises: Fault, where there is none, or it is no answer."""
    from kvcheck.cli.faults import Fault
    from kvcheck.cli.fuzz_command import cuda_found
    from kvcheck.fuzz.forced import DeviceLost, GateFault, forced

    site = cuda_found("A replay")
    try:
        return forced(entry, site, manager=manager)
    except (GateFault, DeviceLost) as error:
        raise Fault(
            f"{file}: the recorded order could not be forced on cuda.",
            cause=str(error)[:1].upper() + str(error)[1:],
            mend="`kvproof replay` without --device runs it on sim.",
            code=Exit.TOOL_FAULT,
        ) from error


def _check_manager(name: str) -> None:
    from kvcheck.cli.faults import Fault, nearest
    from kvcheck.fuzz.replay import managers

    if name not in managers():
        raise Fault(
            f"There is no manager {name!r}.",
            cause=nearest(name, managers()),
            mend=f"Name {managers()[0]} or the id of a bug of the manager.",
        )


def _verdict(replayed: Replayed, bound: str) -> Verdict:
    from kvcheck.fuzz.replay import Applies
    from kvcheck.verdict import Evidence, Outcome, Verdict

    match replayed.applies:
        case Applies.SAME | Applies.OTHER | Applies.SHOWN:
            return Verdict(Outcome.VIOLATED, Evidence.OBSERVED, bound)
        case Applies.GONE:
            return Verdict(Outcome.HOLDS, Evidence.OBSERVED, bound)
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
