"""The remote pin service: other processes find, pin, read and let go of cached blocks."""

from __future__ import annotations

from kvimpl.service.client import NoAnswer, PinClient, ServiceRefused
from kvimpl.service.desk import Desk
from kvimpl.service.server import (
    AddressNotHere,
    AddressNotLoopback,
    CurveAbsent,
    CurveKeys,
    PinServer,
    PortTaken,
)

__all__ = [
    "AddressNotHere",
    "AddressNotLoopback",
    "CurveAbsent",
    "CurveKeys",
    "Desk",
    "NoAnswer",
    "PinClient",
    "PinServer",
    "PortTaken",
    "ServiceRefused",
]
