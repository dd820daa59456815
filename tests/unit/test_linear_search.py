"""The search for an order: known answers, every permutation as the oracle, and its own budget."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from kvcheck.linear.history import Call, Operation, Said
from kvcheck.linear.search import Impossible, Linearized, OutOfBudget, Stuck, linearize


class Register:
    "A register: COMMIT writes `slot`, SLOT_OF reads it."

    def initial(self) -> int:
        return 0

    def after(self, state: int, operation: Operation) -> int | Impossible:
        assert operation.slot is not None
        if operation.call is Call.COMMIT:
            return operation.slot
        return state if operation.slot == state else Impossible(f"it holds {state}")


def write(value: int, called: int, returned: int) -> Operation:
    return _operation(Call.COMMIT, value, called, returned)


def read(value: int, called: int, returned: int) -> Operation:
    return _operation(Call.SLOT_OF, value, called, returned)


def _operation(call: Call, value: int, called: int, returned: int) -> Operation:
    return Operation(
        thread="t", call=call, called=called, returned=returned, said=Said.DONE, slot=value
    )


LINEARIZABLE = {
    "nothing": (),
    "read of an overlapping write": (write(1, 0, 9), read(1, 1, 2)),
    "old value while the write is under way": (write(1, 0, 9), read(0, 1, 2)),
    "old, then new": (write(1, 0, 9), read(0, 1, 2), read(1, 3, 4)),
    "two writes, last one first": (write(1, 0, 5), write(2, 1, 4), read(1, 6, 7)),
}
NOT_LINEARIZABLE = {
    "a value that nobody wrote": (read(1, 0, 1),),
    "read of a write that came later": (read(1, 0, 1), write(1, 2, 3)),
    "old value after the write": (write(1, 0, 1), read(0, 2, 3)),
    "new, then old": (write(1, 0, 9), read(1, 1, 2), read(0, 3, 4)),
}


@pytest.mark.parametrize("name", sorted(LINEARIZABLE))
def test_an_order_is_found(name: str) -> None:
    history = LINEARIZABLE[name]
    found = linearize(history, Register())
    assert isinstance(found, Linearized)
    assert sorted(o.called for o in found.order) == sorted(o.called for o in history)
    assert explains(found.order)


@pytest.mark.parametrize("name", sorted(NOT_LINEARIZABLE))
def test_no_order_is_said_to_be_none(name: str) -> None:
    found = linearize(NOT_LINEARIZABLE[name], Register())
    assert isinstance(found, Stuck)
    assert found.next, "what could not come next is named"
    assert all(why for _, why in found.next)


def test_the_longest_order_comes_with_what_stops_it() -> None:
    history = (write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(1, 6, 7))
    found = linearize(history, Register())
    assert isinstance(found, Stuck)
    assert found.longest == history[:3]
    assert found.next == ((history[3], "it holds 2"),)


def test_a_budget_that_is_spent_is_no_answer() -> None:
    history = (*(write(n, 0, 99) for n in range(8)), read(99, 100, 101))
    assert isinstance(linearize(history, Register()), Stuck)
    assert isinstance(linearize(history, Register(), pairs_max=50), OutOfBudget)


def test_every_drawn_history_is_judged_as_trying_all_permutations_would() -> None:
    draw, agreed = Random(11), {True: 0, False: 0}
    for _ in range(400):
        history = drawn(draw)
        expected = any(explains(order) for order in permutations(history) if keeps_spans(order))
        assert isinstance(linearize(history, Register()), Linearized) == expected, history
        agreed[expected] += 1
    assert min(agreed.values()) > 50, "both answers were drawn often"


def drawn(draw: Random) -> tuple[Operation, ...]:
    made = []
    for _ in range(draw.randint(1, 5)):
        called = draw.randrange(10)
        kind = draw.choice((write, read))
        made.append(kind(draw.randrange(3), called, called + draw.randint(1, 6)))
    return tuple(sorted(made, key=lambda o: o.called))


def explains(order: tuple[Operation, ...]) -> bool:
    value = 0
    for operation in order:
        assert operation.slot is not None
        if operation.call is Call.COMMIT:
            value = operation.slot
        elif operation.slot != value:
            return False
    return True


def keeps_spans(order: tuple[Operation, ...]) -> bool:
    return all(a.called <= b.returned for n, b in enumerate(order) for a in order[:n])
