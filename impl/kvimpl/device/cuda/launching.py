"""The launch seam: what a launcher is given, and how a launch's arguments become bytes.

It decides widths and order of parameters, for every launcher alike. The idea: CUDA takes a kernel's
parameters as untyped bytes, so a wrong width or a forgotten offset is silent; both are settled
here, from the kernel's description, and launchers only pass them on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from kvimpl.device.kernels import KernelSource, Pointer
from kvimpl.device.port.values import Argument, Grid

POINTER_BYTES = 8

Compile: TypeAlias = Callable[[KernelSource], bytes]
"""From a kernel's source to what `cuModuleLoadData` takes: PTX or a cubin."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A launch's parameters, in order, as unsigned numbers with their widths in bytes."""

    values: tuple[int, ...]
    sizes: tuple[int, ...]
    grid: Grid


class Launcher(Protocol):
    """One way to compile, load and launch."""

    def launch(self, source: KernelSource, call: Packed, stream: int) -> None:
        """Enqueue the kernel on the stream with this handle. Raises: CudaError, LaunchFailed."""


def packed(
    source: KernelSource,
    arguments: Sequence[Argument],
    addresses: Sequence[int],
    grid: Grid | None,
) -> Packed:
    """The parameters of a launch; `addresses` holds where each view's buffer begins.

    Raises:
        LaunchFailed: the arguments do not fit the kernel, or the views are too short for it.
    """
    source.refuse_misfit(arguments)
    values, sizes = [], []
    for parameter, argument, address in zip(source.parameters, arguments, addresses, strict=True):
        if isinstance(argument, int):
            assert not isinstance(parameter, Pointer), "refuse_misfit told views from numbers"
            values.append(argument)
            sizes.append(parameter.nbytes)
        else:
            values.append(address + argument.start)
            sizes.append(POINTER_BYTES)
    return Packed(tuple(values), tuple(sizes), grid or source.grid(arguments))
