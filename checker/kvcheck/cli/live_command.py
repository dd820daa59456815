"""`kvproof live`: does every fair run of a machine keep its promises?

It decides limits and how the end is told; the search for a loop is `kvcheck.live`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault
from kvcheck.cli.quantities import SIZE
from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Exit, Outcome

if TYPE_CHECKING:
    from kvcheck.cli.choose import Target
    from kvcheck.cli.output import Output
    from kvcheck.live import Kept
    from kvcheck.live.ranking import Ranked
    from kvspec.lang.ir import Model

STATES_DEFAULT = 1_000_000
SEARCH, MEASURE = "search", "measure"


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
@click.option(
    "--by",
    "means",
    type=click.Choice([SEARCH, MEASURE]),
    default=SEARCH,
    show_default=True,
    help="Search all states for a loop, or prove it by the measure that the promise states.",
)
@shared_options
def command(
    settings: Settings,
    *,
    machine: str,
    sizes: tuple[tuple[str, int], ...],
    states: int,
    means: str,
) -> Exit:
    """Build every state of MACHINE (a machine or a known bug) and look for a fair loop.

    A promise (`@eventually`) is broken by a run that makes it, goes round for ever without meeting
    it, and is fair to the actions and threads that the promise names. The shortest way to such a
    loop is printed, with who is owed fairness and why the loop is fair to them.

    `--by measure` looks at no run: it proves that the promise's own measure goes down until the
    promise is met, at sizes that no search could hold. What refuses a measure is not a broken
    promise.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.choose import choose, select
    from kvcheck.cli.output import Output
    from kvcheck.cli.searching import now
    from kvcheck.verdict import Evidence, ObligationResult

    target = choose(machine, sizes)
    model = target.model()
    began = now()
    out = Output()
    found = examined(target, model, settings, out, states_max=states, means=means)
    if not found:
        raise nothing_promised(target)
    chosen = select(tuple(k.promise.name for k in found), settings.select, what="promise")
    found = [k for k in found if k.promise.name in chosen]
    accounts = Accounts()
    for kept in found:
        seconds = (now() - began) / len(found)
        result = ObligationResult(f"{target.name}/live/{kept.promise.name}", kept.verdict, seconds)
        accounts.add([result], Evidence.EXHAUSTED if means == SEARCH else Evidence.PROVED_AT_SIZE)
    for kept in found:
        tell(out, target.name, model, kept)
    given = click.get_current_context().params
    return close_books(accounts, settings, command=["live", target.name], options=given)


def examined(
    target: Target,
    model: Model,
    settings: Settings,
    out: Output,
    *,
    states_max: int,
    means: str,
) -> Sequence[Kept | Ranked]:
    """Every promise, searched or proved. Raises: Fault, if what was found is not so."""
    from kvcheck.cli.effort import usable_cores
    from kvcheck.cli.searching import check_width, now, unreproduced
    from kvcheck.live import check
    from kvcheck.trace.path import NotReproduced

    began, budget, bound = now(), settings.budget_seconds, target.size_text

    def is_time_up() -> bool:
        return budget is not None and now() - began >= budget

    try:
        if means == SEARCH:
            check_width(target, model)
            return check(model, bound=bound, states_max=states_max, is_time_up=is_time_up)
        from kvcheck.cli.prove_command import open_cache
        from kvcheck.live.ranking import rank
        from kvcheck.solve.options import SolveOptions

        cache = open_cache(settings)
        ranked = rank(
            model,
            bound=bound,
            options=SolveOptions(seed=settings.seed),
            clock=now,
            is_time_up=is_time_up,
            jobs=settings.jobs or usable_cores(),
            cache=cache,
        )
        for warning in cache.warnings if cache is not None else ():
            out.line(warning, style="yellow")
        return ranked
    except NotReproduced as error:
        raise unreproduced(target, error) from error


def tell(out: Output, name: str, model: Model, kept: Kept | Ranked) -> None:
    """The verdict in a sentence; the run that breaks the promise, or what refuses its measure."""
    from kvcheck.live import Kept
    from kvcheck.live.telling import breach_lines, lines_of

    verdict = kept.verdict
    reason = f" ({verdict.reason})" if verdict.reason else ""
    evidence = f" {verdict.evidence.value}," if verdict.outcome is Outcome.HOLDS else ""
    said = (
        f"{name}: {kept.promise.name}: {verdict.outcome.value},{evidence} {verdict.bound}{reason}"
    )
    out.line(said, style="bold")
    lines: Sequence[str] = ()
    if isinstance(kept, Kept):
        lines = lines_of(model, kept.lasso) if kept.lasso is not None else ()
    elif kept.breach is not None:
        lines = breach_lines(model, kept.promise, kept.breach)
    for line in lines:
        out.line(line)


def nothing_promised(target: Target) -> Fault:
    """Nothing was checked, which is not to hold."""
    return Fault(
        f"{target.name} makes no promise, so nothing was checked.",
        cause="Only methods marked @eventually are promises; invariants are for `kvproof explore`.",
        mend="Name a machine with promises, or mark a method; docs/liveness.md shows how.",
        code=Exit.NOTHING_RAN,
    )
