"""A proof told on stdout: one line a machine, a row a property, then what stood in the way.

It decides the order and the words around verdicts; what they are is decided in `proving`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from kvcheck.cli.accounts import Accounts
from kvcheck.cli.choose import select
from kvcheck.cli.effort import Proof
from kvcheck.cli.output import Output
from kvcheck.cli.proving import raise_faults
from kvcheck.cli.quantities import render_seconds
from kvcheck.cli.runs import keep_record
from kvcheck.cli.settings import Settings
from kvcheck.report.verdicts import group, summary, verdict_text, weakest
from kvcheck.trace.record import RunKind
from kvcheck.verdict import Evidence, ObligationResult, Outcome


def report_proof(
    proof: Proof, settings: Settings, accounts: Accounts, out: Output, *, is_only: bool
) -> None:
    """Print one machine's proof and enter it in the books; records are kept."""
    raise_faults(proof)
    chosen = _selected(proof, settings)
    if not chosen and settings.select:
        return
    required = dict(proof.required)
    accounts.results += chosen
    names = {result.id for result in chosen}
    accounts.expected += [name for name in proof.expected if name in names or not settings.select]
    accounts.expected += [result.id for result in chosen if result.id not in required]
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
    ids = {p.name: p.id for p in proof.model.properties if p.id}
    names: dict[str, ObligationResult] = {}
    for result in proof.results:
        machine, _, action, subject = result.id.split("/", 3)
        names[f"{machine}/{action}/{ids.get(subject, '')}/{subject}"] = result
    wanted = [w if "/" in w or "*" in w else f"*/{w}" for w in settings.select]
    wanted += [f"*/{w}/*" for w in settings.select if "/" not in w]
    patterns = [w for w in wanted if _matches_any(w, names)]
    if settings.select and not patterns:
        return []
    return [names[name] for name in select(tuple(names), patterns, what="obligation")]


def _matches_any(pattern: str, names: Mapping[str, ObligationResult]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for name in names)


def headline(proof: Proof, chosen: Sequence[ObligationResult]) -> str:
    """`tiers: holds: proved, every size; 84 obligations, 60 from the cache, 3.2 s`."""
    name = proof.target.name
    meant = _about(chosen, "vacuity")
    proofs = [result for result in chosen if result not in meant]
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
    meant = _about(chosen, "vacuity")
    proofs = [result for result in chosen if result not in meant]
    properties = [p.name for p in proof.model.properties]
    ids = {p.name: p.id for p in proof.model.properties}
    groups = [
        g for g in group(proofs, properties) if is_only or g.verdict.outcome is not Outcome.HOLDS
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
    weak = accounts.too_weak()
    if weak:
        required = sorted({accounts.required[name].value for name in weak})
        out.line(
            f"{len(weak)} of them hold less firmly than asked ({', '.join(required)}): "
            f"{', '.join(weak[:3])}{', …' if len(weak) > 3 else ''}",
            style="yellow",
        )
    missing = len(accounts.unaccounted())
    said = f"; {missing} expected and never answered" if missing else ""
    out.line(f"{summary(accounts.results)}{said}; {render_seconds(seconds)}")
