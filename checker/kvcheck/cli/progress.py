"""What goes to stderr while an engine works: one rewritten line, or a JSON line every ten seconds.

It decides how often and in which form; nothing is ever a result. The clock is passed in.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

from kvcheck.cli.settings import Voice

JSON_EVERY_SECONDS = 10.0
LINE_EVERY_SECONDS = 0.1

Facts = Mapping[str, str | int | float]


class Ticker:
    """Shows the latest facts, not every one; `done` wipes the line."""

    def __init__(
        self,
        voice: Voice,
        *,
        clock: Callable[[], float],
        stream: TextIO | None = None,
        is_terminal: bool | None = None,
    ) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.is_terminal = self.stream.isatty() if is_terminal is None else is_terminal
        self.is_quiet = voice is Voice.QUIET
        self.clock = clock
        self.told = clock()
        self.is_line_shown = False

    def tell(self, facts: Facts) -> None:
        """Show these facts if it is time to."""
        every = LINE_EVERY_SECONDS if self.is_terminal else JSON_EVERY_SECONDS
        now = self.clock()
        if self.is_quiet or now - self.told < every:
            return
        self.told = now
        if self.is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[K{_line(facts)[:width]}")
            self.is_line_shown = True
        else:
            self.stream.write(json.dumps(dict(facts)) + "\n")
        self.stream.flush()

    def done(self) -> None:
        """Wipe the line, if there is one."""
        if self.is_line_shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.is_line_shown = False


def _line(facts: Facts) -> str:
    return "  ".join(
        f"{value:,} {name}" if isinstance(value, int) else f"{name} {_short(value)}"
        for name, value in facts.items()
    )


def _short(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}"
