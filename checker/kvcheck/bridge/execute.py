"""A counterexample of a design, executed as calls on the real manager under the right design.

It decides how a run's actions become calls and what came of them. The idea: the step at which the
wrong design first leaves the right one is computed from the two designs alone; the wrong manager
must be refused at the call for that very step, and the right manager nowhere on the same calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import cast

from kvcheck.bridge.tape import Tape
from kvcheck.explore import Options, explore
from kvcheck.lockstep import Refusal, design_for
from kvcheck.schedule import HostFirst
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import BlockHandle, BlockManager, Miss, PinReceipt, PoolSettings
from kvimpl.blocks.errors import BlockError
from kvimpl.bugs import BUGS
from kvimpl.device.port import Device
from kvimpl.device.sim import SimDevice
from kvspec.bugs import BUGS as DESIGN_BUGS
from kvspec.events import Key, RequestId
from kvspec.lang import Machine
from kvspec.lang.concrete import Stepped, step
from kvspec.lang.ir import Model
from kvspec.models import MACHINES

DESIGN = "tiers"


class Bridged(Enum):
    """How the wrong manager met the run of the wrong design."""

    REFUSED_THERE = "refused at the corresponding step"
    REFUSED_ELSEWHERE = "refused at another step"
    NOT_REFUSED = "not refused"
    CANNOT = "cannot be concretised"


class Unplayable(Exception):
    """A step of the run has no call on the manager, or the call did something else."""


@dataclass(frozen=True, slots=True)
class Played:
    """Calls made on one manager: how many steps it reported, and the first refusal, if any.

    `refused_at` counts the run's steps from 1; `stopped` says why not every call was made.
    """

    step_count: int
    refused_at: int | None
    refusal: Refusal | None
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """A run of a design bug on both managers; `departs_at` is the step that the right design lacks.

    `why` is said where the run cannot be concretised.
    """

    bug: str
    outcome: Bridged
    why: str = ""
    moves: tuple[Move, ...] = ()
    departs_at: int = 0
    wrong: Played | None = None
    right: Played | None = None

    @property
    def is_right_refused(self) -> bool:
        """Whether the right manager was refused on the same calls, or took no step at all."""
        return self.right is not None and (
            self.right.refusal is not None
            or (self.outcome is Bridged.REFUSED_THERE and self.right.step_count == 0)
        )


def known_bugs() -> tuple[str, ...]:
    """The bugs that are known both as a design and as a manager."""
    return tuple(sorted(set(BUGS) & set(DESIGN_BUGS)))


def execute(bug: str) -> Execution:
    """The shortest counterexample of a bug's design, executed on its manager and the right one.

    Raises:
        KeyError: no such bug is known both as a design and as a manager.
    """
    known, code = DESIGN_BUGS[bug], BUGS[bug]
    if known.design != DESIGN:
        return Execution(
            bug, Bridged.CANNOT, f"the machine {known.design!r} has no reading as calls yet"
        )
    model, right = model_of(known.machine, known.sizes), model_of(MACHINES[DESIGN], known.sizes)
    found = explore(model, Options()).findings
    if not found:
        return Execution(bug, Bridged.NOT_REFUSED, "the search finds no counterexample")
    path = found[0].finding.path
    departs_at = departure(model, right, path)
    wrong = play(code.build, known.sizes, path.moves, is_exact=True)
    other = play(BlockManager, known.sizes, path.moves, is_exact=False)
    outcome, why = outcome_of(wrong, departs_at)
    return Execution(bug, outcome, why, path.moves, departs_at, wrong, other)


def model_of(machine: type[Machine], sizes: object, **others: int) -> Model:
    """The machine at its sizes; `others` win over them."""
    # every machine's `instance` has its own keyword sizes, which no base class can name
    instance = cast("Callable[..., Model]", machine.instance)
    return instance(**{**cast("dict[str, int]", sizes), **others})


def departure(wrong: Model, right: Model, path: Path) -> int:
    """The first step, from 1, at which the right design does something else; 0 if at none."""
    actions = {action.name: action for action in wrong.actions}
    others = {action.name: action for action in right.actions}
    state = path.start
    for number, move in enumerate(path.moves, 1):
        mine = step(wrong, state, actions[move.action], move.arguments)
        theirs = step(right, state, others[move.action], move.arguments)
        if not isinstance(mine, Stepped) or not isinstance(theirs, Stepped):
            return number
        if mine.state != theirs.state:
            return number
        state = mine.state
    return 0


def outcome_of(wrong: Played, departs_at: int) -> tuple[Bridged, str]:
    """How the wrong manager met the run, and why not as it should, if so."""
    if wrong.refused_at is not None:
        if wrong.refused_at == departs_at:
            return Bridged.REFUSED_THERE, ""
        return Bridged.REFUSED_ELSEWHERE, f"step {wrong.refused_at}, not step {departs_at}"
    if wrong.stopped:
        return Bridged.CANNOT, wrong.stopped
    return Bridged.NOT_REFUSED, ""


def play(
    build: Callable[..., BlockManager], sizes: object, moves: tuple[Move, ...], *, is_exact: bool
) -> Played:
    """Make the calls of a run on a fresh manager, whose device does nothing until a completion.

    `is_exact`: a call by which the manager takes another action than the run's ends the run.
    """
    given = {"REFS": 2, "PINS": 1, "K": 1, **cast("dict[str, int]", sizes)}
    settings = PoolSettings(
        primary_count=given["P"],
        secondary_count=given["S"],
        slot_bytes=64,
        references_max=given["REFS"],
        pins_max=given["PINS"],
        copies_max=given["K"],
    )
    tape = Tape(design_for(settings.shape, request_count=4))
    device = SimDevice(HostFirst())
    try:
        manager = build(
            device,
            settings,
            compute=device.stream("compute"),
            clock=lambda: 0.0,
            reporter=tape,
        )
        return _play(_Calls(device, manager), tape, moves, is_exact=is_exact)
    finally:
        device.abandon()


def _play(calls: _Calls, tape: Tape, moves: tuple[Move, ...], *, is_exact: bool) -> Played:
    taken = 0
    for number, move in enumerate(moves, 1):
        stopped = ""
        try:
            calls.make(move)
        except (BlockError, Unplayable) as error:
            stopped = f"step {number}, {move.action}{move.arguments}: {error}"
        steps = tape.actions()
        if tape.judge.refusal is not None:
            return Played(len(steps), number, tape.judge.refusal)
        new = steps[taken:]
        taken = len(steps)
        if not stopped and is_exact and new != (move.action,):
            did = ", ".join(new) or "nothing"
            stopped = f"step {number}: the manager did {did} where the run has {move.action}"
        if stopped:
            return Played(taken, None, None, stopped)
    return Played(taken, None, None)


@dataclass(slots=True)
class _Calls:
    """One manager and what its callers hold: receipts by block, and how many keys were given."""

    device: Device
    manager: BlockManager
    receipts: dict[int, list[PinReceipt]] = field(default_factory=lambda: defaultdict(list))
    key_count: int = 0

    def make(self, move: Move) -> None:
        """The call for one step. Raises: Unplayable, BlockError."""
        manager = self.manager
        match move.action, move.arguments:
            case ("allocate", (r,)) | ("offload_allocate", (r, _)):
                manager.begin_step()
                manager.allocate(RequestId(r))
                manager.end_step()
            case ("reuse", (b, r)) | ("onboard", (b, r, _)):
                manager.begin_step()
                missed = manager.acquire(RequestId(r), self._key(b))
                manager.end_step()
                if isinstance(missed, Miss):
                    raise Unplayable(f"the manager misses the content of block {b}")
            case "commit", (b, r):
                self.key_count += 1
                key = Key(self.key_count.to_bytes(32, "little"))
                manager.commit(self._handle(b, r), RequestId(r), key)
            case "release", (b, r):
                manager.release(self._handle(b, r), RequestId(r))
            case "pin", (b,):
                receipt = manager.pin_key(self._key(b))
                if receipt is None:
                    raise Unplayable(f"the manager has no content of block {b} to pin")
                self.receipts[b].append(receipt)
            case "unpin", (b,):
                if not self.receipts[b]:
                    raise Unplayable(f"there is no receipt of block {b}")
                manager.unpin(self.receipts[b].pop())
            case "complete", _:
                self.device.synchronize()
                manager.poll()
            case _:
                raise Unplayable("no call does this")

    def _key(self, block: int) -> Key:
        keys = self.manager.observe().keys
        key = keys[block] if keys is not None else None
        if key is None:
            raise Unplayable(f"block {block} holds no content, so no caller can name it")
        return key

    def _handle(self, block: int, request: int) -> BlockHandle:
        for handle in self.manager.table(RequestId(request)):
            if handle.block == block:
                return handle
        raise Unplayable(f"request {request} has no handle of block {block}")
