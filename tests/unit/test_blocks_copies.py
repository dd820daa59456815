"""The order of copies: which may run before which, whatever the device prefers."""

from __future__ import annotations

import pytest
from copies_bench import (
    DOWN,
    HAZARDS,
    P0,
    P1,
    S0,
    S1,
    UP,
    Copies,
    Sends,
    in_each_order,
    in_order_sent,
)


@pytest.mark.parametrize("sends", HAZARDS.values(), ids=HAZARDS)
def test_copies_that_share_bytes_keep_the_order_they_were_sent_in(sends: Sends) -> None:
    assert in_each_order(sends) == [in_order_sent(sends)] * 2


def test_independent_copies_may_overtake() -> None:
    copies = Copies()
    up, down = copies.send(UP, S0, P0), copies.send(DOWN, P1, S1)
    assert copies.device.run(stream=2) == [down]
    assert copies.device.run() == [up]


def test_compute_waits_for_the_copies_of_its_step() -> None:
    copies = Copies()
    copies.send(UP, S0, P0)
    copies.send(DOWN, P1, S1)
    copies.streams.end_step()
    copies.fill(P1, "z")
    assert copies.device.run(stream=0) == []
    copies.device.run()
    assert copies.contents() == "dzcdb"


def test_copies_wait_for_the_compute_before_their_step() -> None:
    copies = Copies()
    copies.streams.end_step()
    filled = copies.fill(P0, "z")
    copies.streams.begin_step()
    copies.send(DOWN, P0, S0)
    assert copies.device.run(stream=2) == []
    assert copies.device.run(stream=0) == [filled]
    copies.device.run()
    assert copies.contents() == "zbcze"


def test_order_survives_the_border_between_two_steps() -> None:
    copies = Copies()
    copies.send(DOWN, P0, S0)
    copies.streams.end_step()
    copies.streams.begin_step()
    copies.send(UP, S0, P1)
    assert copies.device.run(stream=1) == []
    copies.device.run()
    assert copies.contents() == "aacae"


def test_completion_is_seen_in_the_order_of_the_stream() -> None:
    copies = Copies()
    copies.send(DOWN, P0, S0)
    copies.send(DOWN, P1, S1)
    assert copies.streams.pop_complete(DOWN) is None
    copies.device.run(limit=1)
    assert copies.streams.is_in_flight(S0)
    first = copies.streams.pop_complete(DOWN)
    assert first is not None
    assert (first.source, first.target) == (P0, S0)
    assert not copies.streams.is_in_flight(S0)
    assert copies.streams.is_in_flight(S1)
    assert copies.streams.pop_complete(DOWN) is None
    assert copies.streams.pop_complete(UP) is None
