"""The two kernels of the litmus programs: a byte copied in place, and a byte passed by value.

It decides their declared accesses, their Python bodies and where their CUDA text is; on the
simulated device the bodies run, on a GPU the text does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kvimpl.device.kernels import KERNELS as SHIPPED
from kvimpl.device.kernels import KernelSource, Pointer, Scalar
from kvimpl.device.port import Bytes, Mode, Space

HERE = Path(__file__).parent


def _copy(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    assert not isinstance(target, int)
    assert not isinstance(source, int)
    target.write(source.read())


def _set(arguments: Sequence[Bytes | int]) -> None:
    target, value = arguments
    assert not isinstance(target, int)
    assert isinstance(value, int)
    target.write(bytes([value]))


COPYING = KernelSource(
    entry="copying",
    path=HERE / "copying.cu",
    parameters=(
        Pointer("to", Mode.WRITE, Space.PINNED, alignment=1),
        Pointer("from", Mode.READ, Space.PINNED, alignment=1),
    ),
    needs=lambda _: {"to": 1, "from": 1},
    work=lambda _: 1,
    body=_copy,
)
SETTING = KernelSource(
    entry="setting",
    path=HERE / "setting.cu",
    parameters=(Pointer("to", Mode.WRITE, Space.PINNED, alignment=1), Scalar("value")),
    needs=lambda _: {"to": 1},
    work=lambda _: 1,
    body=_set,
)
KERNELS = (*SHIPPED, COPYING, SETTING)
