"""What a check may end in: four outcomes, the strength of the evidence, and the bound it has.

It decides the vocabulary of results and their exit codes, not how a result is reached. A verdict
is never a bool, so that absence (nothing ran, no time left) cannot be mistaken for success.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Outcome(Enum):
    """How an obligation ended."""

    HOLDS = "holds"
    VIOLATED = "violated"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"


class Evidence(Enum):
    """Why we believe `holds`, strongest first (design.md, "Verdicts and evidence")."""

    PROVED = "proved"  # every run, every size
    PROVED_AT_SIZE = "proved at size"  # every run, this size: inductive
    EXHAUSTED = "exhausted"  # all states, this size
    BOUNDED = "bounded"  # every run up to a depth
    OBSERVED = "observed"  # the runs that were made
    NONE = "none"


class Exit(IntEnum):
    """Exit codes of the command line (design.md, section 8)."""

    OK = 0
    VIOLATION = 1
    INTERRUPTED = 2
    TOOL_FAULT = 3
    USAGE = 4
    NOTHING_RAN = 5
    INCONCLUSIVE = 10
    ENVIRONMENT_ABSENT = 11


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with its evidence; `bound` says how far it reaches, `reason` why not further.

    `bound` reads like "every size", "P=2, S=2", "P=2, S=2, depth 20".
    """

    outcome: Outcome
    evidence: Evidence
    bound: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ObligationResult:
    """The end of one named obligation.

    `id` is stable text: `machine/engine/action/property`. `counterexample_to_induction` marks a
    violated *inductive* query, which is a missing lemma or a bug, and is never called a bug.
    """

    id: str
    verdict: Verdict
    seconds: float
    from_cache: bool = False
    detail: str = ""
    counterexample_to_induction: bool = False
