"""What is known of a kernel beside its CUDA text: its parameters, their use, and how many bytes.

It decides which launches fit a kernel. It compiles and launches nothing. The idea: there is one
description of a kernel, and each reader takes from it: a launcher its grid and the widths of its
arguments, the simulated device its accesses and its body in Python, the checks what to hold the
compiled text against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kvimpl.device.port.errors import LaunchFailed
from kvimpl.device.port.values import Argument, Grid, Kernel, KernelBody, Mode, Space, View

THREADS = 128
BLOCKS_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Pointer:
    """A parameter that points to bytes: what the kernel does to them, and where they may be.

    `space` DEVICE is device memory and nothing else; PINNED is device memory or mapped host memory,
    so that the kernel must not read it through the read-only cache. The address is a multiple of
    `alignment`.
    """

    name: str
    mode: Mode
    space: Space
    alignment: int = 4


@dataclass(frozen=True, slots=True)
class Scalar:
    """An unsigned integer that is passed by value, of 4 or 8 bytes."""

    name: str
    nbytes: int = 4


Parameter: TypeAlias = Pointer | Scalar
Sizes: TypeAlias = Mapping[str, int]
"""Scalars by parameter, or bytes by pointer."""


@dataclass(frozen=True, slots=True)
class KernelSource:
    """A kernel: one CUDA file, its parameters in order, and the same kernel in Python.

    `needs` tells from the scalars how many bytes each pointer must have: the kernel touches no byte
    beyond them. `work` tells from the scalars over how many threads the work can be spread; kernels
    loop over the grid, so that fewer threads do the same. `body` is as in `Kernel`.
    """

    entry: str
    path: Path
    parameters: tuple[Parameter, ...]
    needs: Callable[[Sizes], Sizes]
    work: Callable[[Sizes], int]
    body: KernelBody

    @property
    def text(self) -> str:
        """The CUDA source."""
        return self.path.read_text(encoding="utf-8")

    @property
    def kernel(self) -> Kernel:
        """The value that `Device.launch` takes. Its arguments are the parameters, in order."""
        access = tuple(p.mode if isinstance(p, Pointer) else None for p in self.parameters)
        return Kernel(self.entry, access, self.body, self.path.name)

    def grid(self, arguments: Sequence[Argument]) -> Grid:
        """How to spread a launch with these arguments; at least one block, also for no work."""
        blocks = -(-self.work(self.scalars(arguments)) // THREADS)
        return Grid((min(max(blocks, 1), BLOCKS_MAX), 1, 1), (THREADS, 1, 1))

    def scalars(self, arguments: Sequence[Argument]) -> Sizes:
        """The scalars by name. Raises: LaunchFailed, for arguments not of the parameters' kinds."""
        if len(arguments) != len(self.parameters):
            raise self._misfit(
                f"takes {len(self.parameters)} arguments and was given {len(arguments)}",
                "Pass one argument a parameter, in order.",
            )
        found: dict[str, int] = {}
        for parameter, argument in zip(self.parameters, arguments, strict=True):
            if isinstance(parameter, Pointer) != isinstance(argument, View):
                kind = "a view" if isinstance(parameter, Pointer) else "an integer"
                raise self._misfit(
                    f"takes {kind} as '{parameter.name}' and was given {argument}",
                    f"Pass {kind} there.",
                )
            if isinstance(parameter, Scalar) and isinstance(argument, int):
                if not 0 <= argument < 1 << 8 * parameter.nbytes:
                    raise self._misfit(
                        f"takes '{parameter.name}' in {8 * parameter.nbytes} bits without a sign, "
                        f"and was given {argument}",
                        "Pass a number in that range.",
                    )
                found[parameter.name] = argument
        return found

    def refuse_misfit(self, arguments: Sequence[Argument]) -> None:
        """Return where the kernel stays inside its views. Overlap of views is not looked at.

        Raises:
            LaunchFailed: a wrong kind or width, pageable memory, mapped host memory where only
                device memory will do, a view that is too short or begins at an odd place.
        """
        needed = self.needs(self.scalars(arguments))
        for parameter, view in zip(self.parameters, arguments, strict=True):
            if not isinstance(parameter, Pointer) or not isinstance(view, View):
                continue
            space = view.buffer.space
            if space is Space.PAGEABLE or (space is Space.PINNED and parameter.space != space):
                also = " or pinned" if parameter.space is Space.PINNED else ""
                raise self._misfit(
                    f"takes device{also} memory as '{parameter.name}', and {view} is {space.value}",
                    "Copy the bytes to such memory first.",
                )
            if view.nbytes < needed[parameter.name]:
                raise self._misfit(
                    f"uses {needed[parameter.name]} bytes of '{parameter.name}', and {view} has "
                    f"{view.nbytes}",
                    "Pass a longer view or smaller counts.",
                )
            if view.start % parameter.alignment:
                raise self._misfit(
                    f"wants '{parameter.name}' at a multiple of {parameter.alignment} bytes, and "
                    f"{view} begins at {view.start}",
                    "Move the start of the view.",
                )

    def _misfit(self, what: str, mend: str) -> LaunchFailed:
        return LaunchFailed(
            f"Kernel {self.entry} {what}. Most likely the call and the description in "
            f"{self.path.stem}.py differ; nothing was launched. {mend}"
        )
