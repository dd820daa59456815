"""Makes the calls of a script on one manager, under the judge of the right design.

It decides what the manager did with them, not whether that is as it should be. The idea: a block
keeps its name while it moves, in the run and in the manager; the two names are matched once, after
the warm-up, by the slot in which the block then is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from kvcheck.bridge.lines import Heard
from kvcheck.bridge.script import WARM_UP, Call, Script, Unplayable, Verb
from kvcheck.bridge.tape import Tape
from kvcheck.lockstep import Refusal, WatchedDevice, design_for
from kvcheck.schedule import HostFirst
from kvimpl.blocks import BlockHandle, BlockManager, Miss, PinReceipt, PoolSettings
from kvimpl.blocks.errors import BlockError
from kvimpl.blocks.settings import Keep
from kvimpl.device import port
from kvimpl.device.sim import SimDevice
from kvspec.events import BlockId, Key, Priority, RequestId

FIRST_NEW_REQUEST = 100
"""Requests of the run are below; those that a design does not name are counted from here."""
AROUND = ("begin_step", "end_step")
"""What is reported around a call that needs a step, where the run has no step of its own."""
SECONDS = 1.0
"""How long a block is kept whose time is limited."""


@dataclass(frozen=True, slots=True)
class Played:
    """Calls made on one manager: how many steps of the run it took, and the first refusal, if any.

    `refused_call` is the call in which it was refused, and `lines` are the lines of that call;
    `stopped` says why not every call was made.
    """

    step_count: int
    refused_call: Call | None
    refusal: Refusal | None
    stopped: str = ""
    lines: tuple[Heard, ...] = ()

    @property
    def refused_at(self) -> int | None:
        """The run's step, from 1, that the refused call makes first; 0 is the warm-up."""
        return None if self.refused_call is None else self.refused_call.first


def play(
    build: Callable[..., BlockManager], settings: PoolSettings, script: Script, *, is_exact: bool
) -> Played:
    """Make the calls of a script on a fresh manager, whose device does nothing until it settles.

    `is_exact`: a call by which the manager takes another action than the run's ends the run.
    """
    device = SimDevice(HostFirst())
    try:
        compute = device.stream("compute")
        watched = WatchedDevice(device, compute=compute)
        requests = 4 + settings.shape.block_count
        tape = Tape(design_for(settings.shape, request_count=requests), order=watched)
        hands = Time()
        manager = build(watched.device, settings, compute=compute, clock=hands.now, reporter=tape)
        return _play(
            Player(watched.device, manager, compute, hands), tape, script, is_exact=is_exact
        )
    finally:
        device.abandon()


def _play(player: Player, tape: Tape, script: Script, *, is_exact: bool) -> Played:
    taken = 0
    for call in script:
        heard, sent, lines, stopped = len(tape.steps), len(tape.copies), len(tape.heard), ""
        try:
            if call.first > WARM_UP:
                player.name_blocks()
            player.make(call)
        except (BlockError, Unplayable) as error:
            stopped = str(error)
        if tape.judge.refusal is not None:
            return Played(taken, call, tape.judge.refusal, lines=tuple(tape.heard[lines:]))
        if not stopped and is_exact:
            stopped = _amiss(call, tape.steps[heard:], tape.copies[sent:])
        if stopped:
            where = f"step {call.first}" if call.first > WARM_UP else "the warm-up"
            return Played(taken, None, None, f"{where}, {call.words}: {stopped}")
        if not call.is_silent:
            taken = call.last
    return Played(taken, None, None)


def _amiss(call: Call, heard: list[str], copies: list[tuple[int, int, int]]) -> str:
    """What the manager did that the run has otherwise."""
    own = [name for name in heard if name not in AROUND or name == call.action]
    if call.action and own != [call.action]:
        did = ", ".join(own) or "nothing"
        return f"the manager did {did} where the run has {call.action}"
    if call.copy is not None and copies != [call.copy]:
        return f"the manager sent the copies {copies} where the run has {call.copy}"
    return ""


@dataclass(slots=True)
class Time:
    """The manager's clock, which goes on only when it is told to."""

    seconds: float = 0.0

    def now(self) -> float:
        """The time."""
        return self.seconds


@dataclass(slots=True)
class Player:
    """A manager's caller. It names contents and receipts by the blocks of the run."""

    device: port.Device
    manager: BlockManager
    compute: port.Stream
    time: Time
    receipts: dict[int, list[PinReceipt]] = field(default_factory=lambda: defaultdict(list))
    named: tuple[BlockId, ...] | None = None
    key_count: int = 0
    request_count: int = 0
    is_step_open: bool = False

    def name_blocks(self) -> None:
        """From now on a block is named by the slot where it is now.

        Raises:
            Unplayable: the manager is not as it was at its start, contents apart.
        """
        if self.named is not None:
            return
        seen = self.manager.observe()
        assert seen.slot is not None, "our manager shows its slots"
        assert seen.free is not None, "our manager shows its queues"
        slots = [seen.slot[b] for level in seen.free for queue in level for b in queue]
        if slots != list(range(len(seen.slot))):
            raise Unplayable(f"the warm-up leaves the free slots in the order {slots}")
        self.named = tuple(map(BlockId, sorted(range(len(slots)), key=seen.slot.__getitem__)))

    def make(self, call: Call) -> None:
        """Make one call. Raises: Unplayable, BlockError."""
        manager = self.manager
        match call.verb:
            case Verb.BEGIN_STEP:
                manager.begin_step()
                self.is_step_open = True
            case Verb.END_STEP:
                manager.end_step()
                self.is_step_open = False
                self._compute()
            case Verb.ALLOCATE:
                self._in_step(lambda: manager.allocate(self._new(call), keep=_keep(call)))
            case Verb.ACQUIRE:
                key = self._key(call)
                got = self._in_step(lambda: manager.acquire(self._new(call), key))
                if isinstance(got, Miss):
                    raise Unplayable(f"the manager misses its content: {got.value}")
            case Verb.COMMIT:
                self._commit(call)
            case Verb.RELEASE:
                request = self._holder(call)
                manager.release(self._handle(call, request), request)
            case Verb.PIN:
                self._pin(call)
            case Verb.UNPIN:
                if not self.receipts[self._block(call)]:
                    raise Unplayable("there is no receipt of it")
                manager.unpin(self.receipts[self._block(call)].pop())
            case Verb.SETTLE:
                self.device.synchronize()
                manager.poll()
            case Verb.EXPIRE:
                self.time.seconds += SECONDS
                manager.refresh()

    # ---- building blocks

    def _in_step(self, call: Callable[[], BlockHandle | Miss]) -> BlockHandle | Miss:
        if self.is_step_open:
            return call()
        self.manager.begin_step()
        got = call()
        self.manager.end_step()
        return got

    def _compute(self) -> None:
        """A kernel that touches nothing: what counts is when it may run."""
        self.device.launch(port.Kernel("compute", (), lambda _: None), [], self.compute)

    def _commit(self, call: Call) -> None:
        """A commit that only prepares a step is left out where the block has its content."""
        if call.is_silent and self._cached(self._block(call)) is not None:
            return
        self.key_count += 1
        key = Key(self.key_count.to_bytes(32, "little"))
        request = self._holder(call)
        self.manager.commit(self._handle(call, request), request, key)

    def _pin(self, call: Call) -> None:
        block = self._block(call)
        holders = self._holders(block)
        if self._cached(block) is None and holders:
            receipt: PinReceipt | None = self.manager.pin(self._handle(call, min(holders)))
        else:
            receipt = self.manager.pin_key(self._key(call))
        if receipt is None:
            raise Unplayable("the manager has no content of it to pin")
        self.receipts[block].append(receipt)

    def _block(self, call: Call) -> BlockId:
        assert call.block is not None, f"{call.verb.name} needs a block"
        if self.named is not None:
            return self.named[call.block]
        slots = self.manager.observe().slot
        assert slots is not None, "our manager shows its slots"
        return BlockId([int(slot) for slot in slots].index(call.block))

    def _new(self, call: Call) -> RequestId:
        if call.request is not None:
            return RequestId(call.request)
        self.request_count += 1
        return RequestId(FIRST_NEW_REQUEST + self.request_count)

    def _holders(self, block: BlockId) -> frozenset[RequestId]:
        holders = self.manager.observe().holders
        assert holders is not None, "our manager shows its holders"
        return holders[block]

    def _holder(self, call: Call) -> RequestId:
        if call.request is not None:
            return RequestId(call.request)
        holders = self._holders(self._block(call))
        if len(holders) != 1:
            raise Unplayable(f"{len(holders)} requests hold it, and the run has one")
        return min(holders)

    def _handle(self, call: Call, request: RequestId) -> BlockHandle:
        block = self._block(call)
        for handle in self.manager.table(request):
            if handle.block == block:
                return handle
        raise Unplayable(f"request {request} has no handle of it")

    def _cached(self, block: BlockId) -> Key | None:
        keys = self.manager.observe().keys
        assert keys is not None, "our manager shows its keys"
        return keys[block]

    def _key(self, call: Call) -> Key:
        key = self._cached(self._block(call))
        if key is None:
            raise Unplayable("it holds no content, so no caller can name it")
        return key


def _keep(call: Call) -> Keep | None:
    if call.wish is None:
        return None
    return Keep(
        priority=Priority(call.wish.priority), seconds=SECONDS if call.wish.is_timed else None
    )
