"""A repair, and a journal as it would read with it.

It decides what a repair is: one recording behind a piece of work, new or already there, and one
wait for it before the other access, new or already there and bound anew. Whether that is enough is
for `order` to say, and for a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kvcheck.race.journal import Call, Does, Named, On

NEW_RECORD, NEW_WAIT = -1, -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Calls are given by their ids, 0 for none.

    Either `record_after` that call on `stream`, or use the `mark` that a call made already. Then
    either wait `before` that call, in the stream `waiting` or, if that is empty, on the host; or
    let the wait `rebound` mean this mark; without a mark, let it mean the `stream`. `join`: wait
    for the end of that task, and for nothing else.
    """

    record_after: int = 0
    stream: str = ""
    mark: int = 0
    before: int = 0
    waiting: str = ""
    rebound: int = 0
    join: str = ""

    @property
    def is_of_stream(self) -> bool:
        """Whether a wait for a stream is to mean another stream."""
        return bool(self.rebound) and not self.mark and not self.record_after

    @property
    def marked(self) -> int:
        """The call that makes the mark."""
        return self.mark or NEW_RECORD


NO_REPAIR = Repair()


def applied(calls: Sequence[Call], repair: Repair) -> Iterator[Call]:
    """The calls, with those of the repair."""
    mark = On(Named.MARK, repair.marked)
    for call in calls:
        if call.id == repair.before:
            yield _wait(call.task, repair, mark)
        if call.id == repair.rebound:
            named = On(Named.STREAM, 0, repair.stream) if repair.is_of_stream else mark
            yield replace(call, on=named, answer=True)
        else:
            yield call
        if call.id == repair.record_after:
            yield Call(
                id=NEW_RECORD,
                task=call.task,
                does=Does.RECORD,
                label="repair",
                stream=repair.stream,
                number=NEW_RECORD,
            )


def _wait(task: str, repair: Repair, mark: On) -> Call:
    if repair.join:
        return Call(id=NEW_WAIT, task=task, does=Does.JOIN, label=repair.join)
    if repair.waiting:
        return Call(
            id=NEW_WAIT,
            task=task,
            does=Does.WAIT,
            label="repair",
            stream=repair.waiting,
            on=mark,
        )
    return Call(id=NEW_WAIT, task=task, does=Does.SYNCHRONIZE, label="repair", on=mark)
