"""Wrong kernels for the checks to catch: a shipped text with one thing changed, in a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kvimpl.device.kernels import KernelSource


def planted(source: KernelSource, folder: Path, old: str, new: str) -> KernelSource:
    """The kernel with one part of its text replaced; the part is there, or the test is wrong."""
    assert old in source.text, f"{source.path.name} no longer says {old!r}"
    path = folder / source.path.name
    path.write_text(source.text.replace(old, new), encoding="utf-8")
    return replace(source, path=path)
