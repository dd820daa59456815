"""CUDA's errors as the port's: which refuse a call, and after which a device is lost.

It decides by the number that CUDA returned. The idea: errors of execution stick to the context, so
a call that returns one had nothing to do with it and every later call fails alike (CUDA Runtime
API, "Error handling"); all other errors refuse the call that they come from.
"""

from __future__ import annotations

from kvimpl.device.port.errors import DeviceError, DeviceFailed, LaunchFailed, OutOfMemory, Refused

OUT_OF_MEMORY = 2
NOT_READY = 600
# cudaErrorIllegalAddress, LaunchTimeout, Assert, HardwareStackError, IllegalInstruction,
# MisalignedAddress, InvalidAddressSpace, InvalidPc, LaunchFailure; ECC, NVLink, unknown.
STICKY = frozenset({214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 999})
UNKNOWN = 999


class CudaError(Exception):
    """A CUDA call returned an error."""

    def __init__(self, call: str, code: int, name: str) -> None:
        super().__init__(f"{call} returned {name} ({code})")
        self.code = code


class NoCudaDevice(Refused):
    """This machine or this process has no CUDA device to run on."""


def in_the_port_s_words(error: CudaError, does: str, *, is_launch: bool = False) -> DeviceError:
    """What the port says where CUDA said this."""
    if error.code in STICKY:
        return DeviceFailed(
            f"The device has failed: to {does}, {error}. Work that was enqueued earlier failed "
            "while it executed, and what it wrote is unknown. Discard the device; "
            "compute-sanitizer names the work."
        )
    if error.code == OUT_OF_MEMORY:
        return OutOfMemory(
            f"There is no memory to {does}: {error}. The pool is larger than what is left, or "
            "other programs use the device. Ask for less, or free first."
        )
    kind = LaunchFailed if is_launch else Refused
    return kind(
        f"CUDA refused to {does}: {error}. The call was wrong, or the device cannot do it. Nothing "
        "was enqueued; change the call."
    )
