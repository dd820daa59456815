"""Designs under the contract: each step is no contract step, one, or a few in a row."""

from __future__ import annotations

from kvcheck.refine.product import OF_CONTRACT, Call, Calls, product, refinement_alone
from kvcheck.refine.tiers import TieredUnderContract, calls_of, under_contract

__all__ = [
    "OF_CONTRACT",
    "Call",
    "Calls",
    "TieredUnderContract",
    "calls_of",
    "product",
    "refinement_alone",
    "under_contract",
]
