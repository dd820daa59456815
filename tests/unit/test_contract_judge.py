"""Managers under the contract: ours and the simple one keep it, and planted wrong ones do not."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from block_bench import Bench, key

from kvcheck.lockstep import Judge, OnRefusal, design_for
from kvcheck.lockstep.contract import Books, ContractJudge, OutOfContract, TooManyNames
from kvcheck.lockstep.contract_blocks import Both, ContractReporter
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockError, BlockHandle, BlockManager, BlockPool
from kvimpl.blocks.copies import CopyStreams
from kvimpl.blocks.settings import PoolSettings
from kvimpl.bugs import BUGS, Bug, Needs
from kvimpl.simple import OutOfPages, SimpleManager
from kvspec.events import BlockId, Detail, PinId, RequestId

PAGES, ROUNDS = 4, 400


def simple_under(
    judge: ContractJudge, made: type[SimpleManager], *, shows: bool = True
) -> SimpleManager:
    """The mapping of the simple manager's notes."""

    def note(told) -> None:
        what, user, page = told
        match what:
            case "take":
                judge.take(page, user)
            case "share":
                judge.share(manager.content_of[page], page, user)
            case "fill":
                judge.fill(page, user, manager.content_of[page])
            case "drop":
                judge.drop(page, user)
            case "evict":
                judge.evict(page)
        if shows:
            judge.look(
                Books(
                    available=[*manager.empty, *manager.kept],
                    users=manager.users,
                    contents=manager.content_of,
                )
            )

    manager = made(PAGES, note=note)
    return manager


def drive(manager: SimpleManager, seed: int) -> None:
    "Requests come, look their prefix up or compute it, and go."
    rng = random.Random(seed)
    held: list[tuple[int, int]] = []
    for user in range(ROUNDS):
        content = rng.randrange(6)
        page = manager.find(user, content)
        if page is None:
            try:
                page = manager.take(user)
            except OutOfPages:
                page = None
            if page is not None and rng.random() < 0.8:
                manager.fill(user, page, content)
        if page is not None:
            held.append((user, page))
        while held and (page is None or rng.random() < 0.5):
            manager.drop(*held.pop(rng.randrange(len(held))))
            page = 0


@pytest.mark.parametrize("seed", range(3))
def test_the_simple_manager_keeps_the_contract(seed: int) -> None:
    judge = ContractJudge(PAGES)
    drive(simple_under(judge, SimpleManager), seed)
    verdict = judge.verdict()
    assert verdict.outcome is Outcome.HOLDS
    assert judge.taken.total() > ROUNDS
    assert set(judge.taken) == {"take", "share", "fill", "drop", "evict"}
    assert verdict.bound.endswith("blind to available_count, pins, copies")


class KeyKept(SimpleManager):
    "Eviction forgets the content and lets its key lead to the page."

    def take(self, user):
        lost = next(iter(self.kept.values()), None) if not self.empty else None
        page = super().take(user)
        if lost is not None:
            self.page_of[lost], self.content_of[page] = page, lost
        return page


class GivenTwice(SimpleManager):
    "A page that was taken stays among the empty ones."

    def take(self, user):
        page = super().take(user)
        self.empty.append(page)
        return page


class SharedAndKept(SimpleManager):
    "A hit leaves the page among those that may be evicted."

    def find(self, user, content):
        kept = dict(self.kept)
        page = super().find(user, content)
        if page in kept:
            self.kept[page] = kept[page]
        return page


class FreedByTheFirst(SimpleManager):
    "The first one to go gives the page back for all."

    def drop(self, user, page):
        self._check(user, page)
        self.users[page] = {user}
        super().drop(user, page)


PLANTED = {
    KeyKept: "step 21, what is shown after it: contents",
    GivenTwice: "step 2, what is shown after it: available",
    SharedAndKept: "step 13, what is shown after it: available",
    FreedByTheFirst: "step 18, what is shown after it: available",
}


@pytest.mark.parametrize("wrong", PLANTED, ids=lambda w: w.__name__)
def test_a_planted_bug_of_the_simple_manager_is_refused(wrong: type[SimpleManager]) -> None:
    judge = ContractJudge(PAGES)
    with pytest.raises(OutOfContract):
        drive(simple_under(judge, wrong), 0)
    verdict = judge.verdict()
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.reason.startswith(PLANTED[wrong])


BLIND = {
    KeyKept: "evict(place 0): it keeps something",
    GivenTwice: "take(place 0, user 7): it keeps nothing",
    SharedAndKept: "evict(place 1): it is available",
}


@pytest.mark.parametrize("wrong", BLIND, ids=lambda w: w.__name__)
def test_a_manager_that_shows_nothing_is_refused_at_the_step_that_does_harm(
    wrong: type[SimpleManager],
) -> None:
    judge = ContractJudge(PAGES)
    with pytest.raises(OutOfContract):
        drive(simple_under(judge, wrong, shows=False), 0)
    verdict = judge.verdict()
    assert verdict.reason.partition(", ")[2] == BLIND[wrong]
    assert verdict.bound.endswith(
        "blind to available, available_count, users, contents, pins, copies"
    )


# ---- each action refuses for each of its reasons


def filled(judge: ContractJudge) -> ContractJudge:
    judge.take(0, "a")
    judge.fill(0, "a", "x")
    return judge


def kept(judge: ContractJudge) -> ContractJudge:
    filled(judge).drop(0, "a")
    return judge


WRONG: list[tuple[str, Callable[[ContractJudge], object]]] = [
    ("nobody uses it", lambda j: (j.take(0, "a"), j.take(0, "b"))),
    ("it keeps nothing", lambda j: kept(j).take(0, "b")),
    ("the key is known", lambda j: filled(j).share("y", 0, "b")),
    ("the user does not use it yet", lambda j: filled(j).share("x", 0, "a")),
    ("the place has the key's content (1)", lambda j: filled(j).share("x", 1, "b")),
    ("the user uses it", lambda j: j.drop(0, "a")),
    ("it is not filled yet", lambda j: filled(j).fill(0, "a", "y")),
    ("the key is not known yet", lambda j: (filled(j).take(1, "a"), j.fill(1, "a", "x"))),
    ("it is pinned", lambda j: j.unpin(0)),
    ("it is available", lambda j: filled(j).evict(0)),
    ("it keeps something", lambda j: j.evict(0)),
    ("the target keeps nothing", lambda j: kept(j).move(0, 0)),
    ("a copy uses it", lambda j: j.settle(0)),
    ("no copy uses it", lambda j: (kept(j).move(0, 1), j.take(0, "b"), j.fill(0, "b", "y"))),
]


@pytest.mark.parametrize(("conjunct", "wrong"), WRONG, ids=[w[0] for w in WRONG])
def test_what_the_contract_forbids_is_named(conjunct: str, wrong) -> None:
    judge = ContractJudge(2)
    with pytest.raises(OutOfContract):
        wrong(judge)
    assert judge.breach is not None
    assert judge.breach.conjunct is not None
    assert judge.breach.conjunct.label == conjunct


@pytest.mark.parametrize(
    ("name", "books"),
    [
        ("available", Books(available=[0, 1])),
        ("available_count", Books(available_count=2)),
        ("users", Books(users={0: ["b"]})),
        ("contents", Books(contents={})),
    ],
)
def test_books_that_are_not_so_are_named(name: str, books: Books) -> None:
    judge = filled(ContractJudge(2))
    with pytest.raises(OutOfContract, match=f"{name}: the manager shows"):
        judge.look(books)


def test_nothing_told_is_not_run_and_blind_spots_are_named() -> None:
    judge = ContractJudge(2)
    assert judge.verdict().outcome is Outcome.NOT_RUN
    judge.look(Books(available=[0, 1]))
    assert judge.verdict().outcome is Outcome.NOT_RUN
    judge.take(0, "a")
    assert judge.verdict().bound.endswith("blind to available_count, users, contents, pins, copies")


def test_names_pass_through_a_small_judge_and_too_many_at_once_are_refused() -> None:
    judge = ContractJudge(2, users_max=2, keys_max=2)
    for n in range(50):
        judge.take(0, f"user{n}")
        judge.fill(0, f"user{n}", f"key{n}")
        judge.drop(0, f"user{n}")
        judge.evict(0)
    judge.take(0, "a")
    judge.fill(0, "a", "x")
    judge.share("x", 0, "b")
    with pytest.raises(TooManyNames, match="2 users are in use, and 'c' is one more"):
        judge.share("x", 0, "c")
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE


def test_a_place_that_does_not_exist_is_a_mistake_and_no_breach() -> None:
    judge = ContractJudge(2)
    with pytest.raises(ValueError, match="There is no place 2"):
        judge.take(2, "a")
    assert judge.breach is None
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE


def test_a_place_that_is_shown_as_available_twice_is_named() -> None:
    judge = filled(ContractJudge(2))
    with pytest.raises(OutOfContract, match=r"available: the manager shows \{1\} more than once"):
        judge.look(Books(available=[1, 1]))


# ---- our manager


def rounds(reporter, bug: Bug | None, seed: int) -> None:
    "Random calls of one scheduler and one reader on a manager of two and two."
    made = _bench_of(bug, reporter)
    rng, manager, pins = random.Random(seed), made.manager, []
    for _ in range(150):
        request, name = RequestId(rng.randrange(3)), rng.choice("abcd")
        try:
            match rng.randrange(6):
                case 0 | 1:
                    got = manager.acquire(request, key(name))
                    if not isinstance(got, BlockHandle):
                        block = manager.allocate(request)
                        made.write(block, name)
                        manager.commit(block, request, key(name))
                case 2:
                    manager.release_request(request)
                case 3 if (receipt := manager.pin_key(key(name))) is not None:
                    pins.append(receipt)
                case 4 if pins:
                    manager.unpin(pins.pop())
                case 5:
                    made.settle()
        except BlockError:
            continue


def _bench_of(bug: Bug | None, reporter) -> Bench:
    if bug is None:
        return Bench(SIZES, reporter=reporter)
    return Bench(SIZES, pool=bug.pool, manager_class=bug.manager, reporter=reporter)


SIZES = PoolSettings(primary_count=2, secondary_count=2, slot_bytes=4)


@pytest.mark.parametrize("seed", range(5))
def test_our_manager_keeps_the_contract_beside_its_design(seed: int) -> None:
    contract = ContractReporter(SIZES.shape)
    design = Judge(design_for(SIZES.shape), on_refusal=OnRefusal.RAISE)
    both = Both(design, contract)
    assert both.detail is Detail.PARTS
    rounds(both, None, seed)
    assert contract.judge.verdict().outcome is Outcome.HOLDS
    assert design.verdict().outcome is Outcome.HOLDS
    assert contract.judge.verdict().bound.endswith("looks"), "nothing is a blind spot"


def test_the_right_manager_makes_every_step_of_the_contract() -> None:
    taken: set[str] = set()
    for seed in range(5):
        contract = ContractReporter(SIZES.shape)
        rounds(contract, None, seed)
        taken |= set(contract.judge.taken)
    assert taken == {
        "take", "share", "fill", "drop", "pin", "unpin", "evict", "move", "settle",
    }  # fmt: skip


def is_seen(bug: Bug) -> bool:
    for seed in range(12):
        contract = ContractReporter(SIZES.shape)
        try:
            rounds(contract, bug, seed)
        except OutOfContract:
            return True
    return False


SEEN = {
    "canary",
    "inv-03-queued-in-flight",
    "inv-07-half-swap",
    "inv-10-kept-reference",
    "inv-11-forgotten",
    "inv-56-backwards",
    "kv-001",
    "kv-017",
    "s1-4-uncounted-pin",
    "s1-5",
    "s1-5-kept",
    "s1-5-moved",
}
"""It has no word for levels, lines inside a step, or bytes: those need the design's judge."""


@pytest.mark.parametrize(
    "name", [b.id for b in BUGS.values() if not b.needs & {Needs.PRIORITIES, Needs.THREADS}]
)
def test_which_bugs_of_our_manager_the_contract_sees(name: str) -> None:
    assert is_seen(BUGS[name]) is (name in SEEN)


class ForgetsWhoReads(BlockPool):
    "Unpins in the books of references and not in those of pins."

    def unpin(self, b: BlockId, pin: PinId) -> None:
        pins = self.pins[b]
        super().unpin(b, pin)
        self.pins[b] = pins


class CallsItDone(CopyStreams):
    "Shows no copy in flight, and waits for each all the same."

    def in_flight(self):
        return ((), ())


class Undone(BlockPool):
    @classmethod
    def make_copies(cls, device, memory, compute, *, name):
        return CallsItDone(device, memory, compute=compute, name=name)


SHOWN_WRONG = {
    "pins": (ForgetsWhoReads, r"pins: the manager shows \{\d: 1\}, its steps amount to \{\}"),
    "copies": (Undone, r"copies: by what the manager shows, \{\} are read, its steps amount to"),
}


class Hiding(ContractReporter):
    "Does not show one field of what the manager shows."

    def __init__(self, field: str) -> None:
        super().__init__(SIZES.shape)
        self.field = {"copies": "pending"}.get(field, field)

    def report(self, event, shown) -> None:
        super().report(event, Without(shown, self.field))


class Without:
    def __init__(self, shown, field: str) -> None:
        self.shape, self._shown, self._field = shown.shape, shown, field

    def observe(self):
        return self._shown.observe()._replace(**{self._field: None})


def all_rounds(bug: Bug) -> None:
    for seed in range(12):
        rounds(ContractReporter(SIZES.shape), bug, seed)


@pytest.mark.parametrize("field", SHOWN_WRONG)
def test_pins_and_copies_that_are_shown_wrong_are_seen_by_nothing_else(field: str) -> None:
    pool, said = SHOWN_WRONG[field]
    bug = replace(BUGS["canary"], pool=pool, manager=BlockManager)
    with pytest.raises(OutOfContract, match=said):
        all_rounds(bug)
    for seed in range(12):
        blind = Hiding(field)
        rounds(blind, bug, seed)
        assert blind.judge.verdict().bound.endswith(f"looks, blind to {field}")


def moved(judge: ContractJudge) -> ContractJudge:
    "A content is on its way from place 0 to place 1."
    kept(judge)
    judge.move(0, 1)
    return judge


@pytest.mark.parametrize(
    ("step", "guard"),
    [
        (lambda j: j.move(0, 1), "the source is available"),
        (lambda j: j.evict(1), "it is available"),
        (lambda j: j.fill(0, "b", "y"), "the user uses it"),
        (lambda j: (j.take(0, "b"), j.fill(0, "b", "y")), "no copy uses it"),
        (lambda j: (j.settle(1), j.settle(1)), "a copy uses it"),
    ],
    ids=["moved", "forgotten", "written by nobody", "rewritten", "settled twice"],
)
def test_a_place_in_a_transfer_is_neither_moved_nor_freed_nor_rewritten(step, guard: str) -> None:
    judge = moved(ContractJudge(2))
    with pytest.raises(OutOfContract, match=guard):
        step(judge)


def test_a_place_that_a_copy_uses_is_not_shown_as_available() -> None:
    judge = moved(ContractJudge(2))
    judge.look(Books(available=[], copies=[(0, 1)], pins={}))
    with pytest.raises(OutOfContract, match="available"):
        judge.look(Books(available=[1], copies=[(0, 1)]))
