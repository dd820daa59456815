"""Launches kernels by the CUDA driver, through `cuda.bindings`.

It decides when a module is loaded: at the first launch of its kernel, once for each launcher.
"""

from __future__ import annotations

import ctypes
from threading import Lock
from typing import Any

from kvimpl.device.cuda.driver_calls import checked, driver_module
from kvimpl.device.cuda.launching import Compile, Packed
from kvimpl.device.kernels import KernelSource

_TYPES = {4: ctypes.c_uint32, 8: ctypes.c_uint64}


class DriverLauncher:
    """`cuModuleLoadData` of what `compile_` gives, then `cuLaunchKernel`."""

    def __init__(self, compile_: Compile) -> None:
        self._driver = driver_module()
        self._compile = compile_
        self._functions: dict[KernelSource, Any] = {}  # CUfunction, which has no types of its own
        self._lock = Lock()

    def launch(self, source: KernelSource, call: Packed, stream: int) -> None:
        """See the seam."""
        function = self._function(source)
        types = tuple(_TYPES[size] for size in call.sizes)
        result = self._driver.cuLaunchKernel(
            function,
            *call.grid.blocks,
            *call.grid.threads,
            0,
            self._driver.CUstream(stream),
            (call.values, types),
            0,
        )
        checked(self._driver, "cuLaunchKernel", result)

    def _function(self, source: KernelSource) -> Any:  # CUfunction
        with self._lock:
            if source not in self._functions:
                driver, image = self._driver, self._compile(source)
                # PTX is text that ends in a zero byte; a cubin knows its own length.
                module = checked(driver, "cuModuleLoadData", driver.cuModuleLoadData(image + b"\0"))
                got = driver.cuModuleGetFunction(module, source.entry.encode())
                self._functions[source] = checked(driver, "cuModuleGetFunction", got)
            return self._functions[source]
