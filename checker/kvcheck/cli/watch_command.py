"""`kvproof watch`: a torch program of one's own on the simulated device: races, use after free.

It decides which orders are run, the words and the exit code; watching is `kvcheck.watch`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings, filterwarnings

import click

from kvcheck.cli.faults import Fault
from kvcheck.cli.quantities import DURATION
from kvcheck.cli.result_file import RESULT_FILE
from kvcheck.cli.settings import CacheUse, Settings, Voice
from kvcheck.verdict import Evidence, Exit, ObligationResult

if TYPE_CHECKING:
    from kvcheck.cli.output import Output
    from kvcheck.cli.watch_program import Program
    from kvcheck.watch.checking import Checked

BUDGET_DEFAULT = 60.0
ALL = "all"


class Orders(click.ParamType[int]):
    """A number of random orders, or `all`, which is -1."""

    name = "number or all"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The number."""
        if value == ALL:
            return -1
        if not str(value).isdecimal():
            self.fail(f"{value!r} is no number of orders: write 10, or all.", param, ctx)
        return int(str(value))


@click.command("watch")
@click.argument("program", metavar="PROGRAM.py[:FUNCTION]")
@click.argument("words", nargs=-1, metavar="[-- ARGS]")
@click.option(
    "--orders",
    type=Orders(),
    default="10",
    show_default=True,
    help="Random orders besides host first and eager; all: every order that can differ.",
)
@click.option("--budget", type=DURATION, help="Stop after this time; for all orders default 60s.")
@click.option("--seed", type=int, default=0, show_default=True, help="For the random orders.")
@click.option("--json", "json_path", type=RESULT_FILE, help="Write the result.")
@click.option("--junit", "junit_path", type=RESULT_FILE, help="JUnit XML.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    *,
    program: str,
    words: tuple[str, ...],
    orders: int,
    budget: float | None,
    seed: int,
    json_path: Path | None,
    junit_path: Path | None,
    quiet: bool,
) -> Exit:
    """Run a torch program on a simulated GPU, order after order, and report its races.

    The file is run as a script, or a function of it is called with ARGS. What it prints is dropped.
    A call that is not modelled, or an exception of the program, is inconclusive: 10.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.output import Output
    from kvcheck.cli.watch_program import torch_is_there

    if not torch_is_there():
        raise Fault(
            "torch is not installed, and nothing was run.",
            cause="A torch program is run by torch itself; its build for CPU is enough.",
            mend="Install it: pip install torch, or `make device` in a checkout.",
            code=Exit.ENVIRONMENT_ABSENT,
        )
    settings = Settings(
        budget_seconds=budget,
        seed=seed,
        jobs=1,
        select=(),
        json_path=json_path,
        junit_path=junit_path,
        ledger_path=None,
        cache=CacheUse.OFF,
        voice=Voice.QUIET if quiet else Voice.NORMAL,
        runs_dir=Path(".kvproof"),
    )
    named = program_named(program, words)
    checked, seconds, is_interrupted = examined(named, settings, orders)
    accounts = Accounts(is_interrupted=is_interrupted)
    accounts.add([ObligationResult(f"{named}/watch", checked.verdict, seconds)], Evidence.OBSERVED)
    accounts.searches.append(
        {
            "program": str(named),
            "findings": [{"text": f.report.text, "schedule": f.line} for f in checked.found],
        }
    )
    tell(Output(), named, checked)
    given = click.get_current_context().params
    return close_books(accounts, settings, command=["watch", program], options=given)


def program_named(name: str, words: tuple[str, ...]) -> Program:
    """The program. Raises: Fault."""
    from kvcheck.cli.watch_program import ProgramError, program_of

    try:
        return program_of(name, words)
    except ProgramError as error:
        raise Fault(str(error), cause="", mend="") from error


def examined(named: Program, settings: Settings, orders: int) -> tuple[Checked, float, bool]:
    """What the runs showed, the seconds, and whether Ctrl-C ended them. Raises: Fault."""
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.searching import interruptible, now
    from kvcheck.schedule import Budget
    from kvcheck.watch.checking import Unrepeated, examine, habitual

    began, ticker = now(), Ticker(settings.voice, clock=now)
    seconds = settings.budget_seconds
    if orders < 0 and seconds is None:
        seconds = BUDGET_DEFAULT

    def is_time_up() -> bool:
        return seconds is not None and now() - began >= seconds

    try:
        with interruptible() as interrupted, redirect_stdout(StringIO()), _numpy_unasked():
            checked = examine(
                named,
                schedules=habitual(seed=settings.seed, random_runs=max(0, orders)),
                budget=Budget(seconds=seconds, clock=now) if orders < 0 else None,
                is_over=lambda: interrupted() or is_time_up(),
                tell=lambda runs: ticker.tell(
                    {"schedules": runs, "seconds": round(now() - began, 1)}
                ),
            )
    except Unrepeated as error:
        raise Fault(
            f"{named} does not do the same twice under one schedule.",
            cause=str(error),
            mend="Nothing is concluded from its runs.",
            code=Exit.TOOL_FAULT,
        ) from error
    finally:
        ticker.done()
    return checked, now() - began, interrupted.is_asked


@contextmanager
def _numpy_unasked() -> Iterator[None]:
    """torch warns where numpy is absent; no program under watch can use it, so it says nothing."""
    with catch_warnings():
        filterwarnings("ignore", message="Failed to initialize NumPy")
        yield


def tell(out: Output, named: Program, checked: Checked) -> None:
    """Each finding in prose, what ended the program, and the verdict in a sentence."""
    for report in checked.reports:
        for line in report.text.splitlines():
            out.line(line)
        out.line()
    verdict = checked.verdict
    reason = f" ({verdict.reason})" if verdict.reason else ""
    evidence = f", {verdict.evidence.value}" if verdict.outcome.value == "holds" else ""
    said = f"{named}: {verdict.outcome.value}{evidence}, {verdict.bound}{reason}"
    out.line(said, style="bold")
    if checked.error is not None and checked.found:
        from kvcheck.watch.checking import told

        out.line(f"The program ended with {told(checked.error)}")
