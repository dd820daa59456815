"""Watches a torch program of your own on the simulated device: races and use after free, no GPU."""

from __future__ import annotations

from kvcheck.watch.checking import Checked, check
from kvcheck.watch.declared import kernel
from kvcheck.watch.errors import NotModelled
from kvcheck.watch.watching import Seen, watch

__all__ = ["Checked", "NotModelled", "Seen", "check", "kernel", "watch"]
