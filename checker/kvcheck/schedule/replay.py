"""Takes down the steps of a run, and takes a run through the same steps again.

It decides whether a record still applies; it never guesses. A record that asks for an actor that
cannot go on is refused with the step and what could go on instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvcheck.schedule.fixed import HostFirst
from kvcheck.schedule.text import parsed, written
from kvimpl.device.port.steps import Pending, Schedule


class ReplayDiverged(Exception):
    """The record asks for a step that this run does not have."""

    def __init__(self, step: int, actor: str, pending: Sequence[Pending]) -> None:
        offered = "; ".join(f"{one.actor}: {one.does}" for one in pending)
        super().__init__(
            f"at step {step} the schedule wants '{actor}', which cannot go on; what can is "
            f"{offered}. The program, its options or its device differ from those of the record. "
            "Replay with the recorded ones, or record again."
        )
        self.step = step
        self.actor = actor


class Recorder:
    """Another schedule, whose steps are taken down."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.steps: list[Pending] = []

    @property
    def text(self) -> str:
        """The steps so far, as a line for `Replay`."""
        return written([step.actor for step in self.steps])

    def pick(self, pending: Sequence[Pending]) -> int:
        """What the other schedule picks."""
        index = self._schedule.pick(pending)
        self.steps.append(pending[index])
        return index


class Replay:
    """The recorded steps, then those of another schedule, which may not be reached."""

    def __init__(self, line: str, *, then: Schedule | None = None) -> None:
        self._actors = parsed(line)
        self._then = then or HostFirst()
        self._step = 0

    @property
    def left(self) -> int:
        """How many recorded steps were not asked for."""
        return max(0, len(self._actors) - self._step)

    def pick(self, pending: Sequence[Pending]) -> int:
        """The recorded actor. Raises: ReplayDiverged."""
        step, self._step = self._step, self._step + 1
        if step >= len(self._actors):
            return self._then.pick(pending)
        for index, one in enumerate(pending):
            if one.actor == self._actors[step]:
                return index
        raise ReplayDiverged(step, self._actors[step], pending)
