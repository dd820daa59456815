"""Obligations as lines: grouped by what they are about, the weakest verdict of each group.

It decides how many verdicts become one line and which one speaks for the group; it never softens:
one violation makes the group violated, one open obligation leaves it open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict

_WORST_FIRST = (Outcome.VIOLATED, Outcome.INCONCLUSIVE, Outcome.NOT_RUN, Outcome.HOLDS)
_WEAKEST_FIRST = tuple(reversed(Evidence))


@dataclass(frozen=True, slots=True)
class Group:
    """What one line says: the subject, its weakest verdict, how many obligations, how long."""

    subject: str
    verdict: Verdict
    count: int
    cached_count: int
    seconds: float
    detail: str
    is_inductive_failure: bool


def verdict_text(verdict: Verdict) -> str:
    """`holds: proved, every size`; a reason follows what did not hold."""
    match verdict.outcome:
        case Outcome.HOLDS:
            return f"holds: {verdict.evidence.value}, {verdict.bound}"
        case Outcome.VIOLATED:
            return f"violated at {verdict.bound}" if verdict.bound else "violated"
        case outcome:
            reason = f": {verdict.reason}" if verdict.reason else ""
            return f"{outcome.value}{reason}"


def weakest(results: Iterable[ObligationResult]) -> ObligationResult:
    """The result that speaks for all: the worst outcome, then the weakest evidence."""
    return min(results, key=_rank)


def _rank(result: ObligationResult) -> tuple[int, int]:
    verdict = result.verdict
    return _WORST_FIRST.index(verdict.outcome), _WEAKEST_FIRST.index(verdict.evidence)


def group(results: Sequence[ObligationResult], properties: Sequence[str]) -> tuple[Group, ...]:
    """One group a property, then one for the assertions of each action, in the order given."""
    found: dict[str, list[ObligationResult]] = {}
    for result in results:
        found.setdefault(_subject(result.id, properties), []).append(result)
    ordered = [name for name in properties if name in found]
    ordered += [name for name in found if name not in ordered]
    return tuple(_group(name, found[name]) for name in ordered)


def _subject(identifier: str, properties: Sequence[str]) -> str:
    _, _, action, subject = identifier.split("/", 3)
    return subject if subject in properties or action == "any" else f"checks inside {action}"


def _group(subject: str, results: list[ObligationResult]) -> Group:
    worst = weakest(results)
    return Group(
        subject=subject,
        verdict=worst.verdict,
        count=len(results),
        cached_count=sum(result.from_cache for result in results),
        seconds=sum(result.seconds for result in results),
        detail=worst.detail,
        is_inductive_failure=worst.counterexample_to_induction,
    )


def summary(results: Sequence[ObligationResult]) -> str:
    """`25 obligations: 24 hold, 1 inconclusive`, in the order worst first."""
    words = {
        Outcome.VIOLATED: "violated",
        Outcome.INCONCLUSIVE: "inconclusive",
        Outcome.NOT_RUN: "not run",
        Outcome.HOLDS: "hold",
    }
    counts = {o: sum(r.verdict.outcome is o for r in results) for o in _WORST_FIRST}
    said = ", ".join(f"{count} {words[o]}" for o, count in counts.items() if count)
    return f"{len(results)} obligation{'s' * (len(results) != 1)}: {said or 'nothing ran'}"
