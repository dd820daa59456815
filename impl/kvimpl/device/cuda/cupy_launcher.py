"""Launches kernels by CuPy's `RawModule`, on a stream that is not CuPy's.

It decides on which stream: the one it is given, always. CuPy launches on its own current stream,
by default the legacy one, which is not ordered with torch's streams at all; and it passes a Python
int in eight bytes whatever the kernel takes, so every number is given a width.
"""

from __future__ import annotations

from importlib import import_module
from threading import Lock
from typing import Any

from kvimpl.device.cuda.faults import NoCudaDevice
from kvimpl.device.cuda.launching import Packed
from kvimpl.device.kernels import KernelSource
from kvimpl.device.port.errors import LaunchFailed


class _Foreign:
    """A stream as the CUDA stream protocol has it: version 0, then the handle."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __cuda_stream__(self) -> tuple[int, int]:
        return (0, self._handle)


class CupyLauncher:
    """CuPy compiles with NVRTC and caches on disk; each kernel is a module of its own."""

    def __init__(self, cupy: Any = None) -> None:  # the package, which has no types
        """`cupy` is the package; by default the installed one. Raises: NoCudaDevice."""
        self._cupy = cupy or _installed()
        self._functions: dict[KernelSource, Any] = {}  # cupy.RawKernel
        self._lock = Lock()

    def launch(self, source: KernelSource, call: Packed, stream: int) -> None:
        """See the seam."""
        cupy = self._cupy
        widths = {4: cupy.uint32, 8: cupy.uint64}
        arguments = tuple(
            widths[size](value) for value, size in zip(call.values, call.sizes, strict=True)
        )
        try:
            with self._stream(stream):
                self._function(source)(call.grid.blocks, call.grid.threads, arguments)
        except cupy.cuda.compiler.CompileException as error:
            raise LaunchFailed(
                f"CuPy could not compile {source.path.name}: {error}. The source wants a newer "
                "compiler or device. Nothing was launched; use DriverLauncher, or mend the source."
            ) from error

    def _stream(self, handle: int) -> Any:  # cupy.cuda.Stream, from CuPy 14 on made from outside
        streams = self._cupy.cuda
        if hasattr(streams.Stream, "from_external"):
            return streams.Stream.from_external(_Foreign(handle))
        return streams.ExternalStream(handle)

    def _function(self, source: KernelSource) -> Any:  # cupy.RawKernel
        with self._lock:
            if source not in self._functions:
                module = self._cupy.RawModule(code=source.text, options=("-std=c++17",))
                self._functions[source] = module.get_function(source.entry)
            return self._functions[source]


def _installed() -> Any:  # the package, which has no types
    try:
        return import_module("cupy")
    except ImportError as error:
        raise NoCudaDevice(
            f"CuPy is not installed ({error}). It is an optional package, in the extra 'cuda'. "
            "Install it: pip install 'kvproof[cuda]'; or launch by DriverLauncher."
        ) from error
