"""The solving engines as stages of the strategy: induction, k-induction, bounded checking.

It decides how an engine's result reads for one property at a time; the order is the strategy's.
Z3 is loaded by a stage when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvcheck.solve.engines import InductionEngine
from kvcheck.solve.obligations import property_named
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.solve.prove import ProveOptions, prove
from kvcheck.solve.strategy import Settled, is_real
from kvcheck.trace.path import Finding, FindingKind
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.ir import Model


@dataclass(frozen=True, slots=True)
class Induction:
    """All invariants together, one step, by one engine."""

    engine: InductionEngine
    options: ProveOptions
    clock: Callable[[], float]
    cache: ProofCache | None = None

    @property
    def name(self) -> str:
        return "induction"

    def settle(self, model: Model, names: Sequence[str], established: Sequence[str]) -> Settled:
        """Everything is proved anew: what leans on what must be seen in one piece."""
        del established
        result = prove(model, self.engine, self.options, clock=self.clock, cache=self.cache)
        verdicts = {p.name: p.verdict for p in result.properties if p.name in names}
        real = (broken.finding for broken in result.broken if is_real(broken.finding))
        faults = tuple(f"{f.obligation.id}: {f.message}" for f in result.faults)
        return Settled(verdicts, tuple(real), faults, result.interrupted)


@dataclass(frozen=True, slots=True)
class KInduction:
    """Each property by itself, with what is established as lemmas, up to `k_max` steps."""

    k_max: int
    options: SolveOptions
    clock: Callable[[], float]

    @property
    def name(self) -> str:
        return "k-induction"

    def settle(self, model: Model, names: Sequence[str], established: Sequence[str]) -> Settled:
        """The lemmas are proved along, so that nothing is taken on trust."""
        from kvcheck.solve.bounded import Assertions
        from kvcheck.solve.kinduction import prove_by_k_induction

        verdicts: dict[str, Verdict] = {}
        findings: list[Finding] = []
        for name in names:
            result = prove_by_k_induction(
                model,
                [name],
                self.k_max,
                self.options,
                clock=self.clock,
                lemmas=established,
                assertions=Assertions.LEFT_OUT,
            )
            violated = result.outcome is Outcome.VIOLATED
            if violated and result.finding is not None and result.finding.name != name:
                continue  # a lemma failed, which its own stage had shown: nothing about this one
            verdicts[name] = result.verdict
            if violated and result.finding is not None:
                findings.append(result.finding)
        return Settled(verdicts, tuple(findings))


@dataclass(frozen=True, slots=True)
class Bounded:
    """All open properties together, to a depth."""

    depth: int
    options: SolveOptions
    clock: Callable[[], float]

    @property
    def name(self) -> str:
        return "bounded checking"

    def settle(self, model: Model, names: Sequence[str], established: Sequence[str]) -> Settled:
        """A violation of one is found; the others are then known to hold only so far."""
        del established
        from kvcheck.solve.bounded import Assertions, check_bounded

        result = check_bounded(
            model,
            self.depth,
            self.options,
            clock=self.clock,
            properties=[property_named(model, name) for name in names],
            assertions=Assertions.LEFT_OUT,
        )
        verdict, finding = result.verdict, result.finding
        if finding is None or finding.kind is not FindingKind.INVARIANT:
            return Settled(dict.fromkeys(names, verdict))
        reason = f"the check stopped at a violation of {finding.name}"
        other = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, verdict.bound, reason)
        return Settled(dict.fromkeys(names, other) | {finding.name: verdict}, (finding,))
