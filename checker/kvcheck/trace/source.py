"""The line of a spec that a position points at, kept as text because the spec may change later.

It decides how a file is named in a record (relative to where it is imported from, so that no
record carries somebody's home directory); it never opens anything but the named file.
"""

from __future__ import annotations

import linecache
import sys
from pathlib import Path

from kvcheck.trace.record import SourceLine
from kvspec.lang.ir import Position


def source_line(at: Position) -> SourceLine:
    """The line at a position; its text is empty where the file can no longer be read."""
    text = linecache.getline(at.file, at.line).strip()
    return SourceLine(file=_short_name(at.file), line=at.line, column=at.column, text=text)


def _short_name(file: str) -> str:
    path = Path(file)
    if not path.is_absolute():
        return path.as_posix()
    roots = [Path(entry) for entry in sys.path if entry and path.is_relative_to(entry)]
    if roots:
        return path.relative_to(max(roots, key=lambda root: len(root.parts))).as_posix()
    return path.name
