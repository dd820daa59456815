"""Liveness: does every fair run keep its promises? By search for a loop that does not."""

from __future__ import annotations

from kvcheck.live.check import Kept, check
from kvcheck.live.lasso import Lasso

__all__ = ["Kept", "Lasso", "check"]
