"""The quantities that options take: durations, amounts of memory, sizes of an instance.

It decides how they are written on the command line and in `pyproject.toml`.
"""

from __future__ import annotations

import re

import click

_DURATIONS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_MEMORIES = {"b": 1, "": 1}
_MEMORIES |= {f"{p}ib": 1024 ** (k + 1) for k, p in enumerate("kmgt")}
_MEMORIES |= {f"{p}b": 1000 ** (k + 1) for k, p in enumerate("kmgt")}
_MEMORIES |= {p: 1024 ** (k + 1) for k, p in enumerate("kmgt")}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")


class Duration(click.ParamType[float]):
    """`90s`, `2m`, `1h`, `500ms`; a bare number is seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The duration in seconds."""
        if isinstance(value, float):
            return value
        match = _QUANTITY.fullmatch(str(value))
        if not match or match[2].lower() not in _DURATIONS:
            self.fail(f"{value!r} is no duration: write 90s, 2m or 1h.", param, ctx)
        return float(match[1]) * _DURATIONS[match[2].lower()]


class Memory(click.ParamType[int]):
    """`8GiB`, `512MiB`; a bare number is bytes."""

    name = "memory"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The amount in bytes."""
        match = _QUANTITY.fullmatch(str(value))
        if not match or match[2].lower() not in _MEMORIES:
            self.fail(f"{value!r} is no amount of memory: write 8GiB or 512MiB.", param, ctx)
        return int(float(match[1]) * _MEMORIES[match[2].lower()])


class SizeChoice(click.ParamType[tuple[str, int]]):
    """`P=2`: one named size of the instance."""

    name = "name=number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The name and the number."""
        if isinstance(value, tuple):
            return str(value[0]), int(value[1])
        match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*=\s*(-?\d+)\s*", str(value))
        if not match:
            self.fail(f"{value!r} is no size: write a name and a number, as P=2.", param, ctx)
        return match[1], int(match[2])


DURATION, MEMORY, SIZE = Duration(), Memory(), SizeChoice()


def render_seconds(seconds: float) -> str:
    """`0.42 s`, `17 s`, `2 m 05 s`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} m {int(seconds % 60):02d} s"


def render_bytes(amount: float) -> str:
    """`39.0 B`, `7.8 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
