"""The seam to the engines that `prove` runs by name: bounded checking, k-induction and PDR.

It decides how their one answer about all properties is told property by property. Bounded checking
proves nothing beyond its depth, and its verdict says the depth.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace

from kvcheck.cli.choose import Target
from kvcheck.cli.effort import Effort, Ending, Proof, query_seconds
from kvcheck.cli.faults import Fault
from kvcheck.cli.progress import Ticker
from kvcheck.cli.searching import check_width, now, record_of, unreproduced
from kvcheck.explore.result import bound_text
from kvcheck.solve.bounded import check_bounded
from kvcheck.solve.kinduction import prove_by_k_induction
from kvcheck.solve.obligations import inductive_properties
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.pdr import PROGRAMS, PdrOptions, prove_by_pdr
from kvcheck.trace.path import Finding, NotReproduced, Start
from kvcheck.trace.wording import render_expr
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model

CHECKS = "checks inside the actions"
LEMMA_TEXT_MAX = 600


def prove_bounded(target: Target, depth: int, effort: Effort, ticker: Ticker) -> Proof:
    """Every run of up to `depth` steps."""
    begun, model = now(), target.model()
    check_width(target, model)

    def observe(done: int) -> None:
        ticker.tell({"unrolling": target.name, "depth": done, "of": depth})

    try:
        result = check_bounded(model, depth, _options(effort), clock=now, observe=observe)
    except NotReproduced as error:
        raise unreproduced(target, error) from error
    finally:
        ticker.done()
    return _proof(target, model, "bounded", result.verdict, result.finding, Evidence.BOUNDED, begun)


def prove_k_inductively(target: Target, k_max: int, effort: Effort, ticker: Ticker) -> Proof:
    """All invariants and lemmas together, by k-induction with the least k that does."""
    begun, model = now(), target.model()
    check_width(target, model)
    ticker.tell({"k-induction": target.name, "k at most": k_max})
    names = [prop.name for prop in inductive_properties(model)]
    try:
        result = prove_by_k_induction(model, names, k_max, _options(effort), clock=now)
    except NotReproduced as error:
        raise unreproduced(target, error) from error
    finally:
        ticker.done()
    required = Evidence.PROVED_AT_SIZE
    finding, verdict = result.finding, result.verdict
    return _proof(target, model, "k-induction", verdict, finding, required, begun)


def prove_with_pdr(target: Target, effort: Effort, ticker: Ticker) -> Proof:
    """All invariants, lemmas and checks by ABC's PDR; what it leans on is offered as a lemma."""
    begun, model = now(), target.model()
    check_width(target, model)
    if not any(shutil.which(program) for program in PROGRAMS):
        raise Fault(
            f"PDR was asked for, and there is none of {', '.join(PROGRAMS)} on this machine.",
            cause="ABC is an optional engine that kvproof does not bring along.",
            mend="Install it with apt-get install berkeley-abc, or leave out --pdr.",
            code=Exit.ENVIRONMENT_ABSENT,
        )
    ticker.tell({"PDR": target.name})
    names = [prop.name for prop in inductive_properties(model)]
    options = _options(effort)
    limits = PdrOptions(timeout_seconds=options.timeout_seconds, check=options)
    try:
        result = prove_by_pdr(model, names, limits, clock=now)
    except NotReproduced as error:
        raise unreproduced(target, error) from error
    finally:
        ticker.done()
    lemma = result.lemma
    said = render_expr(lemma.formula) if lemma else ""
    proof = _proof(
        target, model, "pdr", result.verdict, result.finding, Evidence.PROVED_AT_SIZE, begun
    )
    if not 0 < len(said) <= LEMMA_TEXT_MAX:
        return proof
    return replace(proof, notes=(f"PDR's invariant, which every step keeps: {said}",))


def _options(effort: Effort) -> SolveOptions:
    left = effort.seconds_left()
    seconds = query_seconds(effort) if left is None else max(1.0, left)
    return SolveOptions(seed=effort.seed, timeout_seconds=seconds)


def _proof(
    target: Target,
    model: Model,
    engine: str,
    verdict: Verdict,
    finding: Finding | None,
    required: Evidence,
    begun: float,
) -> Proof:
    verdict = replace(verdict, bound=verdict.bound.replace(bound_text(model), target.size_text))
    names = [*(prop.name for prop in inductive_properties(model)), CHECKS]
    results = [
        ObligationResult(
            f"{target.name}/{engine}/any/{name}",
            _verdict_of(name, names, verdict, finding),
            0.0,
            counterexample_to_induction=_is_step(finding) and _is_about(name, names, finding),
        )
        for name in names
    ]
    record = [record_of(target, model, finding, "bounded")] if finding else []
    return Proof(
        target=target,
        model=model,
        results=tuple(results),
        required=tuple((result.id, required) for result in results),
        records=tuple(record),
        notes=(),
        ending=Ending.COMPLETE,
        seconds=now() - begun,
        solved=len(results),
        from_cache=0,
    )


def _verdict_of(
    name: str, names: Sequence[str], verdict: Verdict, finding: Finding | None
) -> Verdict:
    """The verdict of one property: a violation is about one, and leaves the others open."""
    if verdict.outcome is not Outcome.VIOLATED or _is_about(name, names, finding):
        return verdict
    why = f"stopped at a violation of {finding.name if finding else 'something else'}"
    return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, verdict.bound, why)


def _is_about(name: str, names: Sequence[str], finding: Finding | None) -> bool:
    if finding is None:
        return False
    return name == (finding.name if finding.name in names else CHECKS)


def _is_step(finding: Finding | None) -> bool:
    return finding is not None and finding.start is Start.ANYWHERE
