"""KV-INV-28: the copies of a step do not wait for compute."""

from __future__ import annotations

from kvimpl.blocks.copies import CopyStreams, Stage
from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.slots import SlotMemory
from kvimpl.bugs.bug import Bug, Evidence
from kvimpl.device.port import Device
from kvimpl.device.port import Stream as DeviceStream


class LooseBeginning(CopyStreams):
    """The step begins without looking at the compute stream."""

    def begin_step(self) -> None:
        self._forget()
        self.stage = Stage.COPYING


class CopiesDoNotWait(BlockPool):
    """The right bookkeeping over copies that may overtake compute."""

    @classmethod
    def make_copies(
        cls, device: Device, memory: SlotMemory, compute: DeviceStream, *, name: str
    ) -> CopyStreams:
        return LooseBeginning(device, memory, compute=compute, name=name)


BUG = Bug(
    id="inv-28-copies-too-early",
    row="KV-INV-28",
    design="copies",
    source="TensorRT-LLM PR #15349: copies were ordered against another stream than compute",
    sentence="A block is saved to host memory before the kernel that fills it has run.",
    evidence=Evidence.BYTES,
    pool=CopiesDoNotWait,
)
