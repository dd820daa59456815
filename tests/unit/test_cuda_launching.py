"""Arguments of a launch as CUDA gets them, and CuPy told to use a stream that is not its own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from kvimpl.device.cuda import CupyLauncher, packed
from kvimpl.device.kernels import COPY_SLOTS
from kvimpl.device.port import Buffer, Grid, Space
from kvimpl.device.port.errors import LaunchFailed

SLOTS = Buffer(1, 1, 1, Space.DEVICE, 64, "slots")
PAIRS = Buffer(2, 2, 1, Space.PINNED, 16, "pairs")
ARGUMENTS = (SLOTS.view(16, 48), SLOTS.view(0, 32), PAIRS.view(8, 16), 1, 2, 2, 16)
ADDRESSES = (0x1000, 0x1000, 0x2000, 0, 0, 0, 0)


def test_pointers_have_their_offset_and_numbers_their_width() -> None:
    call = packed(COPY_SLOTS, ARGUMENTS, ADDRESSES, None)
    assert call.values == (0x1010, 0x1000, 0x2008, 1, 2, 2, 16)
    assert call.sizes == (8, 8, 8, 4, 4, 4, 8)
    assert call.grid == COPY_SLOTS.grid(ARGUMENTS)


def test_a_grid_that_is_given_is_taken() -> None:
    grid = Grid((3, 1, 1), (32, 1, 1))
    assert packed(COPY_SLOTS, ARGUMENTS, ADDRESSES, grid).grid == grid


@pytest.mark.parametrize(
    ("place", "argument", "says"),
    [
        (0, 7, "takes a view as 'to'"),
        (3, PAIRS.view(), "takes an integer as 'pair_count'"),
        (3, 1 << 32, "32 bits"),
        (2, PAIRS.view(0, 4), "uses 8 bytes of 'pairs'"),
        (6, -1, "64 bits"),
    ],
)
def test_what_a_kernel_would_take_silently_is_refused(place: int, argument: Any, says: str) -> None:
    arguments = [*ARGUMENTS[:place], argument, *ARGUMENTS[place + 1 :]]
    with pytest.raises(LaunchFailed, match=says):
        packed(COPY_SLOTS, arguments, ADDRESSES, None)


class CompileException(Exception):
    "cupy.cuda.compiler.CompileException."


@dataclass
class Cupy:
    "The few names of CuPy that the launcher uses; it notes the current stream at each launch."

    is_new: bool = True
    fails: bool = False
    current: object = 0
    loaded: int = 0
    launches: list[tuple[object, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        stream: Any = SimpleNamespace()
        if self.is_new:
            stream.from_external = lambda foreign: self.using(foreign.__cuda_stream__())
        self.cuda = SimpleNamespace(
            Stream=stream,
            ExternalStream=lambda handle: self.using(handle),
            compiler=SimpleNamespace(CompileException=CompileException),
        )

    def uint32(self, value: int) -> tuple[str, int]:
        return "uint32", value

    def uint64(self, value: int) -> tuple[str, int]:
        return "uint64", value

    @contextmanager
    def using(self, stream: object) -> Any:
        self.current = stream
        yield
        self.current = 0

    def RawModule(self, *, code: str, options: tuple[str, ...]) -> Any:
        self.loaded += 1

        def launch(blocks: object, threads: object, arguments: object) -> None:
            if self.fails:
                raise CompileException("line 1: no")
            self.launches.append((self.current, blocks, threads, arguments))

        def get_function(name: str) -> Any:
            assert f"void {name}(" in code
            return launch

        return SimpleNamespace(get_function=get_function)


@pytest.mark.parametrize(("is_new", "stream"), [(True, (0, 0x77)), (False, 0x77)])
def test_cupy_launches_on_the_stream_that_it_is_given(is_new: bool, stream: object) -> None:
    cupy = Cupy(is_new=is_new)
    launcher = CupyLauncher(cupy)
    call = packed(COPY_SLOTS, ARGUMENTS, ADDRESSES, Grid((3, 1, 1), (32, 1, 1)))
    for _ in range(2):
        launcher.launch(COPY_SLOTS, call, 0x77)
    widths = ["uint64", "uint64", "uint64", "uint32", "uint32", "uint32", "uint64"]
    arguments = tuple(zip(widths, call.values, strict=True))
    assert cupy.launches == [(stream, (3, 1, 1), (32, 1, 1), arguments)] * 2
    assert cupy.loaded == 1
    assert cupy.current == 0


def test_what_cupy_cannot_compile_is_not_launched() -> None:
    launcher = CupyLauncher(Cupy(fails=True))
    with pytest.raises(LaunchFailed, match=r"copy_slots\.cu: line 1: no"):
        launcher.launch(COPY_SLOTS, packed(COPY_SLOTS, ARGUMENTS, ADDRESSES, None), 1)
