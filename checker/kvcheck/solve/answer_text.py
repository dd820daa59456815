"""An answer as text for the proof cache, and back.

It decides the shape of what is kept, not whether to keep it or to believe it: a violated answer
read back is re-executed by its caller like any other. Text of another shape raises `ValueError`.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from kvcheck.solve.answer import Answer
from kvcheck.solve.obligations import Obligation
from kvcheck.trace.path import Finding, FindingKind, Move, Path, Start
from kvcheck.verdict import Outcome
from kvspec.lang.state import State

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | None


def text_of(answer: Answer) -> str:
    """The answer without its obligation, which the key stands for."""
    kept: Json = {
        "outcome": answer.outcome.value,
        "seconds": answer.seconds,
        "reason": answer.reason,
        "resources": answer.resources,
        "finding": _finding_json(answer.finding) if answer.finding else None,
    }
    return json.dumps(kept, separators=(",", ":"))


def _finding_json(finding: Finding) -> Json:
    return {
        "kind": finding.kind.value,
        "name": finding.name,
        "start": finding.start.value,
        "message": finding.message,
        "state": _lists(finding.path.start),
        "moves": [[move.action, list(move.arguments)] for move in finding.path.moves],
    }


def _lists(value: object) -> Json:
    if isinstance(value, tuple):
        return [_lists(item) for item in value]
    assert isinstance(value, int)
    return value


def answer_from(text: str, obligation: Obligation) -> Answer:
    """The answer that `text_of` made, for this obligation; raises `ValueError`."""
    try:
        kept = json.loads(text)
        finding = kept["finding"]
        return Answer(
            obligation,
            Outcome(kept["outcome"]),
            float(kept["seconds"]),
            str(kept["reason"]),
            _finding_from(finding) if finding is not None else None,
            int(kept["resources"]),
        )
    except (KeyError, TypeError, IndexError, AssertionError) as fault:
        raise ValueError(f"no answer: {fault!r}") from fault


def _finding_from(kept: dict[str, Json]) -> Finding:
    state, moves = kept["state"], kept["moves"]
    assert isinstance(moves, list)
    path = Path(_state(state), tuple(_move(move) for move in moves))
    kind, start = FindingKind(kept["kind"]), Start(kept["start"])
    return Finding(kind, str(kept["name"]), path, start, str(kept["message"]))


def _move(kept: Json) -> Move:
    assert isinstance(kept, list)
    name, arguments = kept
    assert isinstance(arguments, list)
    return Move(str(name), tuple(value for value in arguments if isinstance(value, int)))


def _state(value: Json) -> State:
    found = _tuples(value)
    assert isinstance(found, tuple)
    return found


def _tuples(value: Json) -> State | int:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)  # type: ignore[misc]  # nested to any depth
    assert isinstance(value, int)
    return value
