"""Described kernels on the fake driver: the kernel's body in Python, on the bytes at its pointers.

It decides nothing about what a kernel does; its description does. What it shows is that pointers,
offsets, widths and order of the parameters arrive as the description has them.
"""

from __future__ import annotations

import ctypes

from kvimpl.device.fake.control import FakeDriver, Parameter, Shape, Used, Values
from kvimpl.device.kernels import KernelSource, Scalar


class _Pointed:
    """The bytes behind a pointer, as many as the kernel may use: see the port's `Bytes`."""

    def __init__(self, address: int, nbytes: int) -> None:
        self._address = address
        self.nbytes = nbytes

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """A copy of the bytes as they are now."""
        end = self.nbytes if stop is None else stop
        self._check(start, end)
        return ctypes.string_at(self._address + start, end - start)

    def write(self, data: bytes, start: int = 0) -> None:
        """Change the bytes from start on."""
        self._check(start, start + len(data))
        ctypes.memmove(self._address + start, data, len(data))

    def _check(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.nbytes:
            raise IndexError(f"bytes {start} to {stop} of {self.nbytes}")


def add_twin(fake: FakeDriver, source: KernelSource) -> None:
    """Launches of this kernel run its body."""
    sizes = [p.nbytes if isinstance(p, Scalar) else 8 for p in source.parameters]

    def twin(values: Values, _: Shape) -> None:
        given = {
            parameter.name: value
            for parameter, value in zip(source.parameters, values, strict=True)
            if isinstance(parameter, Scalar)
        }
        needed = source.needs(given)
        source.body(
            [
                value if isinstance(parameter, Scalar) else _Pointed(value, needed[parameter.name])
                for parameter, value in zip(source.parameters, values, strict=True)
            ]
        )

    def footprint(values: Values) -> list[Used]:
        parameters = list(zip(source.parameters, values, strict=True))
        needed = source.needs({p.name: value for p, value in parameters if isinstance(p, Scalar)})
        return [
            (value, needed[p.name], p.mode.writes)
            for p, value in parameters
            if not isinstance(p, Scalar)
        ]

    parameters = [Parameter(size) for size in sizes]
    fake.kernel(source.entry, parameters, twin, footprint=footprint)


def image(source: KernelSource) -> bytes:
    """The least that the fake driver takes as a module of this kernel: its name, as in PTX."""
    return f".version 8.0\n.target sm_90\n.visible .entry {source.entry}()\n".encode()
