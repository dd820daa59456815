"""Designs under the contract: each step is no contract step, one, or a few in a row."""

from __future__ import annotations

from kvcheck.refine.product import Call, Calls, product
from kvcheck.refine.tiers import TieredUnderContract, calls_of, under_contract

__all__ = ["Call", "Calls", "TieredUnderContract", "calls_of", "product", "under_contract"]
