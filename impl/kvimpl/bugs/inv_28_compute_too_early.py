"""KV-INV-28: compute does not wait for the copies of its step."""

from __future__ import annotations

from kvimpl.blocks.copies import CopyStreams, Stage
from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.slots import SlotMemory
from kvimpl.bugs.bug import Bug, Evidence
from kvimpl.device.port import Device
from kvimpl.device.port import Stream as DeviceStream


class LooseEnd(CopyStreams):
    """The step ends without telling the compute stream."""

    def end_step(self) -> None:
        self._forget()
        self.stage = Stage.BETWEEN


class ComputeDoesNotWait(BlockPool):
    """The right bookkeeping over copies that compute may overtake."""

    @classmethod
    def make_copies(
        cls, device: Device, memory: SlotMemory, compute: DeviceStream, *, name: str
    ) -> CopyStreams:
        return LooseEnd(device, memory, compute=compute, name=name)


BUG = Bug(
    id="inv-28-compute-too-early",
    row="KV-INV-28",
    design="copies",
    source="TensorRT-LLM PR #15349: the ordering must reach the stream that compute runs on",
    sentence="Compute reads blocks whose bytes are on their way, and overwrites others.",
    evidence=Evidence.BYTES,
    pool=ComputeDoesNotWait,
)
