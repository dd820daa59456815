"""PDR as a stage of the strategy: after induction, before k-induction and bounded checking.

It decides how PDR's result reads for one property at a time. Where ABC is not installed it has no
opinion, and says so in the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvcheck.solve.bounded import Assertions
from kvcheck.solve.pdr import PdrOptions, prove_by_pdr
from kvcheck.solve.strategy import Settled
from kvcheck.trace.path import Finding, NotReproduced
from kvcheck.verdict import Verdict
from kvspec.lang.ir import Model


@dataclass(frozen=True, slots=True)
class Pdr:
    """Each property by itself, without lemmas."""

    options: PdrOptions
    clock: Callable[[], float]

    @property
    def name(self) -> str:
        return "PDR"

    def settle(self, model: Model, names: Sequence[str], established: Sequence[str]) -> Settled:
        """What is established is not needed: PDR finds what it leans on."""
        del established
        verdicts: dict[str, Verdict] = {}
        findings: list[Finding] = []
        faults: list[str] = []
        for name in names:
            try:
                result = prove_by_pdr(
                    model, [name], self.options, clock=self.clock, assertions=Assertions.LEFT_OUT
                )
            except NotReproduced as fault:
                faults.append(f"{model.name}/PDR/{name}: {fault}")
                continue
            verdicts[name] = result.verdict
            findings += [result.finding] if result.finding is not None else []
        return Settled(verdicts, tuple(findings), tuple(faults))
