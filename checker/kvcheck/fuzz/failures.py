"""What went wrong in a run, as a failure with its class.

It decides the classes by which failures are told apart: what a reader would call the same fault at
another size or under another order is one class. The idea: a class is made of words only, and every
number is struck from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kvcheck.fuzz.case import AnyCall, Failure
from kvcheck.fuzz.hands import Accepted
from kvcheck.lockstep import Refusal, Refused, text_of
from kvcheck.lockstep.payload import HOLDS
from kvimpl.device.port import Access, Finding
from kvimpl.device.port.errors import DeviceStuck, StepsExhausted
from kvspec.events import Level, Observation, Shape

NUMBER = re.compile(r"\d+")


def of_error(error: Exception, *, task: int, call: AnyCall | None) -> Failure:
    """A failure from what a call raised; without a call it is the end of the run."""
    if isinstance(error, Refused):
        return of_refusal(error.refusal)
    where = "the end of the run" if call is None else f"{call} of task {task}"
    name = "end" if call is None else type(call).__name__
    stuck = _stuck(error)
    if stuck is not None:
        return Failure("stuck", f"{type(stuck).__name__} in {name}", f"In {where}: {stuck}")
    detail = f"{type(error).__name__} in {name}"
    if isinstance(error, Accepted):
        detail = f"misuse accepted in {name}"
    return Failure("error", detail, f"In {where}: {type(error).__name__}: {error}")


def of_refusal(refusal: Refusal) -> Failure:
    """A step that the design does not have."""
    action = getattr(refusal.event, "action", "") or type(refusal.event).__name__
    what = "" if refusal.conjunct is None else refusal.conjunct.label
    if refusal.disagreements:
        what = ", ".join(sorted({d.field for d in refusal.disagreements}))
    detail = (
        f"{refusal.reason.name.lower()} {action}: {what or getattr(refusal.event, 'guard', '')}"
    )
    return Failure("refused", detail, text_of(refusal), _witness(refusal))


def _witness(refusal: Refusal) -> str:
    """What was found in a slot, where that is what the refusal is about."""
    if refusal.conjunct is None or refusal.conjunct.label != HOLDS:
        return ""
    return ", ".join(f"{name} {value}" for name, value in refusal.conjunct.values)


def of_finding(finding: Finding, *, read: Sequence[str] = ()) -> Failure:
    """Something that the device found wrong, and what was read of it in this run, if anything."""
    accesses = [a for a in (finding.first, finding.second) if a is not None]
    kinds = " and ".join(sorted(_kind(access) for access in accesses))
    words = "\n".join([str(finding), *(f"In this run: {words}" for words in read)])
    return Failure("finding", f"{finding.kind.value}: {kinds}", words, "".join(read))


def of_bytes(words: str) -> Failure:
    """Bytes that are not those of their key."""
    return Failure("bytes", NUMBER.sub("#", words.partition(" read ")[0]), words)


def of_leak(seen: Observation, shape: Shape) -> Failure | None:
    """Blocks that are not free after everything was let go of and all copies were seen complete."""
    assert seen.free is not None
    assert seen.free_count is not None
    queued = sorted(b for level in seen.free for queue in level for b in queue)
    whole = (shape.primary_count, shape.secondary_count)
    if queued == list(range(shape.block_count)) and seen.free_count == whole:
        return None
    lost = sorted(set(range(shape.block_count)) - set(queued))
    words = (
        f"After the end {len(queued)} blocks are queued of {shape.block_count}, and the counters "
        f"say {seen.free_count[Level.PRIMARY]} and {seen.free_count[Level.SECONDARY]} free. "
        f"Blocks in no queue: {', '.join(map(str, lost)) or 'none'}."
    )
    return Failure("leak", "lost" if lost else "miscounted", words)


def _stuck(error: BaseException | None) -> Exception | None:
    """The device's word that nothing goes on, which the manager may have put into its own."""
    while error is not None:
        if isinstance(error, DeviceStuck | StepsExhausted):
            return error
        error = error.__cause__ or error.__context__
    return None


def _kind(access: Access) -> str:
    return f"{NUMBER.sub('#', access.does)} ({access.mode.value})"
