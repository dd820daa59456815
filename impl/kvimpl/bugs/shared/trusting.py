"""Books whose queues trust their callers, as the lists in which the bugs of case S3 stayed silent.

They decide what a list of iterators does when used wrongly: erasing what is not there erases
nothing and is counted all the same, and what is put on twice is there twice.
"""

from __future__ import annotations

from kvimpl.blocks.queue import Line
from kvimpl.shared.books import Books
from kvspec.events import BlockId, End, Level


class TrustingBooks(Books):
    """A wrong claim or release does not crash; the counter is told of it all the same."""

    def claim(self, b: BlockId) -> None:
        level = self.level_of(b)
        self.unlink(b, level)
        self.counts[level] -= 1

    def push(self, b: BlockId, end: End = End.BACK) -> None:
        level = self.level_of(b)
        line = self._line(level)
        if b not in line:
            line.push(b, end)
        self.counts[level] += 1

    def unlink(self, b: BlockId, level: Level) -> None:
        """The block is in no queue of the level any more, and no counter is told."""
        line = self._line(level)
        if b in line:
            line.remove(b)

    def _line(self, level: Level) -> Line:
        """The level's queue, about to change."""
        line = self.queues[level]
        self.queues[level] = line
        return line
