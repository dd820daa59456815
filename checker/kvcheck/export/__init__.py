"""Other tools' input made from the IR, so that they can disagree with us; it runs none of them."""

from __future__ import annotations

from kvcheck.export.tla import TlaModule, export_tla

__all__ = ["TlaModule", "export_tla"]
