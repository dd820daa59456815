"""Answers from earlier runs: what is looked up, what is believed, and what is kept.

It decides what an answer depends on (the action, the formulas, the types, every option, the
checker and Z3) and therefore when it may stand for a new one. An inconclusive answer is never kept.
A violated one is re-executed when it is read. Some hits can be solved again, to audit the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvcheck.solve.answer import Answer, confirm_broken
from kvcheck.solve.answer_text import answer_from, text_of
from kvcheck.solve.canonical import (
    canonical_action,
    canonical_ground,
    canonical_properties,
    canonical_property,
)
from kvcheck.solve.obligations import (
    INDUCTIVE_STEPS,
    TOGETHER,
    Obligation,
    ObligationKind,
    action_named,
    inductive_properties,
    property_named,
)
from kvcheck.solve.parallel import Fault
from kvcheck.solve.proof_cache import ProofCache, cache_key
from kvcheck.solve.provenance import checker_digest, z3_version
from kvcheck.trace.path import NotReproduced
from kvcheck.verdict import Outcome
from kvspec.lang.ir import Model, PropertyKind

KEPT = frozenset({Outcome.HOLDS, Outcome.VIOLATED})
WRONG_SHAPE = (ValueError, LookupError, TypeError, AssertionError)
ABOUT_AN_ACTION = INDUCTIVE_STEPS | {ObligationKind.ENABLED}


class KeptAnswers:
    """The proof cache as one engine with one set of options sees it.

    Of the answers found, the first `audit_hits` are held back, to be solved again and compared.
    """

    def __init__(self, cache: ProofCache | None, engine_key: str, *, audit_hits: int = 0) -> None:
        self.cache = cache
        self.warnings: list[str] = []
        self._prefix = (engine_key, z3_version(), checker_digest()) if cache else ()
        self._audits_left = audit_hits
        self._held_back: dict[Obligation, Answer] = {}
        self._keys: _Keys | None = None

    def known(self, model: Model, goals: Sequence[Obligation]) -> Iterator[Answer]:
        """The answers that are kept for these goals, in their order."""
        if self.cache is None:
            return
        keys = self._keys_of(model)
        for goal in goals:
            text = self.cache.get(keys.of(goal))
            answer = self._believed(model, goal, text) if text is not None else None
            if answer is None:
                continue
            if self._audits_left > 0:
                self._audits_left -= 1
                self._held_back[goal] = answer
            else:
                yield answer

    def keep(self, model: Model, answer: Answer) -> None:
        """Keep an answer that settles its obligation; any other is solved afresh next time."""
        if self.cache is None or answer.outcome not in KEPT:
            return
        self.cache.put(self._keys_of(model).of(answer.obligation), text_of(answer))

    def _keys_of(self, model: Model) -> _Keys:
        if self._keys is None or self._keys.model is not model:
            self._keys = _Keys(model, self._prefix)
        return self._keys

    def disagreements(self, answers: Sequence[Answer]) -> list[Fault]:
        """A fault for each audited answer that came out differently this time."""
        return [
            Fault(
                answer.obligation,
                f"the cache says {old.outcome.value}, solving it again {answer.outcome.value}",
            )
            for answer in answers
            if (old := self._held_back.get(answer.obligation)) is not None
            and answer.outcome in KEPT
            and answer.outcome is not old.outcome
        ]

    def _believed(self, model: Model, goal: Obligation, text: str) -> Answer | None:
        try:
            answer = answer_from(text, goal)
            if answer.finding is not None:
                confirm_broken(model, goal, answer.finding, inductive_properties(model))
        except (*WRONG_SHAPE, NotReproduced) as fault:
            self.warnings.append(
                f"A kept answer for {goal.id} is not believed ({fault}). It was written by another "
                "version or damaged. It is solved again."
            )
            return None
        return answer if answer.outcome in KEPT else None


class _Keys:
    """The cache keys of one model's obligations; what they share is written out once."""

    def __init__(self, model: Model, prefix: tuple[str, ...]) -> None:
        self.model = model
        self.prefix = prefix
        facts = canonical_properties(inductive_properties(model))
        assumed = canonical_properties(model.of_kind(PropertyKind.ASSUMPTION))
        self.ground = (canonical_ground(model), facts, assumed)
        self.actions: dict[str, str] = {}

    def of(self, goal: Obligation) -> str:
        """The key of one obligation."""
        action, about = self._action(goal), self._subject(goal)
        return cache_key(*self.prefix, *self.ground, goal.kind.value, action, about)

    def _action(self, goal: Obligation) -> str:
        if goal.kind not in ABOUT_AN_ACTION:
            return ""
        if goal.action not in self.actions:
            self.actions[goal.action] = canonical_action(action_named(self.model, goal.action))
        return self.actions[goal.action]

    def _subject(self, goal: Obligation) -> str:
        if goal.kind is ObligationKind.ASSERTION:
            return f"assertion {goal.number}"
        if goal.kind is ObligationKind.ENABLED or goal.subject == TOGETHER:
            return ""
        return canonical_property(property_named(self.model, goal.subject))
