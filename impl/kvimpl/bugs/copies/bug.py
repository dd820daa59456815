"""What a known bug of the copy streams is: the streams with a method or two overridden.

It decides nothing about how a bug is found.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvimpl.blocks.copies import CopyStreams


@dataclass(frozen=True, kw_only=True)
class CopyBug:
    """One wrong variant.

    `id` is the file's name with dashes, and the same as in `kvspec.bugs` where that has the bug;
    `row` a catalogue number; `source` where it happened; `sentence` what is wrong.
    """

    id: str
    row: str
    source: str
    sentence: str
    streams: type[CopyStreams]
