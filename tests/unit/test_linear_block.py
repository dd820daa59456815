"""One block's rules: each true answer is taken, and beside it the answer that only it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from kvcheck.linear.block import BlockContract, OneBlock, TooManyNames
from kvcheck.linear.history import Call, Operation, Said
from kvcheck.linear.search import Linearized, Stuck, linearize

CONTRACT = BlockContract()
K, L = b"k", b"l"


def asked(call: Call, said: Said = Said.DONE, **known: Any) -> dict[str, Any]:
    return {"call": call, "said": said, **known}


def allocate(request: int, generation: int) -> dict[str, Any]:
    return asked(Call.ALLOCATE, request=request, generation=generation)


def acquire(request: int, generation: int, key: bytes = K) -> dict[str, Any]:
    return asked(Call.ACQUIRE, request=request, generation=generation, key=key)


def commit(request: int, generation: int, said: Said = Said.DONE, key: bytes = K) -> dict[str, Any]:
    return asked(Call.COMMIT, said, request=request, generation=generation, key=key)


def release(request: int, generation: int, said: Said = Said.DONE) -> dict[str, Any]:
    return asked(Call.RELEASE, said, request=request, generation=generation)


def pin(number: int, slot: int, generation: int) -> dict[str, Any]:
    return asked(Call.PIN, pin=number, slot=slot, generation=generation)


def pin_key(number: int, slot: int, generation: int, key: bytes = K) -> dict[str, Any]:
    return asked(Call.PIN_KEY, pin=number, slot=slot, generation=generation, key=key)


def unpin(number: int, said: Said = Said.DONE) -> dict[str, Any]:
    return asked(Call.UNPIN, said, pin=number)


def slot_of(slot: int, generation: int) -> dict[str, Any]:
    return asked(Call.SLOT_OF, slot=slot, generation=generation)


def absent(key: bytes = K) -> dict[str, Any]:
    return asked(Call.PIN_KEY, Said.ABSENT, key=key)


FILLED = (allocate(0, 1), commit(0, 1))
FREE = (*FILLED, release(0, 1))
POSSIBLE = {
    "a life": (*FREE, acquire(1, 1), release(1, 1), pin_key(1, 3, 1), unpin(1)),
    "shared": (*FILLED, acquire(1, 1), release(0, 1), release(1, 1)),
    "evicted for a new life": (*FREE, allocate(1, 2)),
    "evicted unseen": (*FREE, absent()),
    "another key is absent while it is held": (*FILLED, absent(L)),
    "moved while free": (*FREE, pin_key(1, 3, 1), unpin(1), pin_key(2, 4, 1)),
    "pinned by two": (*FREE, pin_key(1, 3, 1), pin_key(2, 3, 1), unpin(1), unpin(2)),
    "pinned while private": (allocate(0, 1), pin(1, 3, 1), unpin(1)),
    "stale": (*FREE, allocate(1, 2), release(0, 1, Said.STALE)),
    "not held": (*FREE, release(0, 1, Said.NOT_HELD)),
    "spent pin": (*FREE, pin_key(1, 3, 1), unpin(1), unpin(1, Said.NOT_PINNED)),
    "not cached": (*FREE, asked(Call.PIN, Said.NOT_CACHED, generation=1)),
    "has its key": (*FILLED, commit(0, 1, Said.HAS_KEY)),
    "the key is another's": (allocate(0, 1), commit(0, 1, Said.DUPLICATE), commit(0, 1, key=L)),
    "refused for want of room": (*FREE, asked(Call.PIN, Said.REFUSED, generation=1)),
}
IMPOSSIBLE = {
    "handed out twice": ((allocate(0, 1), allocate(1, 2)), "take: nobody uses it is false"),
    "handed out while pinned": ((*FREE, pin_key(1, 3, 1), allocate(1, 2)), "take: nobody uses it"),
    "a generation again": ((*FREE, allocate(1, 1)), "handed out as generation 1 again"),
    "a hit on what it does not cache": ((*FREE, acquire(1, 1, L)), "share: "),
    "a hit on another life": ((*FREE, acquire(1, 2)), "its generation is 1"),
    "held twice by one request": ((*FILLED, acquire(0, 1)), "share: the user does not use it yet"),
    "filled by another": ((allocate(0, 1), commit(1, 1)), "fill: the user uses it"),
    "filled twice": ((*FILLED, commit(0, 1, key=L)), "fill: it is not filled yet"),
    "released twice": ((*FREE, release(0, 1)), "drop: the user uses it"),
    "released as another life": ((*FILLED, release(0, 2)), "its generation is 1"),
    "a pin twice": ((*FREE, pin_key(1, 3, 1), pin_key(1, 3, 1)), "pin 1 is out already"),
    "unpinned twice": ((*FREE, pin_key(1, 3, 1), unpin(1), unpin(1)), "pin 1 is not out"),
    "pinned by another key": ((*FREE, pin_key(1, 3, 1, L)), "does not have the key"),
    "pinned empty": ((allocate(0, 1), release(0, 1), pin(1, 3, 1)), "the block has no content"),
    "moved while pinned": ((*FREE, pin_key(1, 3, 1), pin_key(2, 4, 1)), "held in slot 3"),
    "moved while held": ((*FILLED, slot_of(3, 1), slot_of(4, 1)), "held in slot 3"),
    "seen as another life": ((*FILLED, slot_of(3, 2)), "its generation is 1"),
    "absent while held": ((*FILLED, absent()), "the block has the key, and is held"),
    "absent while pinned": ((*FREE, pin_key(1, 3, 1), absent()), "the block has the key"),
    "not stale": ((*FREE, release(0, 1, Said.STALE)), "not so that the handle is stale"),
    "held after all": ((*FILLED, release(0, 1, Said.NOT_HELD)), "not so that the request"),
    "not held, of another life": ((*FILLED, release(1, 2, Said.NOT_HELD)), "not so that the req"),
    "pinned after all": ((*FREE, pin_key(1, 3, 1), unpin(1, Said.NOT_PINNED)), "the pin is spent"),
    "cached after all": ((*FILLED, asked(Call.PIN, Said.NOT_CACHED, generation=1)), "no content"),
    "has no key": ((allocate(0, 1), commit(0, 1, Said.HAS_KEY)), "it has a key already"),
    "its own key": ((*FILLED, commit(0, 1, Said.DUPLICATE)), "the key is another block's"),
}


def in_turn(known: tuple[dict[str, Any], ...]) -> tuple[Operation, ...]:
    "One thread's operations, one after the other."
    return tuple(
        Operation(thread="t", called=2 * n, returned=2 * n + 1, block=0, **one)
        for n, one in enumerate(known)
    )


@pytest.mark.parametrize("name", sorted(POSSIBLE))
def test_what_a_right_block_answers_is_possible(name: str) -> None:
    operations = in_turn(POSSIBLE[name])
    assert isinstance(linearize(operations, OneBlock.of(CONTRACT, operations)), Linearized)


@pytest.mark.parametrize("name", sorted(IMPOSSIBLE))
def test_what_no_right_block_answers_is_refused_for_its_reason(name: str) -> None:
    known, why = IMPOSSIBLE[name]
    operations = in_turn(known)
    found = linearize(operations, OneBlock.of(CONTRACT, operations))
    assert isinstance(found, Stuck)
    assert found.longest == operations[:-1], "the last answer alone is wrong"
    assert why in found.next[0][1]


def test_more_requests_than_the_contract_has_are_refused_in_words() -> None:
    operations = in_turn((allocate(0, 1), acquire(1, 1), acquire(2, 1)))
    with pytest.raises(TooManyNames, match=r"3 requests.*made for 2"):
        OneBlock.of(BlockContract(users_max=2), operations)
