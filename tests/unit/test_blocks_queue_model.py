"""Both queue designs against plain lists over drawn lives, and page tables there and back."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kvimpl.blocks.errors import QueueFault
from kvimpl.blocks.pages import ENTRY_BYTES, device_table, unpack
from kvimpl.blocks.queue import FreeQueues, NamedQueues, StoredQueues, Ticket
from kvspec.events import BlockId, End, Level, Priority, Shape, SlotId

BLOCKS = st.integers(0, 5).map(BlockId)
LEVELS = st.sampled_from(Level)
PRIORITIES = st.integers(0, 1).map(Priority)
PRIMARY, SECONDARY = 6, 4


class Life(RuleBasedStateMachine):
    """A life of a queue whose caller claims a block before it changes what queues are chosen by.

    The model is a list for each level and priority. A block that is claimed and put back by its
    ticket, as after an operation that failed, must get its old place.
    """

    design: type[FreeQueues]

    def __init__(self) -> None:
        super().__init__()
        self.queues: FreeQueues = self.design(priority_count=2)  # type: ignore[call-arg]
        self.lists: dict[tuple[Level, Priority], list[BlockId]] = {
            (level, Priority(priority)): [] for level in Level for priority in range(2)
        }

    def place(self, block: BlockId) -> tuple[Level, Priority] | None:
        return next((place for place, line in self.lists.items() if block in line), None)

    @rule(
        block=BLOCKS, level=LEVELS, priority=PRIORITIES, end=st.sampled_from((End.BACK, End.FRONT))
    )
    def put(self, block: BlockId, level: Level, priority: Priority, end: End) -> None:
        if self.place(block) is not None:
            with pytest.raises(QueueFault, match="twice"):
                self.queues.put(block, level, priority, end=end)
            return
        self.queues.put(block, level, priority, end=end)
        line = self.lists[level, priority]
        line.insert(0 if end is End.FRONT else len(line), block)

    @rule(block=BLOCKS)
    def claim(self, block: BlockId) -> None:
        place = self.place(block)
        if place is None:
            with pytest.raises(QueueFault):
                self.queues.claim(block, Level.PRIMARY, Priority(0))
            return
        self.queues.claim(block, *place)
        self.lists[place].remove(block)

    @rule(block=BLOCKS)
    def claim_and_put_back(self, block: BlockId) -> None:
        place = self.place(block)
        if place is not None:
            ticket = self.queues.claim(block, *place)
            self.queues.put(block, *place, end=End.AGAIN, ticket=ticket)

    @invariant()
    def all_that_is_shown_is_the_model_s(self) -> None:
        for level in Level:
            lines = [self.lists[level, Priority(priority)] for priority in range(2)]
            assert self.queues.order()[level] == tuple(map(tuple, lines))
            assert self.queues.counts[level] == sum(map(len, lines))
            assert self.queues.front(level) == next(iter([*lines[0], *lines[1]]), None)
        for number in range(6):
            held = self.place(BlockId(number)) is not None
            assert self.queues.holds(BlockId(number)) == held


def a_life_of(design: type[FreeQueues]) -> type[Life]:
    return type(f"Life{design.__name__}", (Life,), {"design": design})


LIVES = settings(max_examples=100, stateful_step_count=25, derandomize=True, database=None)


@pytest.mark.parametrize("design", [NamedQueues, StoredQueues])
def test_each_design_is_a_list_for_each_level_and_priority(design) -> None:
    run_state_machine_as_test(a_life_of(design), settings=LIVES)


class LosesPlaces(NamedQueues):
    """Planted: a block that is put back goes to the end."""

    def put(self, block, level, priority, *, end=End.BACK, ticket=None) -> None:
        super().put(block, level, priority, end=end)


class CountsLate(StoredQueues):
    """Planted: a claim is counted at the level that the caller names."""

    def claim(self, block, level, priority) -> Ticket:
        ticket = super().claim(block, level, priority)
        self.counts[level] += 1
        self.counts[Level.PRIMARY] -= 1
        return ticket


@pytest.mark.parametrize("design", [LosesPlaces, CountsLate])
def test_a_planted_wrong_design_is_seen(design) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(a_life_of(design), settings=LIVES)


@given(st.lists(st.integers(0, PRIMARY - 1).map(SlotId), max_size=20))
def test_a_table_read_back_names_the_slots_it_was_made_of(slots: list[SlotId]) -> None:
    shape = Shape(
        primary_count=PRIMARY,
        secondary_count=SECONDARY,
        priority_count=1,
        references_max=1,
        pins_max=1,
        copies_max=1,
    )
    table = device_table(slots, shape)
    assert len(table) == ENTRY_BYTES * len(slots)
    assert [unpack(entry, shape) for (entry,) in struct.iter_unpack("<I", table)] == slots
