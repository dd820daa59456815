"""What a command was to decide, against what it did: the exit code and `result.json`.

It decides the code from the results alone. The file is written atomically and last, so that a
result file that is there is complete; obligations that were expected and never came are listed.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kvcheck.cli.settings import Settings
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict

SCHEMA = "kvproof.result/1"
_STRONGEST_FIRST = tuple(Evidence)


@dataclass(slots=True)
class Accounts:
    """The books of one command.

    `required` is the weakest evidence that will do, by obligation; what has no entry needs only to
    hold. `expected` are the ids that must turn up among the results.
    """

    results: list[ObligationResult] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    required: dict[str, Evidence] = field(default_factory=dict)
    records: list[Path] = field(default_factory=list)
    searches: list[Mapping[str, object]] = field(default_factory=list)
    is_interrupted: bool = False

    def add(self, results: Sequence[ObligationResult], required: Evidence) -> None:
        """Enter results that were expected, each with the evidence it needs."""
        for result in results:
            self.results.append(result)
            self.expected.append(result.id)
            self.required[result.id] = required

    def unaccounted(self) -> tuple[str, ...]:
        """The expected ids that have no result, each once."""
        there = {result.id for result in self.results}
        return tuple(dict.fromkeys(name for name in self.expected if name not in there))

    def exit(self) -> Exit:
        """The exit code: the first that applies of interrupted, violated, nothing ran, open, ok."""
        if self.is_interrupted:
            return Exit.INTERRUPTED
        if any(self._is_violation(result) for result in self.results):
            return Exit.VIOLATION
        if not self.results or all(r.verdict.outcome is Outcome.NOT_RUN for r in self.results):
            return Exit.NOTHING_RAN
        if self.unaccounted() or not all(self._is_settled(result) for result in self.results):
            return Exit.INCONCLUSIVE
        return Exit.OK

    def too_weak(self) -> tuple[str, ...]:
        """The ids that hold, but less firmly than required."""
        return tuple(
            result.id
            for result in self.results
            if result.verdict.outcome is Outcome.HOLDS and not self._is_settled(result)
        )

    @staticmethod
    def _is_violation(result: ObligationResult) -> bool:
        violated = result.verdict.outcome is Outcome.VIOLATED
        return violated and not result.counterexample_to_induction

    def _is_settled(self, result: ObligationResult) -> bool:
        if result.verdict.outcome is not Outcome.HOLDS:
            return False
        return is_enough(result.verdict, self.required.get(result.id, Evidence.OBSERVED))


def is_enough(verdict: Verdict, required: Evidence) -> bool:
    """Whether the evidence is at least as strong as required."""
    return _STRONGEST_FIRST.index(verdict.evidence) <= _STRONGEST_FIRST.index(required)


def close_books(
    accounts: Accounts, settings: Settings, *, command: Sequence[str], options: Mapping[str, object]
) -> Exit:
    """Write what was asked for, the result file last; the exit code."""
    from kvcheck.trace.atomic import write_atomically

    code = accounts.exit()
    if settings.junit_path:
        from kvcheck.report.junit import render_junit

        write_atomically(settings.junit_path, render_junit(accounts.results, suite=command[0]))
    if settings.ledger_path:
        from kvcheck.ledger import enter, tool_versions

        enter(settings.ledger_path, accounts.results, tool_versions())
    if settings.json_path:
        write_atomically(settings.json_path, _encode(accounts, code, command, options))
    return code


def _encode(
    accounts: Accounts, code: Exit, command: Sequence[str], options: Mapping[str, object]
) -> bytes:
    import msgspec

    from kvcheck.ledger import tool_versions

    counts = {o.value: sum(r.verdict.outcome is o for r in accounts.results) for o in Outcome}
    document = {
        "schema": SCHEMA,
        "tools": tool_versions(),
        "platform": platform.platform(),
        "command": list(command),
        "options": {name: _plain(value) for name, value in options.items()},
        "exit": {"code": int(code), "name": code.name},
        "interrupted": accounts.is_interrupted,
        "expected": len(set(accounts.expected)),
        "accounted": counts,
        "unaccounted": list(accounts.unaccounted()),
        "obligations": [
            {
                "id": result.id,
                "outcome": result.verdict.outcome.value,
                "evidence": result.verdict.evidence.value,
                "required": accounts.required.get(result.id, Evidence.OBSERVED).value,
                "bound": result.verdict.bound,
                "reason": result.verdict.reason,
                "detail": result.detail,
                "seconds": round(result.seconds, 6),
                "from_cache": result.from_cache,
                "counterexample_to_induction": result.counterexample_to_induction,
            }
            for result in accounts.results
        ],
        "searches": list(accounts.searches),
        "records": [str(path) for path in accounts.records],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
