"""`kvproof refine`: whether each step of a design is steps of the contract, by complete search.

It decides which designs have a mapping and at which sizes they are searched; the mapping and the
product are `kvcheck.refine`'s, and the search is the one of `kvproof explore`.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from kvcheck.cli.choose import Target, choose
from kvcheck.cli.quantities import SIZE
from kvcheck.cli.settings import CacheUse, Settings, shared_options
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.cli.searching import Search
    from kvspec.lang.ir import Model

DEFAULT = "tiers"


class Refinement(Target):
    """A design with the contract beside it; its own invariants are for `kvproof explore`."""

    def model(self) -> Model:
        """The product, without what the design owes on its own."""
        from kvcheck.refine import design_of, refinement_alone
        from kvspec.models import MACHINES

        right = replace(self, machine=MACHINES[design_of(self.machine)])
        return refinement_alone(super().model(), Target.model(right))


@click.command("refine")
@click.argument("design", default=DEFAULT)
@click.option("--size", "sizes", type=SIZE, multiple=True, help="A size, as P=2; repeatable.")
@shared_options
def command(settings: Settings, *, design: str, sizes: tuple[tuple[str, int], ...]) -> Exit:
    """Search every state of DESIGN, or of a known bug of one, with the contract beside it.

    The designs are tiers, pins, retention and offload.

    A step that no contract step allows, or after which the contract's books differ from what the
    mapping reads off the design, is printed with the shortest run that leads to it.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.explore_command import cache_folder
    from kvcheck.cli.explore_report import numbers, print_extent, selected
    from kvcheck.cli.output import Output
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.runs import keep_record
    from kvcheck.cli.searching import now, search
    from kvcheck.explore.options import Options
    from kvcheck.verdict import Evidence

    target = refinement_target(design, sizes)
    options = Options(
        threads=settings.jobs,
        seconds_max=settings.budget_seconds,
        cache_dir=cache_folder() if settings.cache is CacheUse.ON else None,
    )
    found = search(target, options, Ticker(settings.voice, clock=now))
    out = Output()
    chosen = selected(found, settings)
    accounts = Accounts(is_interrupted=found.is_interrupted)
    accounts.add(chosen, Evidence.EXHAUSTED)
    accounts.searches.append(numbers(found))
    out.line(headline(found, accounts.exit()), style="bold")
    print_extent(out, found.result)
    for record in found.records:
        told = replace(record, rerun=target.command("refine"))
        accounts.records.append(keep_record(settings.runs_dir, told))
        out.line()
        out.story(told)
    given = click.get_current_context().params
    return close_books(accounts, settings, command=["refine", target.name], options=given)


def refinement_target(design: str, sizes: tuple[tuple[str, int], ...]) -> Target:
    """The design with the contract beside it, at sizes that a search ends at unless told."""
    from kvcheck.cli.faults import Fault
    from kvcheck.refine import MAPPED, design_of, under_contract
    from kvspec.bugs import BUGS

    target = choose(design, sizes)
    base = design_of(target.machine)
    if not base:
        raise Fault(
            f"{target.name} has no mapping into the contract.",
            cause="A mapping is written by hand for each design that hands out blocks.",
            mend=f"Name {', '.join(MAPPED)} or a known bug of one; `kvproof list` shows them.",
        )
    machine = under_contract(target.machine)
    own = BUGS[target.name].sizes if target.name in BUGS else {}
    # every machine's `instance` has its own keyword sizes, which no base class can name
    parameters = inspect.signature(MAPPED[base].instance).parameters
    small = {name: parameter.default for name, parameter in parameters.items()}
    kept = {*own, *target.overridden}
    at = tuple((name, value if name in kept else small[name]) for name, value in target.sizes)
    return Refinement(target.name, machine, at, target.overridden, target.subject, target.source)


def headline(found: Search, code: Exit) -> str:
    """The verdict with its bound, in a sentence."""
    from kvcheck.explore.result import why_stopped
    from kvcheck.refine import OF_CONTRACT
    from kvcheck.trace.path import FindingKind

    name, sizes = found.target.name, found.target.size_text
    extent = found.result.sentence()
    if code is Exit.OK:
        said = f"each step of {name} is a contract step or a stutter"
        return f"{said}: exhausted for {sizes} ({extent})"
    if code is Exit.VIOLATION:
        first = found.result.findings[0].finding
        is_own = first.kind is FindingKind.ASSERTION and not first.message.startswith(OF_CONTRACT)
        said = "an assertion of its own fails" if is_own else "a step is no contract step"
        return f"{name} does not refine the contract, {said}: violated, {sizes} ({extent})"
    return f"{name}: inconclusive, {sizes}: {why_stopped(found.result)}"
