"""The CUDA device: the port on torch, or on the driver alone, with two ways to launch kernels."""

from __future__ import annotations

from kvimpl.device.cuda.cupy_launcher import CupyLauncher
from kvimpl.device.cuda.device import CudaDevice
from kvimpl.device.cuda.driver_launcher import DriverLauncher
from kvimpl.device.cuda.driver_runtime import DriverRuntime
from kvimpl.device.cuda.faults import CudaError, NoCudaDevice
from kvimpl.device.cuda.gated_device import GatedDevice
from kvimpl.device.cuda.gates import GateFault
from kvimpl.device.cuda.launching import Compile, Launcher, Packed, packed
from kvimpl.device.cuda.runtime import Piece, Runtime
from kvimpl.device.cuda.torch_runtime import TorchRuntime
from kvimpl.device.cuda.waiting import Watchdog

__all__ = [
    "Compile",
    "CudaDevice",
    "CudaError",
    "CupyLauncher",
    "DriverLauncher",
    "DriverRuntime",
    "GateFault",
    "GatedDevice",
    "Launcher",
    "NoCudaDevice",
    "Packed",
    "Piece",
    "Runtime",
    "TorchRuntime",
    "Watchdog",
    "packed",
]
