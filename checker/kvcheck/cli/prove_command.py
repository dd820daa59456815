"""`kvproof prove`: the invariants of machines, for every size where that can be.

It decides how proofs are asked for and told; what is proved, and how, is in `proving`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault
from kvcheck.cli.quantities import SIZE
from kvcheck.cli.settings import CacheUse, Settings, shared_options
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.cli.choose import Target
    from kvcheck.cli.effort import Effort, Proof
    from kvcheck.cli.progress import Ticker
    from kvcheck.solve.proof_cache import ProofCache

    Prover = Callable[[Target, Effort, Ticker], Proof]


@click.command("prove")
@click.argument("machines", nargs=-1)
@click.option("--size", "sizes", type=SIZE, multiple=True, help="A size, as P=2; repeatable.")
@click.option("--every-size", is_flag=True, help="Only proofs for every size.")
@click.option("--at-size", is_flag=True, help="Only proofs at the stated size.")
@click.option("--bounded", type=click.IntRange(min=0), help="Only runs of up to K steps.")
@click.option("--k-induction", type=click.IntRange(min=1), help="Induction over up to K steps.")
@click.option("--pdr", is_flag=True, help="Only ABC's PDR, which needs no lemmas.")
@click.option("--audit-cache", type=click.IntRange(min=0), default=0, help="Solve N hits again.")
@shared_options
def command(
    settings: Settings,
    *,
    machines: tuple[str, ...],
    sizes: tuple[tuple[str, int], ...],
    every_size: bool,
    at_size: bool,
    bounded: int | None,
    k_induction: int | None,
    pdr: bool,
    audit_cache: int,
) -> Exit:
    """Prove the invariants of MACHINES (all of them, if none is named) by induction.

    Every size is tried first, then the stated size, then explicit search for what is still open.
    A counterexample to induction is no bug by itself: often it says that a lemma is missing.
    """
    from kvcheck.cli.choose import choose_many
    from kvcheck.cli.effort import Effort, Reach
    from kvcheck.cli.searching import now
    from kvspec.models import MACHINES

    if sum((every_size, at_size, bounded is not None, k_induction is not None, pdr)) > 1:
        raise click.UsageError(
            "--every-size, --at-size, --bounded, --k-induction and --pdr exclude each other"
        )
    budget = settings.budget_seconds
    effort = Effort(
        reach=Reach.EVERY_SIZE if every_size else Reach.STATED_SIZE if at_size else Reach.BEST,
        jobs=settings.jobs,
        seed=settings.seed,
        audit_hits=audit_cache,
        deadline=None if budget is None else now() + budget,
    )
    targets = choose_many(machines, sizes, MACHINES)
    return prove_all(settings, targets, effort, one_engine(bounded, k_induction, pdr=pdr))


def one_engine(bounded: int | None, k_induction: int | None, *, pdr: bool) -> Prover | None:
    """The one engine that was asked for, or None for the usual order."""
    from kvcheck.cli.unrolling import prove_bounded, prove_k_inductively, prove_with_pdr

    if bounded is not None:
        return lambda target, effort, ticker: prove_bounded(target, bounded, effort, ticker)
    if k_induction is not None:
        return lambda target, effort, ticker: prove_k_inductively(
            target, k_induction, effort, ticker
        )
    return prove_with_pdr if pdr else None


def prove_all(
    settings: Settings,
    targets: Sequence[Target],
    effort: Effort,
    engine: Prover | None,
) -> Exit:
    """Prove one target after the other, telling each; what there was no time for is told too."""
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.answers import expected_of
    from kvcheck.cli.effort import Ending
    from kvcheck.cli.output import Output
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.prove_report import print_summary, report_proof
    from kvcheck.cli.proving import prove_target
    from kvcheck.cli.searching import now

    accounts, out, begun = Accounts(), Output(), now()
    ticker, cache = Ticker(settings.voice, clock=now), open_cache(settings)
    for target in targets:
        if accounts.is_interrupted or effort.seconds_left() == 0:
            accounts.expected += expected_of(target)
            why = "interrupted" if accounts.is_interrupted else "the time was up"
            out.line(f"{target.name}: not run: {why}", style="yellow")
            continue
        try:
            if engine:
                proof = engine(target, effort, ticker)
            else:
                proof = prove_target(target, effort, cache=cache, ticker=ticker)
        except KeyboardInterrupt:
            accounts.is_interrupted = True
            accounts.expected += expected_of(target)
            continue
        report_proof(proof, settings, accounts, out, is_only=len(targets) == 1)
        accounts.is_interrupted |= proof.ending is Ending.INTERRUPTED
    ticker.done()
    if cache:
        cache.close()
    if settings.select and not accounts.results and not accounts.is_interrupted:
        raise Fault(
            f"No obligation matches --select {' '.join(settings.select)}.",
            cause="It is no property, catalogue id or action of these machines.",
            mend="`kvproof prove MACHINE` without --select lists them.",
            code=Exit.NOTHING_RAN,
        )
    print_summary(out, accounts, now() - begun)
    return close_books(
        accounts,
        settings,
        command=["prove", *(t.name for t in targets)],
        options=click.get_current_context().params,
    )


def open_cache(settings: Settings) -> ProofCache | None:
    """The proof cache that runs share, or None where none is wanted."""
    from kvcheck.cli.explore_command import cache_folder
    from kvcheck.solve.proof_cache import ProofCache

    return ProofCache(cache_folder()) if settings.cache is CacheUse.ON else None
