"""`kvproof bugs`: the kill matrix, each known bug against each engine.

It decides whether every claim of every bug was met: a bug says which engines find it. A claim that
is not met exits 1; a selection that is empty exits 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from kvcheck.cli.copy_kills import HEAD as COPY_HEAD
from kvcheck.cli.copy_kills import (
    copy_streams,
    expected_copies,
    measured_copies,
    result_copies,
    row_copies,
)
from kvcheck.cli.manager_kills import (
    RIGHT,
    Measured,
    expected,
    managers,
    measured,
    missed_by_counts,
    result,
    row,
)
from kvcheck.cli.quantities import render_seconds
from kvcheck.cli.settings import Settings, shared_options
from kvcheck.cli.staging_kills import (
    HEAD,
    expected_staged,
    measured_staged,
    result_staged,
    row_staged,
    stagings,
)
from kvcheck.cli.threads_kills import HEAD as SHARED_HEAD
from kvcheck.cli.threads_kills import (
    expected_shared,
    measured_shared,
    result_shared,
    row_shared,
    shared_managers,
)
from kvcheck.fuzz.copy_columns import RIGHT as RIGHT_STREAMS
from kvcheck.fuzz.staging import RIGHT as RIGHT_STAGINGS
from kvcheck.threads.columns import RIGHT as RIGHT_SHARED
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict

if TYPE_CHECKING:
    from kvcheck.cli.accounts import Accounts
    from kvcheck.cli.hunts import Done, Task
    from kvcheck.cli.kills import Hunt
    from kvcheck.cli.output import Output
    from kvspec.bugs import Bug

COLUMNS = ("bounded", "explicit", "induction")
MANAGER = "manager"
Cell = TypeVar("Cell")


@click.command("bugs")
@click.option(
    "--engine",
    "engines",
    type=click.Choice((*COLUMNS, MANAGER)),
    multiple=True,
    help="Only this column; manager: only the checks of what runs.",
)
@shared_options
def command(settings: Settings, *, engines: tuple[str, ...]) -> Exit:
    """Hunt every known bug with every engine and print who killed it, and in how many steps.

    A second table has the bugs of the running manager, each under one kind of check at a time; a
    third those of staging, each under one kind of order, and in lockstep with its design; a fourth
    those of the copy streams; a fifth those of the manager that threads share.
    Exits 0 only if each bug was killed by everything that claims to kill it.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.hunts import Task, run_hunts
    from kvcheck.cli.output import Output
    from kvcheck.cli.searching import now

    chosen, running, staged, copies, shared = choose_all(settings.select)
    if engines and MANAGER not in engines:
        running, staged, copies, shared = [], [], [], []
    columns = [column for column in COLUMNS if not engines or column in engines]
    accounts, out, begun = Accounts(), Output(), now()
    accounts.expected += expected(running) + expected_staged(staged) + expected_copies(copies)
    accounts.expected += expected_shared(shared)
    for bug in chosen:
        accounts.expected += [_claim(bug, column) for column in columns if column in bug.killed_by]
    tasks = [Task(bug.id, column) for bug in chosen for column in columns]
    hunts: dict[Task, Hunt] = {}
    try:
        for done in run_hunts(tasks, settings):
            hunts[done.task] = done.hunt
            _enter(done, accounts, settings)
            if accounts.is_interrupted:
                break
    except KeyboardInterrupt:
        accounts.is_interrupted = True
    _sort(accounts, tasks)
    cells = _measure(running, accounts)
    rows = [_row(b, columns, {c: hunts.get(Task(b.id, c)) for c in columns}) for b in chosen]
    if rows and columns:
        out.table(["row", "bug", "breaks", *columns], rows)
    if running:
        out.line()
        _print_running(out, running, cells)
    _stage(staged, accounts, out)
    _send(copies, accounts, out)
    _share(shared, accounts, out)
    ids = [bug.id for bug in chosen]
    names = list(dict.fromkeys([*ids, *running, *staged, *copies, *shared]))
    bug_count = len({*names} - {RIGHT, RIGHT_STREAMS, RIGHT_SHARED, *RIGHT_STAGINGS})
    _print_end(out, bug_count, accounts, now() - begun)
    return close_books(
        accounts,
        settings,
        command=["bugs", *names],
        options=click.get_current_context().params,
    )


def _enter(done: Done, accounts: Accounts, settings: Settings) -> None:
    """One hunt into the books; its record is kept."""
    from kvcheck.cli.runs import keep_record
    from kvspec.bugs import BUGS

    bug, column = BUGS[done.task.bug], done.task.engine
    accounts.is_interrupted |= done.hunt.is_interrupted
    if done.hunt.record:
        accounts.records.append(keep_record(settings.runs_dir, done.hunt.record))
    if column in bug.killed_by:
        accounts.results.append(_result(bug, column, done.hunt, done.seconds))


def _entered(
    cells: Iterable[Cell], result_of: Callable[[Cell], ObligationResult | None], accounts: Accounts
) -> list[Cell]:
    """The cells as they come to be measured, each claim into the books; Ctrl-C ends them."""
    entered: list[Cell] = []
    if accounts.is_interrupted:
        return entered
    try:
        for cell in cells:
            entered.append(cell)
            claim = result_of(cell)
            accounts.results += [claim] if claim else []
    except KeyboardInterrupt:
        accounts.is_interrupted = True
    return entered


def _measure(running: Sequence[str], accounts: Accounts) -> list[Measured]:
    """Every cell of the second table, into the books."""
    from kvcheck.cli.searching import now
    from kvcheck.fuzz.columns import Column

    cells = (measured(name, column, now) for name in running for column in Column)
    return _entered(cells, result, accounts)


def _stage(staged: Sequence[str], accounts: Accounts, out: Output) -> None:
    """Every cell of the third table, into the books, and the table."""
    from kvcheck.cli.searching import now
    from kvcheck.fuzz.staging_columns import Order

    own = (measured_staged(name, order, now) for name in staged for order in Order)
    cells = _entered(own, result_staged, accounts)
    if staged:
        out.line()
        out.table(list(HEAD), [row_staged(name, cells) for name in staged])


def _send(copies: Sequence[str], accounts: Accounts, out: Output) -> None:
    """Every cell of the fourth table, into the books, and the table."""
    from kvcheck.cli.searching import now
    from kvcheck.fuzz.copy_columns import Look

    own = (measured_copies(name, look, now) for name in copies for look in Look)
    cells = _entered(own, result_copies, accounts)
    if copies:
        out.line()
        out.table(list(COPY_HEAD), [row_copies(name, cells) for name in copies])


def _share(shared: Sequence[str], accounts: Accounts, out: Output) -> None:
    """Every cell of the fifth table, into the books, and the table."""
    from kvcheck.cli.searching import now

    own = (one for name in shared for one in measured_shared(name, now))
    cells = _entered(own, result_shared, accounts)
    if shared:
        out.line()
        out.table(list(SHARED_HEAD), [row_shared(name, cells) for name in shared])


def _print_running(out: Output, running: Sequence[str], cells: Sequence[Measured]) -> None:
    from kvcheck.fuzz.columns import Column

    rows = [row(name, [one for one in cells if one.name == name]) for name in running]
    out.table(["row", "in the running manager", *(column.value for column in Column)], rows)
    out.line(missed_by_counts(cells))


def _sort(accounts: Accounts, tasks: Sequence[Task]) -> None:
    """The order of the matrix, whichever hunt ended first."""
    places = {f"{task.bug}/{task.engine}/any/killed": n for n, task in enumerate(tasks)}
    accounts.results.sort(key=lambda result: places[result.id])
    accounts.records.sort()


def choose_all(
    patterns: Sequence[str],
) -> tuple[tuple[Bug, ...], list[str], list[str], list[str], list[str]]:
    """The bugs whose row or id matches, by row: of designs, manager, staging, copy streams, and of
    the manager that threads share."""
    from kvcheck.cli.choose import select
    from kvcheck.fuzz.columns import known_bugs
    from kvcheck.fuzz.copy_columns import copy_rows
    from kvcheck.fuzz.staging_columns import bug_rows
    from kvspec.bugs import BUGS

    by_name = {f"{bug.row}/{bug.id}": bug.id for bug in BUGS.values()}
    by_name |= {f"{bug.row}/{id}": id for id, bug in known_bugs().items() if id not in BUGS}
    others = {**bug_rows(), **copy_rows()}
    by_name |= {f"{row}/{id}": id for id, row in others.items() if id not in BUGS}
    wide = [p if "/" in p else f"{p}/*" for p in patterns]
    wider = [q for p in patterns if "/" not in p for q in (f"{p}.*/*", f"*/{p}")]
    usable = [p for p in (*wide, *wider) if _matches(p, by_name)]
    ids = [by_name[name] for name in select(tuple(by_name), usable or patterns, what="bug")]
    designs = tuple(BUGS[id] for id in ids if id in BUGS)
    return designs, managers(ids), stagings(ids), copy_streams(ids), shared_managers(ids)


def _matches(pattern: str, names: Mapping[str, str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name.lower(), pattern.lower()) for name in names)


def _claim(bug: Bug, column: str) -> str:
    return f"{bug.id}/{column}/any/killed"


def _result(bug: Bug, column: str, hunt: Hunt, seconds: float) -> ObligationResult:
    """The claim that this engine kills this bug, as an obligation."""
    if hunt.is_kill:
        verdict = Verdict(Outcome.HOLDS, Evidence.OBSERVED, f"{hunt.trace_length} steps")
    elif hunt.open_reason:
        why = f"{column} did not find it: {hunt.open_reason}"
        verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, "", why)
    else:
        verdict = Verdict(Outcome.VIOLATED, Evidence.NONE, "", f"{column} missed it")
    detail = f"found {', '.join(hunt.killed or hunt.other) or 'nothing'}"
    return ObligationResult(_claim(bug, column), verdict, seconds, detail=detail)


def _row(bug: Bug, columns: Sequence[str], hunts: Mapping[str, Hunt | None]) -> list[str]:
    cells = [_cell(bug, column, hunts.get(column)) for column in columns]
    more = f" (+{len(bug.breaks) - 1})" if len(bug.breaks) > 1 else ""
    return [bug.row, bug.id, f"{bug.breaks[0]}{more}", *cells]


def _cell(bug: Bug, column: str, hunt: Hunt | None) -> str:
    claims = column in bug.killed_by
    if hunt is None:
        return "not run" if claims else "-"
    if hunt.is_kill:
        steps = f"{hunt.trace_length} step{'s' * (hunt.trace_length != 1)}"
        return f"killed, {steps}"
    if hunt.other:
        return f"missed, found {', '.join(hunt.other)}"
    if not claims:
        return "- (claims nothing)"
    return f"missed ({hunt.open_reason})" if hunt.open_reason else "missed"


def _print_end(out: Output, bug_count: int, accounts: Accounts, seconds: float) -> None:
    met = sum(result.verdict.outcome is Outcome.HOLDS for result in accounts.results)
    claims = len(set(accounts.expected))
    missed = [r for r in accounts.results if r.verdict.outcome is not Outcome.HOLDS]
    for one in missed:
        out.line(f"{one.id}: {one.verdict.reason} ({one.detail})", style="red")
    for name in accounts.unaccounted():
        out.line(f"{name}: not run", style="yellow")
    out.line(
        f"{bug_count} bugs, {met} of {claims} claims met; {render_seconds(seconds)}. "
        "An induction kill is one step from a state that satisfies every invariant."
    )
