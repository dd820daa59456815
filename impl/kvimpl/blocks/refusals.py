"""The manager's refusals in words: what happened with its values, the likely cause, the mend.

It decides wording only; every function returns the error to raise. The idea: the sentences are
what a caller meets first, so they are kept together, where they can be read and compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kvimpl.blocks import errors
from kvimpl.blocks.handles import BlockHandle
from kvimpl.blocks.pool import BlockPool
from kvimpl.device.port import DeviceError
from kvspec.events import BlockId, Generation, Key, Level, PinId, RequestId


def no_free_block(pool: BlockPool) -> errors.NoFreeBlock:
    """Nothing to allocate; says how many blocks only wait for copies."""
    primary = [BlockId(b) for b in range(pool.shape.block_count)]
    primary = [b for b in primary if pool.level_of(b) is Level.PRIMARY]
    held = sum(bool(pool.refs[b]) for b in primary)
    waiting = sum(not pool.refs[b] and pool.is_in_flight(b) for b in primary)
    return errors.NoFreeBlock(
        f"None of {len(primary)} primary blocks is free: {held} are held or pinned, {waiting} wait"
        " for a copy.",
        cause="More was admitted than fits, or copies have not been given time to complete.",
        mend="Release a request, or synchronise with the device and call `poll`, then allocate"
        " again.",
    )


def already_held(block: BlockId, request: RequestId) -> errors.AlreadyHeld:
    return errors.AlreadyHeld(
        f"Request {request} holds block {block} already.",
        cause="The same key occurs twice in its prefix, or the prefix was acquired twice.",
        mend="Acquire each key of `keys_of` once a request.",
    )


def already_cached(block: BlockId) -> errors.AlreadyCached:
    return errors.AlreadyCached(
        f"Block {block} is committed already.",
        cause="It was acquired as a hit, or committed twice.",
        mend="Commit only blocks that came from `allocate`, once each.",
    )


def copy_in_flight(block: BlockId) -> errors.CopyInFlight:
    return errors.CopyInFlight(
        f"A copy still uses the slot of block {block}.",
        cause="It is committed before the kernel that fills it can have run.",
        mend="Commit after the compute of the step is complete, or synchronise and commit again.",
    )


def check_key(key: Key) -> None:
    """Raises: SizeError if the key is empty."""
    if not key:
        raise errors.SizeError(
            "A block is committed under an empty key.",
            cause="The block is only partly filled, so it has no key.",
            mend="Commit full blocks, under the keys of `keys_of`.",
        )


def no_step(action: str) -> errors.StepError:
    return errors.StepError(
        f"`{action}` was called outside a step.",
        cause="Copies are ordered against compute by `begin_step` and `end_step`.",
        mend="Call `begin_step` before the first and `end_step` after the last call of a step.",
    )


def step_open() -> errors.StepError:
    return errors.StepError(
        "`begin_step` was called while a step is open.",
        cause="The order of the copies sent so far would be forgotten before compute has it.",
        mend="Call `end_step` first.",
    )


def foreign(handle: BlockHandle) -> errors.ForeignHandle:
    return errors.ForeignHandle(
        f"The handle of block {handle.block} is another manager's.",
        cause="Two managers are in use, or the manager was made anew.",
        mend="Pass handles to the manager that gave them.",
    )


def stale(handle: BlockHandle, now: Generation) -> errors.StaleHandle:
    return errors.StaleHandle(
        f"The handle of block {handle.block} is of generation {handle.generation}, and the block"
        f" is at {now}.",
        cause="The handle was kept after its block was released, and the block was handed out.",
        mend="Drop handles when releasing them; ask `table` for a request's handles.",
    )


def not_held(block: BlockId, request: RequestId) -> errors.NotHeld:
    return errors.NotHeld(
        f"Request {request} does not hold block {block}.",
        cause="It was released twice, or belongs to another request.",
        mend="Release each block once, or the whole request by `release_request`.",
    )


def not_cached(block: BlockId) -> errors.NotCached:
    return errors.NotCached(
        f"Block {block} is neither committed nor held: it has no content to read.",
        cause="It was evicted since the handle was given.",
        mend="Pin by `pin_key`, which finds the block that has the content now.",
    )


def not_pinned(pin: PinId) -> errors.NotPinned:
    return errors.NotPinned(
        f"Pin {pin} is not held.",
        cause="It was undone before.",
        mend="Call `unpin` once with each receipt.",
    )


def limit(what: str, block: BlockId, most: int) -> errors.LimitReached:
    return errors.LimitReached(
        f"Block {block} has {most} {what}, the most there may be.",
        cause="Readers do not undo their pins, or the limit is lower than the load.",
        mend=f"Undo some, or raise {what}_max.",
    )


def still_in_use(
    tables: Mapping[RequestId, Sequence[BlockId]], pins: Mapping[PinId, BlockId]
) -> errors.StillInUse:
    return errors.StillInUse(
        f"The manager is closed while requests {sorted(tables)} hold blocks and {len(pins)} pins"
        " are out.",
        cause="A request was not released, or a remote reader is still at work.",
        mend="Call `release_request` for each and `unpin` with each receipt, then close.",
    )


def no_streams(name: str, error: DeviceError) -> errors.DeviceFault:
    return errors.DeviceFault(
        f"The device gave no copy streams to the manager {name!r} ({error}).",
        cause="Another manager on this device has the name already.",
        mend="Pass each manager on a device its own `name`.",
    )


def closed() -> errors.Closed:
    return errors.Closed(
        "The manager is closed.",
        cause="It was used after `close`.",
        mend="Make a new manager.",
    )
