"""The two queue designs: order, counts, and what each does when a block changed while queued."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvimpl.blocks.errors import QueueFault
from kvimpl.blocks.expiry import Expiries
from kvimpl.blocks.queue import FreeQueues, Line, NamedQueues, StoredQueues
from kvspec.events import BlockId, End, Level, Priority

DESIGNS = [NamedQueues, StoredQueues]
LOW, HIGH = Priority(0), Priority(1)
UP, DOWN = Level.PRIMARY, Level.SECONDARY
a, b, c = BlockId(0), BlockId(1), BlockId(2)


def filled(design: type[NamedQueues] | type[StoredQueues], *blocks: BlockId) -> FreeQueues:
    queues = design(priority_count=2)
    for block in blocks:
        queues.put(block, UP, LOW)
    return queues


@pytest.mark.parametrize("design", DESIGNS)
def test_the_oldest_of_the_lowest_priority_is_in_front(design) -> None:
    queues = design(priority_count=2)
    queues.put(a, UP, HIGH)
    assert queues.front(UP) == a
    queues.put(b, UP, LOW)
    queues.put(c, UP, LOW)
    assert queues.front(UP) == b
    assert queues.order()[UP] == ((b, c), (a,))
    assert queues.front(DOWN) is None


@pytest.mark.parametrize("design", DESIGNS)
def test_a_block_put_in_front_is_next(design) -> None:
    queues = filled(design, a, b)
    queues.put(c, UP, LOW, end=End.FRONT)
    assert queues.order()[UP][0] == (c, a, b)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_ticket_gives_a_block_its_place_back(design) -> None:
    queues = filled(design, a, b, c)
    middle = queues.claim(b, UP, LOW)
    first = queues.claim(a, UP, LOW)
    queues.put(a, UP, LOW, ticket=first)
    queues.put(b, UP, LOW, ticket=middle)
    assert queues.order()[UP][0] == (a, b, c)
    assert queues.counts == [3, 0]


@pytest.mark.parametrize("design", DESIGNS)
def test_a_second_entry_is_refused_and_changes_nothing(design) -> None:
    queues = filled(design, a, b)
    with pytest.raises(QueueFault, match="Block 0 is put on a queue twice"):
        queues.put(a, DOWN, LOW)
    assert queues.order()[UP][0] == (a, b)
    assert queues.counts == [2, 0]


@pytest.mark.parametrize("design", DESIGNS)
def test_a_block_in_use_cannot_be_claimed(design) -> None:
    queues = filled(design, a, b)
    queues.claim(a, UP, LOW)
    with pytest.raises(QueueFault):
        queues.claim(a, UP, LOW)
    assert queues.counts == [1, 0]
    assert not queues.holds(a)
    assert queues.holds(b)


def test_named_queues_refuse_a_block_looked_for_at_the_wrong_level() -> None:
    queues = filled(NamedQueues, a)
    with pytest.raises(QueueFault, match="not in the SECONDARY queue"):
        queues.claim(a, DOWN, LOW)
    assert queues.counts == [1, 0]
    assert queues.order()[UP][0] == (a,)


def test_stored_queues_find_a_block_that_changed_level_and_priority() -> None:
    queues = filled(StoredQueues, a)
    queues.claim(a, DOWN, HIGH)
    assert queues.counts == [0, 0]
    assert queues.order()[UP] == ((), ())


PLACES = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(End), st.booleans()), max_size=30)


@given(PLACES)
def test_a_line_is_a_list_without_repeats(places: list[tuple[int, End, bool]]) -> None:
    line, plain = Line(), []
    for number, end, is_asked in places:
        block = BlockId(number)
        if block not in plain:
            line.push(block, end)
            plain.insert(0 if end is End.FRONT else len(plain), block)
        elif end is End.AGAIN:
            line.restore(block, line.remove(block))
        else:
            line.remove(block)
            plain.remove(block)
        if is_asked:
            assert line.blocks() == tuple(plain)
        assert line.front() == (plain[0] if plain else None)
        assert len(line) == len(plain)
        assert (line.remove(BlockId(9)), len(line)) == (None, len(plain))
    assert line.blocks() == tuple(plain)


def test_due_blocks_come_soonest_first_and_once() -> None:
    expiries = Expiries()
    expiries.schedule(a, 3.0)
    expiries.schedule(b, 1.0)
    expiries.schedule(c, 2.0)
    expiries.cancel(c)
    assert expiries.waiting() == {a, b}
    assert expiries.pop_due(0.5) is None
    assert [expiries.pop_due(3.0) for _ in range(3)] == [b, a, None]


def test_a_later_deadline_replaces_the_earlier_one() -> None:
    expiries = Expiries()
    expiries.schedule(a, 1.0)
    expiries.schedule(a, 2.0)
    assert expiries.pop_due(1.5) is None
    assert expiries.pop_due(2.0) == a


def test_cancelled_deadlines_do_not_pile_up() -> None:
    expiries = Expiries()
    for n in range(1000):
        expiries.schedule(a, float(n))
    assert len(expiries._heap) < 20
