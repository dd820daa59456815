"""`kvproof prove`: the invariants of machines, for every size where that can be.

It decides how proofs are asked for and told; what is proved, and how, is in `proving`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kvcheck.cli.quantities import SIZE, render_seconds
from kvcheck.cli.settings import CacheUse, Settings, shared_options
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome

if TYPE_CHECKING:
    from kvcheck.cli.accounts import Accounts
    from kvcheck.cli.output import Output
    from kvcheck.cli.proving import Proof
    from kvcheck.solve.proof_cache import ProofCache


@click.command("prove")
@click.argument("machines", nargs=-1)
@click.option("--size", "sizes", type=SIZE, multiple=True, help="A size, as P=2; repeatable.")
@click.option("--every-size", is_flag=True, help="Only proofs for every size.")
@click.option("--at-size", is_flag=True, help="Only proofs at the stated size.")
@click.option("--audit-cache", type=click.IntRange(min=0), default=0, help="Solve N hits again.")
@shared_options
def command(
    settings: Settings,
    *,
    machines: tuple[str, ...],
    sizes: tuple[tuple[str, int], ...],
    every_size: bool,
    at_size: bool,
    audit_cache: int,
) -> Exit:
    """Prove the invariants of MACHINES (all of them, if none is named) by induction.

    Every size is tried first, then the stated size, then explicit search for what is still open.
    A counterexample to induction is no bug by itself: often it says that a lemma is missing.
    """
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.choose import choose_many
    from kvcheck.cli.output import Output
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.proving import Effort, Ending, Reach, expected_of, prove_target
    from kvcheck.cli.searching import now
    from kvspec.models import MACHINES

    if every_size and at_size:
        raise click.UsageError("--every-size and --at-size exclude each other")
    targets = choose_many(machines, sizes, MACHINES)
    reach = Reach.EVERY_SIZE if every_size else Reach.STATED_SIZE if at_size else Reach.BEST
    budget = settings.budget_seconds
    effort = Effort(
        reach=reach,
        jobs=settings.jobs,
        seed=settings.seed,
        audit_hits=audit_cache,
        deadline=None if budget is None else now() + budget,
    )
    accounts, out, begun = Accounts(), Output(), now()
    ticker = Ticker(settings.voice, clock=now)
    cache = open_cache(settings)
    try:
        for target in targets:
            if accounts.is_interrupted or effort.seconds_left() == 0:
                accounts.expected += expected_of(target)
                out.line(f"{target.name}: not run: the time was up", style="yellow")
                continue
            proof = prove_target(target, effort, cache=cache, ticker=ticker)
            report_proof(proof, settings, accounts, out, is_only=len(targets) == 1)
            accounts.is_interrupted |= proof.ending is Ending.INTERRUPTED
    except KeyboardInterrupt:
        accounts.is_interrupted = True
    finally:
        ticker.done()
        if cache:
            cache.close()
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


def report_proof(
    proof: Proof, settings: Settings, accounts: Accounts, out: Output, *, is_only: bool
) -> None:
    """Print one machine's proof and enter it in the books; records are kept."""
    from kvcheck.cli.proving import raise_faults
    from kvcheck.cli.runs import keep_record
    from kvcheck.trace.record import RunKind

    raise_faults(proof)
    chosen = _selected(proof, settings)
    required = dict(proof.required)
    accounts.results += chosen
    names = {result.id for result in chosen}
    accounts.expected += [name for name in proof.expected if name in names or not settings.select]
    accounts.required |= {name: required.get(name, Evidence.OBSERVED) for name in names}
    out.line(headline(proof, chosen), style="bold")
    for note in proof.notes:
        out.line(f"  note: {note}", style="yellow")
    _print_groups(out, proof, chosen, is_only=is_only)
    for number, record in enumerate(proof.records):
        path = keep_record(settings.runs_dir, record)
        accounts.records.append(path)
        is_real = record.kind is RunKind.COUNTEREXAMPLE
        if number == 0 and (is_only or is_real):
            out.line()
            out.story(record)
            out.line(f"As a page: kvproof explain {path} --html {path.with_suffix('.html')}")
        else:
            out.line(f"  {record.sentence}  kvproof explain {path}")


def _selected(proof: Proof, settings: Settings) -> list[ObligationResult]:
    from kvcheck.cli.choose import select

    ids = {p.name: p.id for p in proof.model.properties if p.id}
    names: dict[str, ObligationResult] = {}
    for result in proof.results:
        machine, _, action, subject = result.id.split("/", 3)
        names[f"{machine}/{action}/{ids.get(subject, '')}/{subject}"] = result
    wanted = [w if "/" in w or "*" in w else f"*/{w}" for w in settings.select]
    wanted += [f"*/{w}/*" for w in settings.select if "/" not in w]
    patterns = [w for w in wanted if _matches_any(w, names)] or settings.select
    return [names[name] for name in select(tuple(names), patterns, what="obligation")]


def _matches_any(pattern: str, names: Sequence[str] | dict[str, ObligationResult]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name.lower(), pattern.lower()) for name in names)


def headline(proof: Proof, chosen: Sequence[ObligationResult]) -> str:
    """`tiers: holds: proved, every size; 84 obligations, 60 from the cache, 3.2 s`."""
    from kvcheck.report.verdicts import verdict_text, weakest

    name = proof.target.name
    proofs = _about(chosen, "induction")
    if not proofs:
        return f"{name}: nothing to prove"
    worst = weakest(proofs)
    said = verdict_text(worst.verdict)
    if worst.counterexample_to_induction:
        said = "not inductive: a lemma is missing, or a bug is there"
    every = sum(r.verdict.evidence is Evidence.PROVED for r in proofs)
    parts = [f"{len(proofs)} obligations"]
    if 0 < every < len(proofs):
        parts.append(f"{every} of them for every size")
    meant = _about(chosen, "vacuity")
    well = sum(r.verdict.outcome is Outcome.HOLDS for r in meant)
    if meant:
        parts.append(f"{well} of {len(meant)} vacuity checks passed")
    if proof.from_cache:
        parts.append(f"{proof.from_cache} answers from the cache")
    parts.append(render_seconds(proof.seconds))
    return f"{name}: {said}; {', '.join(parts)}"


def _about(chosen: Sequence[ObligationResult], engine: str) -> list[ObligationResult]:
    return [result for result in chosen if result.id.split("/", 2)[1] == engine]


def _print_groups(
    out: Output, proof: Proof, chosen: Sequence[ObligationResult], *, is_only: bool
) -> None:
    """A row a property: all of them for one machine, else only what does not hold."""
    from kvcheck.report.verdicts import group, verdict_text

    properties = [p.name for p in proof.model.properties]
    ids = {p.name: p.id for p in proof.model.properties}
    groups = [
        g
        for g in group(_about(chosen, "induction"), properties)
        if is_only or g.verdict.outcome is not Outcome.HOLDS
    ]
    if not groups:
        return
    rows = [
        [
            ids.get(g.subject, "") or "-",
            g.subject,
            "not inductive" if g.is_inductive_failure else verdict_text(g.verdict),
            str(g.count),
            f"{g.seconds:.2f}",
        ]
        for g in groups
    ]
    out.table(["id", "property", "verdict", "obligations", "seconds"], rows)


def print_summary(out: Output, accounts: Accounts, seconds: float) -> None:
    """The last line: what was expected against what was accounted for."""
    from kvcheck.report.verdicts import summary

    missing = len(accounts.unaccounted())
    said = f"; {missing} expected and never answered" if missing else ""
    out.line(f"{summary(accounts.results)}{said}; {render_seconds(seconds)}")
