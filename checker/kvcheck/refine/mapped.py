"""The designs that have a mapping into the contract, and their variants beside it.

It decides which mapping a variant of a design goes under; each mapping has a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvcheck.refine.offload import OffloadUnderContract
from kvcheck.refine.pins import PinsUnderContract
from kvcheck.refine.retention import RetentionUnderContract
from kvcheck.refine.tiers import TieredUnderContract
from kvspec.lang import Machine

MAPPED: Mapping[str, type[Machine]] = MappingProxyType(
    {
        "tiers": TieredUnderContract,
        "pins": PinsUnderContract,
        "retention": RetentionUnderContract,
        "offload": OffloadUnderContract,
    }
)
"""By the design's name: the design with the contract beside it."""


def design_of(variant: type[Machine]) -> str:
    """The name of the design that a machine is a variant of, or is; "" if that has no mapping."""
    return next((name for name, under in MAPPED.items() if _is_variant(variant, under)), "")


def under_contract(variant: type[Machine]) -> type[Machine]:
    """A variant of a mapped design, a known bug for one, with the contract beside it.

    Raises:
        KeyError: its design has no mapping.
    """
    under = MAPPED[design_of(variant)]
    if under.__bases__[0] is variant:
        return under

    class VariantUnderContract(under, variant):  # type: ignore[misc,valid-type]
        "The variant's steps, and the contract's books."

    return VariantUnderContract


def _is_variant(variant: type[Machine], under: type[Machine]) -> bool:
    return issubclass(variant, under.__bases__[0])
