"""What a device refuses, and how it fails; each message says what, the likely cause and the mend.

Refusals (`Refused` and below) leave no effect: the device is as it was. Failures (`DeviceFailed`,
`DeviceStuck`) are of the device itself and stay: each later call that meets it fails alike.
"""

from __future__ import annotations


class DeviceError(Exception):
    """Anything a device says no with."""


class Refused(DeviceError):
    """The call was wrong, or could not be served; it had no effect."""


class OutOfMemory(Refused):
    """The space asked for is not there; nothing was allocated."""


class StaleHandle(Refused):
    """The buffer was freed, perhaps given out again since."""


class ForeignHandle(Refused):
    """The handle was made by another device."""


class LaunchFailed(Refused):
    """The work was not put into its stream."""


class DeviceFailed(DeviceError):
    """Work failed while executing; like CUDA's, the error is met at a later call, and stays."""


class DeviceStuck(DeviceError):
    """Nothing can ever run again: what a host waits for will not come."""


class StepsExhausted(DeviceError):
    """The run took more steps than it was given: most likely it polls and is never served."""
