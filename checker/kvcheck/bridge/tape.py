"""A reporter that keeps all that a manager told, with a judge that notes the first refusal.

It decides nothing: the judge does. The idea: the judge keeps its refusal and does not raise, so
that the step which was refused in its middle is still heard to its end.
"""

from __future__ import annotations

from kvcheck.bridge.lines import Heard
from kvcheck.lockstep import Design, Judge
from kvcheck.lockstep.judge import OnRefusal, Witness
from kvspec.events import Detail, Event, Observation, Part, Refuse, SendCopy, Shown


class Tape:
    """All that was told, in order, and the judge that heard it too.

    `copies` are the stream, source and target slot of every copy that was sent; `steps` are the
    names of all steps, those too for which the design has no action; `refused` is how many things
    were told before what was refused.
    """

    def __init__(
        self, design: Design, *, order: Witness | None = None, payload: Witness | None = None
    ) -> None:
        self.judge = Judge(
            design,
            detail=Detail.PARTS,
            on_refusal=OnRefusal.KEEP,
            order=order,
            payload=payload,
        )
        self.detail = Detail.PARTS
        self.refused: int | None = None
        self.copies: list[tuple[int, int, int]] = []
        self.steps: list[str] = []
        self.heard: list[Heard] = []
        self._seen: Observation | None = None

    def report(self, event: Event, shown: Shown) -> None:
        """Let the judge judge, and keep what was told."""
        self.judge.report(event, shown)
        if self.judge.refusal is not None and self.refused is None:
            self.refused = len(self.heard)
        seen, before = shown.observe(), self._seen
        self._seen = seen
        self.heard.append(Heard(event, before or seen, seen))
        if isinstance(event, SendCopy):
            self.copies.append((int(event.stream), event.source, event.target))
        if not isinstance(event, Part | Refuse):
            self.steps.append(event.action)

    def up_to_refusal(self) -> tuple[Heard, ...]:
        """What was told up to the end of the step that was refused; nothing if none was."""
        if self.refused is None:
            return ()
        end = self.refused
        while end < len(self.heard) and isinstance(self.heard[end].told, Part):
            end += 1
        return tuple(self.heard[: end + 1])
