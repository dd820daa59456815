"""Designs under the contract: each step is no contract step, one, or a few in a row."""

from __future__ import annotations

from kvcheck.refine.mapped import MAPPED, design_of, under_contract
from kvcheck.refine.offload import OffloadUnderContract
from kvcheck.refine.pins import PinsUnderContract
from kvcheck.refine.product import OF_CONTRACT, Call, Calls, product, refinement_alone
from kvcheck.refine.retention import RetentionUnderContract
from kvcheck.refine.tiers import TieredUnderContract, calls_of

__all__ = [
    "MAPPED",
    "OF_CONTRACT",
    "Call",
    "Calls",
    "OffloadUnderContract",
    "PinsUnderContract",
    "RetentionUnderContract",
    "TieredUnderContract",
    "calls_of",
    "design_of",
    "product",
    "refinement_alone",
    "under_contract",
]
