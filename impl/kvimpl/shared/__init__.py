"""The block manager that a scheduler and readers of other threads share, one lock at a time.

It holds names; `SharedManager` is the place to start, and `docs/threads.md` the page to read.
"""

from __future__ import annotations

from kvimpl.shared.books import Books, Note
from kvimpl.shared.lanes import Lanes, Sent
from kvimpl.shared.manager import SharedManager
from kvimpl.shared.moves import Move
from kvimpl.shared.reader import Reader
from kvimpl.shared.steps import SharedReporter, SharedState, SharedStep

__all__ = [
    "Books",
    "Lanes",
    "Move",
    "Note",
    "Reader",
    "Sent",
    "SharedManager",
    "SharedReporter",
    "SharedState",
    "SharedStep",
]
