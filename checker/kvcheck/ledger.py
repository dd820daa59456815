"""The assurance ledger: for each obligation, the strongest statement that a run could make.

It decides what is kept of a result (evidence class, bound, tool versions, seconds), not whether a
change of class is allowed: that is the gate's. Entries of other obligations stay, so that prove and
explore can keep one ledger together; a run's own entries are replaced, also by weaker ones.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from kvcheck.trace.atomic import write_atomically
from kvcheck.verdict import Evidence, ObligationResult, Outcome

SCHEMA = "kvproof.ledger/1"


class LedgerError(Exception):
    """A file is no ledger that this version can read; three sentences."""


class Entry(msgspec.Struct, frozen=True):
    """What is known of one obligation."""

    outcome: Outcome
    evidence: Evidence
    bound: str
    seconds: float
    tools: dict[str, str]


class Ledger(msgspec.Struct, frozen=True):
    """Entries by obligation id."""

    schema: str
    entries: dict[str, Entry]


def tool_versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {"kvproof": _version("kvproof"), "z3": _version("z3-solver"), "python": _python()}


def _python() -> str:
    return platform.python_version()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def read_ledger(path: Path) -> Ledger:
    """The ledger in a file, empty where there is none; raises `LedgerError`."""
    if not path.exists():
        return Ledger(SCHEMA, {})
    try:
        ledger = msgspec.json.decode(path.read_bytes(), type=Ledger)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LedgerError(
            f"{path} is no ledger: {error}. It is damaged, or a file of another kind. "
            "Move it away and run again to begin a new one."
        ) from error
    if ledger.schema != SCHEMA:
        raise LedgerError(
            f"{path} has schema {ledger.schema!r}; this version reads {SCHEMA!r}. "
            "Another version of kvproof wrote it. Move it away, or use that version."
        )
    return ledger


def enter(path: Path, results: Sequence[ObligationResult], tools: dict[str, str]) -> None:
    """Put the results into the ledger file, atomically; ids in order, so that diffs are small."""
    entries = dict(read_ledger(path).entries)
    for result in results:
        verdict = result.verdict
        entries[result.id] = Entry(
            verdict.outcome, verdict.evidence, verdict.bound, round(result.seconds, 3), tools
        )
    ledger = Ledger(SCHEMA, dict(sorted(entries.items())))
    write_atomically(path, msgspec.json.format(msgspec.json.encode(ledger), indent=1) + b"\n")
