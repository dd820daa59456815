"""Something to pin: a manager of this machine's memory with cached blocks, behind the service."""

from __future__ import annotations

from kvcheck.serving.shelf import SLOT_BYTES, Serving, content_of, serving
from kvimpl.blocks import BlockError
from kvimpl.service import (
    AddressNotHere,
    AddressNotLoopback,
    CurveAbsent,
    CurveKeys,
    PortTaken,
)

__all__ = [
    "SLOT_BYTES",
    "AddressNotHere",
    "AddressNotLoopback",
    "BlockError",
    "CurveAbsent",
    "CurveKeys",
    "PortTaken",
    "Serving",
    "content_of",
    "serving",
]
