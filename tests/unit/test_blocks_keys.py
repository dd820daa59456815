"""Content keys and page-table entries: the pure parts, as facts about all inputs."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvimpl.blocks import Scope, chain, keys_of, root_key
from kvimpl.blocks.errors import SizeError
from kvimpl.blocks.pages import SECONDARY_BIT, device_table, pack, unpack
from kvspec.events import Shape, SlotId

TOKENS = st.lists(st.integers(0, 300), max_size=12)
ROOT = root_key(Scope())


def shape(primary: int, secondary: int) -> Shape:
    return Shape(
        primary_count=primary,
        secondary_count=secondary,
        priority_count=1,
        references_max=1,
        pins_max=1,
        copies_max=1,
    )


@given(TOKENS, TOKENS, st.integers(1, 4))
def test_keys_agree_exactly_as_far_as_the_tokens_do(
    left: list[int], right: list[int], size: int
) -> None:
    keys = [keys_of(tokens, tokens_per_block=size, scope=Scope()) for tokens in (left, right)]
    for index, pair in enumerate(zip(*keys, strict=False)):
        end = (index + 1) * size
        assert (pair[0] == pair[1]) == (left[:end] == right[:end])


@given(TOKENS, st.integers(1, 4))
def test_only_full_blocks_have_keys_and_all_differ(tokens: list[int], size: int) -> None:
    keys = keys_of(tokens, tokens_per_block=size, scope=Scope())
    assert len(keys) == len(tokens) // size
    assert len(set(keys)) == len(keys)


def test_equal_tokens_at_two_places_have_two_keys() -> None:
    first, second = keys_of([7, 7], tokens_per_block=1, scope=Scope())
    assert first != second


def test_where_tokens_are_cut_is_part_of_the_key() -> None:
    assert chain(chain(ROOT, [1, 2]), [3]) != chain(chain(ROOT, [1]), [2, 3])


@pytest.mark.parametrize("other", [Scope(adapter=1), Scope(salt=b"tenant"), Scope(salt=b"\0")])
def test_scopes_share_no_key(other: Scope) -> None:
    assert root_key(other) != ROOT
    assert chain(root_key(other), [1]) != chain(ROOT, [1])


@pytest.mark.parametrize("tokens", [[], [-1], [2**63]])
def test_a_key_of_nothing_or_of_no_token_is_refused(tokens: list[int]) -> None:
    with pytest.raises(SizeError):
        chain(ROOT, tokens)


@pytest.mark.parametrize("size", [0, -1])
def test_blocks_of_no_tokens_are_refused(size: int) -> None:
    with pytest.raises(SizeError, match="tokens_per_block"):
        keys_of([1], tokens_per_block=size, scope=Scope())


@given(st.integers(1, 50), st.integers(0, 50), st.data())
def test_packing_is_undone_by_unpacking(primary: int, secondary: int, data: st.DataObject) -> None:
    sizes = shape(primary, secondary)
    slot = SlotId(data.draw(st.integers(0, primary + secondary - 1)))
    entry = pack(slot, sizes)
    assert unpack(entry, sizes) == slot
    assert bool(entry & SECONDARY_BIT) == (slot >= primary)


@given(st.integers(0, 2**32 - 1))
def test_an_entry_that_unpacks_is_the_one_that_packs(entry: int) -> None:
    sizes = shape(3, 2)
    try:
        slot = unpack(entry, sizes)
    except SizeError:
        assert entry not in {pack(SlotId(s), sizes) for s in range(5)}
    else:
        assert pack(slot, sizes) == entry


def test_a_kernel_s_table_refuses_a_host_slot() -> None:
    assert device_table([SlotId(2), SlotId(0)], shape(3, 2)) == struct.pack("<2I", 2, 0)
    with pytest.raises(SizeError, match="in host memory"):
        device_table([SlotId(0), SlotId(3)], shape(3, 2))


@pytest.mark.parametrize("slot", [-1, 5])
def test_slots_that_are_not_there_do_not_pack(slot: int) -> None:
    with pytest.raises(SizeError):
        pack(SlotId(slot), shape(3, 2))
