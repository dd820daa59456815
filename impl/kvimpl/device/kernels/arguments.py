"""The arguments of a kernel's body in Python, told apart again by kind.

It decides that a body gets its parameters in the order in which it was described: pointers first,
then scalars, as every kernel here does.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.device.port.values import Bytes


def pointers(arguments: Sequence[Bytes | int]) -> list[Bytes]:
    """The bytes that a body was given, in order."""
    return [a for a in arguments if not isinstance(a, int)]


def scalars(arguments: Sequence[Bytes | int]) -> list[int]:
    """The numbers that a body was given, in order."""
    return [a for a in arguments if isinstance(a, int)]
