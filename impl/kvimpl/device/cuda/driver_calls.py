"""Calls of `cuda.bindings.driver`: the module, and its results as values or errors.

It decides what a machine without the package is told.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from kvimpl.device.cuda.faults import CudaError, NoCudaDevice


def driver_module() -> Any:  # the package has no types
    """`cuda.bindings.driver`.

    Raises:
        NoCudaDevice: it is not installed.
    """
    try:
        return import_module("cuda.bindings.driver")
    except ImportError as error:
        raise NoCudaDevice(
            f"cuda.bindings is not installed ({error}). It is an optional package, in the extra "
            "'cuda'. Install it: pip install 'kvproof[cuda]'."
        ) from error


def checked(driver: Any, call: str, result: tuple[Any, ...]) -> Any:  # the call's own type
    """The value of a call that succeeded. Raises: CudaError."""
    code = int(result[0])
    if code:
        name = driver.cuGetErrorName(result[0])[1]
        raise CudaError(call, code, name.decode() if name else "an unknown error")
    return result[1] if len(result) == 2 else result[1:]
