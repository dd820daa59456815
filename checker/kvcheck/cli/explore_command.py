"""`kvproof explore`: every state of one machine, or its shortest counterexample.

It decides which limits the search gets and how its end is told; the search itself is the engine's.
"""

from __future__ import annotations

from pathlib import Path

import click

from kvcheck.cli.quantities import DURATION, MEMORY, SIZE
from kvcheck.cli.settings import CacheUse, Settings, shared_options
from kvcheck.verdict import Exit

__all__ = ["DURATION", "command"]


@click.command("explore")
@click.argument("machine")
@click.option("--size", "sizes", type=SIZE, multiple=True, help="A size, as P=2; repeatable.")
@click.option("--depth", type=click.IntRange(min=0), help="Search no deeper than this.")
@click.option("--states", type=click.IntRange(min=1), help="Stop after this many states.")
@click.option("--memory", type=MEMORY, help="Stop at this much memory, as 8GiB.")
@click.option("--no-symmetry", is_flag=True, help="Count states that differ by renaming apart.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "python", "compiled"]),
    default="auto",
    show_default=True,
    help="auto: Python at once, compiled code when it is ready.",
)
@click.option("--coverage", is_flag=True, help="How often each guard conjunct was true and false.")
@click.option("--all", "find_all", is_flag=True, help="Go on after the first violation.")
@shared_options
def command(
    settings: Settings,
    *,
    machine: str,
    sizes: tuple[tuple[str, int], ...],
    depth: int | None,
    states: int | None,
    memory: int | None,
    no_symmetry: bool,
    engine: str,
    coverage: bool,
    find_all: bool,
) -> Exit:
    """Search every state of MACHINE (a machine or a known bug) breadth-first.

    Checks invariants, assertions inside actions, deadlock, and that goals are reached. A violation
    is printed with the shortest run that leads to it.
    """
    from kvcheck.cli.choose import choose
    from kvcheck.cli.explore_report import report_search
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.searching import now, search
    from kvcheck.explore.options import AfterViolation, Coverage, Engine, Options, Symmetry

    target = choose(machine, sizes)
    options = Options(
        engine=Engine(engine),
        symmetry=Symmetry.OFF if no_symmetry else Symmetry.ON,
        coverage=Coverage.ON if coverage else Coverage.OFF,
        after_violation=AfterViolation.CONTINUE if find_all else AfterViolation.STOP,
        threads=settings.jobs,
        states_max=states or 0,
        depth_max=depth,
        seconds_max=settings.budget_seconds,
        memory_max_bytes=memory,
        cache_dir=cache_folder() if settings.cache is CacheUse.ON else None,
    )
    found = search(target, options, Ticker(settings.voice, clock=now))
    return report_search(found, settings, click.get_current_context().params)


def cache_folder() -> Path:
    """Where compiled searches and proofs are kept between runs."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("kvproof"))
