"""KV-041: a copy is noted under the block that it moves, and only that block's next copy waits."""

from __future__ import annotations

from kvimpl.blocks.copies import CopyStreams
from kvimpl.bugs.copies.bug import CopyBug
from kvimpl.device.port import Mark
from kvspec.events import SlotId


class NotedByBlock(CopyStreams):
    """Blocks exchange slots with each copy, and a note goes where its block goes."""

    def _waits(self, source: SlotId, target: SlotId) -> list[Mark]:
        return [self._writes[source]] if source in self._writes else []

    def _note(self, source: SlotId, target: SlotId, mark: Mark) -> None:
        displaced = self._writes.pop(target, None)
        self._writes.pop(source, None)
        self._writes[target] = mark
        if displaced is not None:
            self._writes[source] = displaced


BUG = CopyBug(
    id="kv-041",
    row="KV-041",
    source="TensorRT-LLM PR #9056: pending copies were kept by block, and only one kind of them",
    sentence="A slot is overwritten while a copy on the other stream still reads it.",
    streams=NotedByBlock,
)
