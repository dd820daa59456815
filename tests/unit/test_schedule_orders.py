"""Each schedule picks as it says; a schedule is text; a record that does not apply says why."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcheck.schedule import (
    Budget,
    Eager,
    HostFirst,
    Pct,
    Random,
    Reach,
    Recorder,
    Reduction,
    Replay,
    ReplayDiverged,
    difference,
    explore,
    parsed,
    written,
)
from kvcheck.schedule.races import Order, conflict
from kvimpl.device.port.steps import LockUse, Pending, Schedule, Touch

NAMES = st.from_regex(r"[a-z][a-z0-9_.\-]{0,5}", fullmatch=True)


def pending(*actors: str) -> list[Pending]:
    """Steps on nothing; a name in capitals is a host task."""
    return [Pending(actor, "step", (), actor.isupper()) for actor in actors]


def wrote(actor: str, *things: str, **more: object) -> Pending:
    touches = tuple(Touch(thing, 0, 1, True) for thing in things)
    return Pending(actor, "write", touches, True, **more)  # type: ignore[arg-type]


def interleaving(plan: dict[str, Sequence[str]]) -> Callable[[Schedule], tuple[str, ...]]:
    """A program without a device: each actor writes things in turn; the outcome is, for each
    thing, the order in which it was written."""

    def run(schedule: Schedule) -> tuple[str, ...]:
        left = {actor: list(things) for actor, things in plan.items()}
        log: dict[str, str] = {}
        while any(left.values()):
            offers = [wrote(actor, things[0]) for actor, things in left.items() if things]
            actor = offers[schedule.pick(offers)].actor
            thing = left[actor].pop(0)
            log[thing] = log.get(thing, "") + actor
        return tuple(f"{thing}:{log[thing]}" for thing in sorted(log))

    return run


def test_host_first_takes_a_stream_only_when_no_host_can_go_on() -> None:
    assert HostFirst().pick(pending("A", "B", "s")) == 0
    assert HostFirst().pick(pending("s", "t")) == 0


def test_eager_takes_a_host_only_when_no_stream_can_go_on() -> None:
    assert Eager().pick(pending("A", "B", "s", "t")) == 2
    assert Eager().pick(pending("A", "B")) == 0


def test_random_takes_each_about_equally_and_repeats_from_its_seed() -> None:
    offers = pending("A", "s", "t")
    picks = [[schedule.pick(offers) for _ in range(300)] for schedule in (Random(7), Random(7))]

    assert picks[0] == picks[1]
    assert all(70 < count < 130 for count in Counter(picks[0]).values())
    assert len(Counter(picks[0])) == 3


def test_pct_keeps_to_one_actor_between_its_changes() -> None:
    offers = pending("A", "s", "t", "u")
    for seed, depth in itertools.product(range(20), (1, 2, 4)):
        schedule = Pct(seed, depth=depth, steps=40)
        actors = [schedule.pick(offers) for _ in range(40)]
        assert len(list(itertools.groupby(actors))) <= depth


def test_pct_finds_an_order_of_three_steps_where_random_hardly_does() -> None:
    """Depth 3: actor a must run far ahead of b, and b must overtake at the end."""
    run = interleaving({"a": ["x"] * 12, "b": ["x"] * 12})

    def hits(schedule: Callable[[int], Schedule]) -> int:
        wanted = "x:" + "a" * 11 + "b" * 12 + "a"
        return sum(run(schedule(seed)) == (wanted,) for seed in range(400))

    assert hits(lambda seed: Pct(seed, depth=2, steps=24)) > 0
    assert hits(Random) == 0


@pytest.mark.parametrize(("depth", "steps"), [(0, 10), (11, 10)])
def test_pct_refuses_more_changes_than_steps(depth: int, steps: int) -> None:
    with pytest.raises(ValueError, match="Change depth or steps"):
        Pct(1, depth=depth, steps=steps)


@given(st.lists(NAMES, max_size=30))
def test_a_schedule_survives_being_written_and_pasted(actors: list[str]) -> None:
    assert parsed(written(actors)) == tuple(actors)
    assert parsed("\n  ".join(written(actors).split())) == tuple(actors)


def test_a_schedule_reads_as_runs_of_one_actor() -> None:
    assert written(["host", "host", "host", "copies", "host"]) == "host*3 copies host"


@pytest.mark.parametrize("line", ["host*", "host*0", "*3", "host *3", "3", "h*99999999", "h*-1"])
def test_a_schedule_that_was_cut_or_edited_is_refused_with_the_token(line: str) -> None:
    with pytest.raises(ValueError, match=r"token [12] of the schedule, '"):
        parsed(line)


@given(st.randoms(use_true_random=False))
def test_a_recorded_run_replays_to_the_same_steps_and_outcome(chance: object) -> None:
    seed = chance.randrange(10**6)  # type: ignore[attr-defined]
    run = interleaving({"a": "xyx", "b": "yxx", "c": "zx"})
    first = Recorder(Random(seed))
    outcome = run(first)
    replay = Replay(first.text)
    second = Recorder(replay)

    assert run(second) == outcome
    assert (second.text, replay.left) == (first.text, 0)


def test_a_replay_goes_on_host_first_after_its_end_and_counts_what_it_did_not_use() -> None:
    run = interleaving({"a": "xx", "b": "x"})

    assert run(Replay("b")) == ("x:baa",)
    unused = Replay("a*2 b c*3")
    run(unused)
    assert unused.left == 3


def test_a_record_that_no_longer_applies_says_where_and_what_could_go_on() -> None:
    with pytest.raises(ReplayDiverged, match=r"at step 2 the schedule wants 'a'.*b: write") as at:
        interleaving({"a": "xx", "b": "x"})(Replay("a*3"))

    assert (at.value.step, at.value.actor) == (2, "a")


def test_conflicts_are_of_overlapping_bytes_and_one_writer() -> None:
    def touch(start: int, stop: int, writes: bool, thing: str = "m") -> tuple[Touch, ...]:
        return (Touch(thing, start, stop, writes),)

    assert conflict(touch(0, 4, True), touch(3, 5, False))
    assert not conflict(touch(0, 4, True), touch(4, 5, True))
    assert not conflict(touch(0, 4, False), touch(0, 4, False))
    assert not conflict(touch(0, 4, True), touch(0, 4, True, "n"))
    assert not conflict((), touch(0, 4, True))


def test_a_step_is_in_no_race_with_what_it_waited_for() -> None:
    done = wrote("s", "done 1")
    waited = Pending("h", "await", (Touch("done 1", 0, 1, False),), True, -1, frozenset({"done 1"}))
    asked = Pending("h", "query", (Touch("done 1", 0, 1, False),), True)

    assert list(Order([done, waited]).races()) == []
    assert list(Order([done, asked]).races()) == [(0, frozenset({"h"}))]


def test_two_takers_of_a_lock_are_in_a_race_although_a_release_lies_between() -> None:
    steps = [
        wrote("a", "lock", lock_use=LockUse.ACQUIRE),
        wrote("a", "lock", lock_use=LockUse.RELEASE),
        wrote("b", "lock", lock_use=LockUse.ACQUIRE),
    ]

    assert list(Order(steps).races()) == [(0, frozenset({"b"}))]


def test_an_enqueued_step_is_after_the_step_that_enqueued_it() -> None:
    write = wrote("h", "m")
    enqueued = Pending("s", "copy", (Touch("m", 0, 1, True),), False, 1)

    assert list(Order([write, wrote("h"), enqueued]).races()) == []


@pytest.mark.parametrize(
    ("plan", "orders"),
    [
        ({"a": "x", "b": "y"}, 1),
        ({"a": "x", "b": "x"}, 2),
        ({"a": "xx", "b": "xx"}, 6),
        ({"a": "x", "b": "x", "c": "x"}, 6),
        ({"a": "xy", "b": "yx"}, 4),
        ({"a": "xyz", "b": "xyz", "c": "w"}, 8),
    ],
)
def test_each_order_that_matters_is_run_once(plan: dict[str, str], orders: int) -> None:
    run = interleaving(plan)  # type: ignore[arg-type]
    brute = explore(run, budget=Budget(), reduction=Reduction.NONE)
    dpor = explore(run, budget=Budget())

    assert set(dpor.outcomes) == set(brute.outcomes)
    assert (dpor.reach, dpor.runs) == (Reach.EXHAUSTED, len(brute.outcomes))
    assert dpor.runs <= orders


def test_each_outcome_comes_with_a_schedule_that_leads_to_it() -> None:
    run = interleaving({"a": "xy", "b": "yx"})

    for outcome, line in explore(run, budget=Budget()).outcomes.items():
        assert run(Replay(line)) == outcome


def test_a_budget_that_ran_out_says_budget() -> None:
    run = interleaving({"a": "xxx", "b": "xxx"})

    by_runs = explore(run, budget=Budget(runs=19))
    by_time = explore(run, budget=Budget(seconds=3.0, clock=itertools.count(0.0, 1.0).__next__))

    assert (by_runs.reach, by_runs.runs) == (Reach.BUDGET, 19)
    assert by_time.reach is Reach.BUDGET
    assert by_time.runs < 20
    assert str(by_runs).startswith("budget: ")
    assert str(explore(run, budget=Budget(runs=21))).startswith("exhausted: 20 outcomes in 20 runs")


def test_seconds_need_a_clock() -> None:
    with pytest.raises(ValueError, match=r"Pass clock=time.monotonic"):
        Budget(seconds=1.0)


def test_an_exploration_stops_at_the_outcome_that_was_wanted() -> None:
    run = interleaving({"a": "xxx", "b": "xxx"})

    found = explore(run, budget=Budget(), stop=lambda outcome: outcome != ("x:aaabbb",))

    assert found.reach is Reach.STOPPED
    assert found.runs == 2


def test_a_program_with_a_choice_of_its_own_is_told_by_its_first_difference() -> None:
    hidden = itertools.count()

    def flips(schedule: Schedule) -> str:
        names = ("a", "b") if next(hidden) % 2 else ("b", "a")
        return "".join(names[schedule.pick([wrote(n, "x") for n in names])] for _ in range(3))

    found = difference(flips, HostFirst())

    assert found is not None
    assert found.step == 0
    assert "first: b: write w(x 0:1); a:" in str(found)
    assert "second: a: write w(x 0:1); b:" in str(found)


def test_a_hidden_choice_that_shows_only_in_the_outcome_or_the_length_is_told() -> None:
    hidden = itertools.count()

    def outcome(schedule: Schedule) -> int:
        schedule.pick(pending("A"))
        return next(hidden)

    def length(schedule: Schedule) -> None:
        for _ in range(next(hidden)):
            schedule.pick(pending("A"))

    by_outcome, by_length = difference(outcome, HostFirst()), difference(length, HostFirst())

    assert by_outcome is not None
    assert by_length is not None
    assert "the outcomes differ; first: 0; second: 1" in str(by_outcome)
    assert (by_length.step, by_length.first, by_length.second) == (2, "2 steps", "3 steps")


def test_a_program_without_hidden_choices_has_no_difference() -> None:
    for seed in range(5):
        assert difference(interleaving({"a": "xyx", "b": "yx"}), Random(seed)) is None


def test_a_program_that_changes_under_exploration_is_a_tool_fault_not_a_verdict() -> None:
    hidden = itertools.count()

    def vanishes(schedule: Schedule) -> object:
        names = "ab" if next(hidden) % 2 else "cd"
        return interleaving(dict.fromkeys(names, "x"))(schedule)

    with pytest.raises(ReplayDiverged):
        explore(vanishes, budget=Budget())
