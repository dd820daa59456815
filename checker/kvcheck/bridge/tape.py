"""A reporter that keeps every step a manager took, with a judge that notes the first refusal.

It decides nothing: the judge does. The idea: the judge keeps its refusal and does not raise, so
that the step which was refused in its middle is still heard to its end.
"""

from __future__ import annotations

from kvcheck.bridge.lines import Heard
from kvcheck.lockstep import Design, Judge
from kvcheck.lockstep.judge import OnRefusal, Witness
from kvcheck.lockstep.tiers import Requests
from kvcheck.trace.path import Move
from kvspec.events import Detail, Event, Observation, Part, Refuse, SendCopy, Shown


class Tape:
    """The steps of the design that were reported, in order, and the judge that heard them too.

    `copies` are the stream, source and target slot of every copy that was sent; `heard` are the
    names of all steps, those too for which the design has no action; `lines` are the parts.
    """

    def __init__(self, design: Design, *, order: Witness | None = None) -> None:
        self.judge = Judge(design, detail=Detail.PARTS, on_refusal=OnRefusal.KEEP, order=order)
        self.detail = Detail.PARTS
        self.refused_at: int | None = None
        self.copies: list[tuple[int, int, int]] = []
        self.heard: list[str] = []
        self.lines: list[Heard] = []
        self._design, self._requests = design, Requests(design.request_count)
        self._moves: list[Move] = []
        self._seen: Observation | None = None

    def report(self, event: Event, shown: Shown) -> None:
        """Let the judge judge, and keep the step."""
        self.judge.report(event, shown)
        if isinstance(event, SendCopy):
            self.copies.append((int(event.stream), event.source, event.target))
        seen, before = shown.observe(), self._seen
        self._seen = seen
        if isinstance(event, Part):
            self.lines.append(Heard(event, before or seen, seen))
        if isinstance(event, Refuse) or not hasattr(event, "action"):
            return
        self.heard.append(event.action)
        chosen = self._design.arguments(event, self._requests, self.judge.state, seen)
        if chosen is None:
            return
        self._moves.append(Move(event.action, tuple(map(int, chosen))))
        if self.judge.refusal is not None and self.refused_at is None:
            self.refused_at = len(self._moves)

    def moves(self) -> tuple[Move, ...]:
        """The steps as moves of the design, up to and with the one that was refused."""
        return tuple(self._moves[: self.refused_at])
