"""The device port: the one border between a block manager and the device it runs on.

It holds values and Protocols and does nothing. Errors are in `kvimpl.device.port.errors`, what a
schedule sees in `kvimpl.device.port.steps`, the narrow Protocols in `kvimpl.device.port.device`.
"""

from __future__ import annotations

from kvimpl.device.port.device import Device, Lock, Shared, Task
from kvimpl.device.port.errors import DeviceError, DeviceFailed, OutOfMemory, Refused, StaleHandle
from kvimpl.device.port.findings import Access, Finding, FindingKind, SourceLine
from kvimpl.device.port.values import (
    Buffer,
    Bytes,
    Capability,
    Event,
    Grid,
    Kernel,
    Mark,
    Mode,
    Op,
    Space,
    Stream,
    View,
)

__all__ = [
    "Access",
    "Buffer",
    "Bytes",
    "Capability",
    "Device",
    "DeviceError",
    "DeviceFailed",
    "Event",
    "Finding",
    "FindingKind",
    "Grid",
    "Kernel",
    "Lock",
    "Mark",
    "Mode",
    "Op",
    "OutOfMemory",
    "Refused",
    "Shared",
    "SourceLine",
    "Space",
    "StaleHandle",
    "Stream",
    "Task",
    "View",
]
