"""Controls the fake driver of this process: which work executes, which calls fail, what kernels do.

It decides nothing itself; `driver.cpp` does. The idea: the library is loaded by its path before
`cuda.bindings` looks for libcuda.so.1, and the loader then hands out the one that is there. So a
process has the fake driver or the real one, never both: load it in a process of its own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Values: TypeAlias = tuple[int, ...]
Shape: TypeAlias = tuple[int, ...]
Twin: TypeAlias = Callable[[Values, Shape], None]
"""What a kernel does: its parameters as unsigned numbers (pointers are addresses), and the launch's
three grid and three block dimensions."""
Used: TypeAlias = tuple[int, int, bool]
Footprint: TypeAlias = Callable[[Values], Sequence[Used]]
"""Which bytes a launch with these parameters will use: address, length, whether it writes."""

_TWIN = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_uint)
)
_NUMBERS = ctypes.POINTER(ctypes.c_uint64)
_FOOTPRINT = ctypes.CFUNCTYPE(ctypes.c_int, _NUMBERS, _NUMBERS)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One kernel parameter: its size in bytes, as the kernel's C signature has it."""

    nbytes: int


class FakeDriver:
    """The fake driver, loaded into this process."""

    def __init__(self, library: Path) -> None:
        self._lib = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        self._lib.fake_executed.restype = ctypes.c_ulonglong
        self._lib.fake_seed.argtypes = [ctypes.c_uint64]
        self._lib.fake_capacity.argtypes = [ctypes.c_size_t]
        self._lib.fake_run.argtypes = [ctypes.c_void_p]
        self._lib.fake_hold.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._lib.fake_queued.argtypes = [ctypes.c_void_p]
        self._lib.fake_fail.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
        self._lib.fake_trap.restype = ctypes.c_char_p
        self._lib.fake_near_count.restype = ctypes.c_ulonglong
        self._kept: dict[str, object] = {}

    def order(self, *, seed: int, eager: int) -> None:
        """At each driver call, work executes with probability `eager` percent, again and again;
        at 0 nothing does until the host waits, or has polled for long."""
        self._lib.fake_seed(seed)
        self._lib.fake_eager(eager)

    def pageable_late(self, is_late: bool) -> None:
        """Whether copies touch pageable memory when they execute, or before the call returns."""
        self._lib.fake_pageable_late(int(is_late))

    def capacity(self, nbytes: int) -> None:
        """How much memory there is in all."""
        self._lib.fake_capacity(nbytes)

    def fail(self, call: str, code: int, *, after: int = 0) -> None:
        """The call (such as cuMemAlloc, or `execute` for enqueued work) fails once with the CUDA
        error code, after so many that do not."""
        self._lib.fake_fail(call.encode(), after, code)

    def restart(self) -> None:
        """Forget all queued work, planned failures and the failure of the device."""
        self._lib.fake_restart()

    def step(self) -> bool:
        """Execute one operation of any stream; False if none may."""
        return bool(self._lib.fake_step())

    def run(self, stream: int) -> bool:
        """Execute the oldest operation of the stream with this handle; False if it may not."""
        return bool(self._lib.fake_run(stream))

    def hold(self, stream: int, is_held: bool = True) -> None:
        """The stream with this handle makes no progress while it is held."""
        self._lib.fake_hold(stream, int(is_held))

    def queued(self, stream: int) -> int:
        """How many operations are in the stream."""
        return int(self._lib.fake_queued(stream))

    @property
    def executed(self) -> int:
        """How many operations have executed."""
        return int(self._lib.fake_executed())

    @property
    def live(self) -> dict[str, int]:
        """How many events, streams and pieces of memory exist."""
        lib = self._lib
        return {
            "events": int(lib.fake_live_events()),
            "streams": int(lib.fake_live_streams()),
            "memory": int(lib.fake_live_pieces()),
        }

    def kernel(
        self,
        name: str,
        parameters: Sequence[Parameter],
        twin: Twin,
        *,
        footprint: Footprint | None = None,
    ) -> None:
        """What a kernel of this name does. A twin that raises is a kernel that failed. Without a
        footprint no trap guards what the kernel uses."""
        sizes = [parameter.nbytes for parameter in parameters]

        def called(pointers: ctypes._Pointer[ctypes.c_void_p], shape: object) -> int:
            values = tuple(
                int.from_bytes(ctypes.string_at(pointers[i] or 0, size), "little")
                for i, size in enumerate(sizes)
            )
            try:
                twin(values, tuple(shape[i] for i in range(6)))  # type: ignore[index]  # c_uint*
            except Exception:
                return 1
            return 0

        def told(values: ctypes._Pointer[ctypes.c_uint64], uses: object) -> int:
            assert footprint is not None
            found = footprint(tuple(values[i] for i in range(len(sizes))))
            for i, use in enumerate(found):
                for j, part in enumerate(use):
                    uses[3 * i + j] = int(part)  # type: ignore[index]  # c_uint64*
            return len(found)

        kept = _TWIN(called), _FOOTPRINT(told) if footprint else _FOOTPRINT()
        self._kept[name] = kept
        widths = (ctypes.c_int * len(sizes))(*sizes)
        self._lib.fake_kernel(name.encode(), len(sizes), widths, *kept)

    def traps(self, on: bool, *, signal: int = 0) -> None:
        """Close the pages of pinned memory that pending work uses to the host's early accesses,
        and forget the traps so far. The signal, if any, is raised at each, where it happens."""
        self._lib.fake_traps(int(on), signal)

    @property
    def trapped(self) -> tuple[str, ...]:
        """Each access of the host that came too early, in order."""
        count = int(self._lib.fake_trap_count())
        return tuple(self._lib.fake_trap(i).decode() for i in range(count))

    @property
    def near_count(self) -> int:
        """How often the host touched other bytes of a closed page, which then was opened: an early
        access to that page afterwards is not seen."""
        return int(self._lib.fake_near_count())
