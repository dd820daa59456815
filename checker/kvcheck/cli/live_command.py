"""`kvproof live`: does every fair run of a machine keep its promises?

It decides limits and how the end is told; the search for a loop is `kvcheck.live`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault
from kvcheck.cli.quantities import SIZE
from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.cli.choose import Target
    from kvcheck.cli.output import Output
    from kvcheck.live import Kept
    from kvspec.lang.ir import Model

STATES_DEFAULT = 1_000_000


@click.command("live")
@click.argument("machine")
@click.option("--size", "sizes", type=SIZE, multiple=True, help="A size, as P=2; repeatable.")
@click.option(
    "--states",
    type=click.IntRange(min=1),
    default=STATES_DEFAULT,
    show_default=True,
    help="Give up at more states than this.",
)
@shared_options
def command(
    settings: Settings, *, machine: str, sizes: tuple[tuple[str, int], ...], states: int
) -> Exit:
    """Build every state of MACHINE (a machine or a known bug) and look for a fair loop.

    A promise (`@eventually`) is broken by a run that makes it, goes round for ever without meeting
    it, and is fair to the actions and threads that the promise names. The shortest way to such a
    loop is printed, with who is owed fairness and why the loop is fair to them.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.choose import choose, select
    from kvcheck.cli.output import Output
    from kvcheck.cli.searching import now, unreproduced
    from kvcheck.live import check
    from kvcheck.trace.path import NotReproduced
    from kvcheck.verdict import Evidence, ObligationResult

    target = choose(machine, sizes)
    model = target.model()
    began, budget = now(), settings.budget_seconds
    try:
        found = check(
            model,
            bound=target.size_text,
            states_max=states,
            is_time_up=lambda: budget is not None and now() - began >= budget,
        )
    except NotReproduced as error:
        raise unreproduced(target, error) from error
    if not found:
        raise nothing_promised(target)
    chosen = select(tuple(k.promise.name for k in found), settings.select, what="promise")
    found = tuple(k for k in found if k.promise.name in chosen)
    accounts = Accounts()
    for kept in found:
        seconds = (now() - began) / len(found)
        result = ObligationResult(f"{target.name}/live/{kept.promise.name}", kept.verdict, seconds)
        accounts.add([result], Evidence.EXHAUSTED)
    out = Output()
    for kept in found:
        tell(out, target.name, model, kept)
    given = click.get_current_context().params
    return close_books(accounts, settings, command=["live", target.name], options=given)


def tell(out: Output, name: str, model: Model, kept: Kept) -> None:
    """The verdict in a sentence, and the run that breaks the promise."""
    from kvcheck.live.telling import lines_of

    verdict = kept.verdict
    reason = f" ({verdict.reason})" if verdict.reason else ""
    said = f"{name}: {kept.promise.name}: {verdict.outcome.value}, {verdict.bound}{reason}"
    out.line(said, style="bold")
    for line in lines_of(model, kept.lasso) if kept.lasso is not None else ():
        out.line(line)


def nothing_promised(target: Target) -> Fault:
    """Nothing was checked, which is not to hold."""
    return Fault(
        f"{target.name} makes no promise, so nothing was checked.",
        cause="Only methods marked @eventually are promises; invariants are for `kvproof explore`.",
        mend="Name a machine with promises, or mark a method; docs/liveness.md shows how.",
        code=Exit.NOTHING_RAN,
    )
