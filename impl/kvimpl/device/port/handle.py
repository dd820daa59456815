"""How handles and other small values are made that a device or a manager gives out at each call.

It decides nothing else. The idea: a type checker holds them to be frozen, as they are meant to be;
Python itself would freeze them by a slower way to set each field, which is most of their cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def handle(kind: type[Kind]) -> type[Kind]:
    """A dataclass with slots, equal and hashed by value."""
    return dataclass(slots=True, unsafe_hash=True)(kind)
