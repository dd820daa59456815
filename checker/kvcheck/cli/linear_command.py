"""`kvproof linear`: do threads that share one manager see what the contract allows?

It decides what is drawn, for how long, and how the end is told; histories and their verdicts are
`kvcheck.linear`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault, nearest
from kvcheck.cli.quantities import DURATION
from kvcheck.cli.result_file import RESULT_FILE
from kvcheck.cli.settings import CacheUse, Settings, Voice
from kvcheck.verdict import Evidence, Exit, ObligationResult

if TYPE_CHECKING:
    from kvcheck.cli.output import Output
    from kvcheck.linear.campaign import Campaign, Plan
    from kvcheck.linear.drive import Build

COUNT = click.IntRange(min=1)


@click.command("linear")
@click.option(
    "--on",
    "where",
    type=click.Choice(["threads", "sim"]),
    default="threads",
    show_default=True,
    help="Real threads, or the simulated device's, in an order that the seed draws.",
)
@click.option("--runs", "runs_max", type=COUNT, default=1000, show_default=True)
@click.option("--operations", "operation_count", type=COUNT, default=200, show_default=True)
@click.option("--threads", "thread_count", type=COUNT, default=3, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="For what is drawn.")
@click.option(
    "--manager", default="blocks", show_default=True, help="blocks, or a known bug of the manager."
)
@click.option("--budget", type=DURATION, help="Stop after this time, as 90s or 10m.")
@click.option("--json", "json_path", type=RESULT_FILE, help="Write the result.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    *,
    where: str,
    runs_max: int,
    operation_count: int,
    thread_count: int,
    seed: int,
    manager: str,
    budget: float | None,
    json_path: Path | None,
    quiet: bool,
) -> Exit:
    """Draw histories of threads that share one block manager, and look for an order of the calls.

    Each block's calls must have an order in which one caller alone could have had the same answers
    from the contract. The first history that has none is printed, with the longest order that fits.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.output import Output
    from kvcheck.linear.campaign import Plan, Where
    from kvcheck.linear.drive import Program

    program = Program(seed=seed, operation_count=operation_count, thread_count=thread_count)
    plan = Plan(program=program, runs_max=runs_max, where=Where(where))
    settings = Settings(
        budget_seconds=budget,
        seed=seed,
        jobs=1,
        select=(),
        json_path=json_path,
        junit_path=None,
        ledger_path=None,
        cache=CacheUse.OFF,
        voice=Voice.QUIET if quiet else Voice.NORMAL,
        runs_dir=Path(".kvproof"),
    )
    done, seconds = examined(plan, settings, build_of(manager))
    accounts = Accounts(is_interrupted=done.is_interrupted)
    result = ObligationResult(f"{manager}/linear", done.verdict(), seconds)
    accounts.add([result], Evidence.OBSERVED)
    tell(Output(), manager, done)
    given = click.get_current_context().params
    return close_books(accounts, settings, command=["linear"], options=given)


def examined(plan: Plan, settings: Settings, build: Build) -> tuple[Campaign, float]:
    """The campaign and its seconds; Ctrl-C or a polite kill ends it with what it has."""
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.searching import interruptible, now
    from kvcheck.linear.campaign import examine

    began, ticker, budget = now(), Ticker(settings.voice, clock=now), settings.budget_seconds
    try:
        with interruptible() as interrupted:
            done = examine(
                plan,
                build=build,
                is_time_up=lambda: budget is not None and now() - began >= budget,
                is_interrupted=interrupted,
                tell=lambda so_far: ticker.tell(
                    {"histories": so_far.run_count, "seconds": round(now() - began, 1)}
                ),
            )
    finally:
        ticker.done()
    return done, now() - began


def build_of(manager: str) -> Build:
    """What builds the manager that is named. Raises: Fault."""
    from kvcheck.linear import managers

    known = managers.names()
    if manager not in known:
        raise Fault(
            f"There is no manager {manager!r} to examine.",
            cause=nearest(manager, known),
            mend="Name blocks, or a bug of kvimpl.bugs, with --manager.",
        )
    return managers.build_of(manager)


def tell(out: Output, manager: str, done: Campaign) -> None:
    """The verdict in a sentence; for a failure the longest order, and how to have it again."""
    verdict = done.verdict()
    reason = f" ({verdict.reason})" if verdict.reason else ""
    said = f"{manager}: linearizable: {verdict.outcome.value}, {verdict.bound}{reason}"
    out.line(said, style="bold")
    if done.failed is None or done.failed_program is None:
        return
    for line in done.failed.lines():
        out.line(line)
    program, where = done.failed_program, done.plan.where
    out.line()
    out.line(
        f"again: kvproof linear --on {where.value} --manager {manager} --seed {program.seed} "
        f"--operations {program.operation_count} --threads {program.thread_count} --runs 1"
        + ("" if where.value == "sim" else "   (real threads may not meet again)")
    )
