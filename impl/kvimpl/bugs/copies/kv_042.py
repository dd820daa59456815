"""KV-042: the marks of a slot are kept by its place in its level's buffer, without the buffer."""

from __future__ import annotations

from kvimpl.blocks.copies import CopyStreams
from kvimpl.bugs.copies.bug import CopyBug
from kvimpl.device.port import Mark
from kvspec.events import SlotId


class LevelLeftOut(CopyStreams):
    """One mark a place for its reader and one for its writer, at whichever level they are."""

    def _waits(self, source: SlotId, target: SlotId) -> list[Mark]:
        return super()._waits(self._place(source), self._place(target))

    def _note(self, source: SlotId, target: SlotId, mark: Mark) -> None:
        self._writes[self._place(target)] = mark
        self._reads[self._place(source)] = [mark]

    def _place(self, slot: SlotId) -> SlotId:
        return SlotId(self._memory.view(slot).start)


BUG = CopyBug(
    id="kv-042",
    row="KV-042",
    source="TensorRT-LLM PR #15272: pending reads and writes were kept by index, without the pool",
    sentence="A read of a host slot replaces that of a device slot, which is written too early.",
    streams=LevelLeftOut,
)
