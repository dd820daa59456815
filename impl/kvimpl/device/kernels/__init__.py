"""Kernels: one CUDA file each, described once, for the simulated device and for a real one.

`KernelSource.kernel` is what `Device.launch` takes; `source_of` leads a launcher back from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.device.kernels.copy_slots import COPY_SLOTS
from kvimpl.device.kernels.gather_block_offsets import GATHER_BLOCK_OFFSETS
from kvimpl.device.kernels.source import KernelSource, Parameter, Pointer, Scalar
from kvimpl.device.kernels.tags import READ_TAGS, WRITE_TAGS, Tag
from kvimpl.device.port.errors import LaunchFailed
from kvimpl.device.port.values import Kernel

KERNELS = (GATHER_BLOCK_OFFSETS, WRITE_TAGS, READ_TAGS, COPY_SLOTS)


def source_of(kernel: Kernel, known: Sequence[KernelSource] = KERNELS) -> KernelSource:
    """The CUDA source behind a kernel, by the name of its file.

    Raises:
        LaunchFailed: the kernel has no CUDA source among the known ones.
    """
    for source in known:
        if source.path.name == kernel.source:
            return source
    raise LaunchFailed(
        f"Kernel {kernel} has no CUDA source ({kernel.source}), so only a simulated device can run "
        "it. Most likely it is a kernel of a test, or of a caller's own. Nothing was launched: "
        "describe it as a KernelSource and pass that among the known ones."
    )


__all__ = [
    "COPY_SLOTS",
    "GATHER_BLOCK_OFFSETS",
    "KERNELS",
    "READ_TAGS",
    "WRITE_TAGS",
    "KernelSource",
    "Parameter",
    "Pointer",
    "Scalar",
    "Tag",
    "source_of",
]
