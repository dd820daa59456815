"""What a fact may say of a thread: where it stands, what it keeps there, and of which variant."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from kvspec.lang import Machine, Map, Model, Sort, action, eventually, init, lemma, require, thread
from kvspec.lang.concrete import Stepped, arguments_of, holds, initial_states, step
from kvspec.lang.ir import Apply, Operator, Read
from kvspec.lang.native import Natives, NativeWalk
from kvspec.lang.standing import at, kept


class Cup(Sort):
    """A thing to carry."""


class Waiter(Sort):
    """Who carries it."""


class Side(Enum):
    """Of the kitchen door."""

    IN = 0
    OUT = 1


class Carrying(Machine):
    """Waiters carry cups through a door, and lay them down."""

    side: Map[Cup, Side]
    shut: bool

    @classmethod
    def instance(cls) -> Model:
        """Two cups, two waiters."""
        return cls.trace(sizes={"Cup": 2, "Waiter": 2})

    @init
    def begin(self) -> None:
        "Every cup is inside."

    @action
    def wash(self, c: Cup) -> None:
        "A cup goes in by itself."
        require("it is outside", self.side[c] == Side.OUT)
        self.side[c] = Side.IN

    @action
    def turn_the_door(self) -> None:
        "The door opens or shuts."
        self.shut = not self.shut

    @thread
    def waiter(self, w: Waiter) -> Iterator[str]:
        """Takes a cup, turns first if the door is shut, and carries it out."""
        while True:
            require("a cup is inside", any(self.side[c] == Side.IN for c in Cup))
            cup: Cup = next(c for c in Cup if self.side[c] == Side.IN)
            if self.shut:
                seen: Side = self.side[cup]
                yield "turned"
                self.side[cup] = seen
            yield "took"
            self.side[cup] = Side.OUT
            yield "served"

    @lemma
    def who_took_a_cup_found_it_inside(self) -> bool:
        "Wrong: another waiter may have carried it since."
        return all(
            not at(self.waiter(w), "took") or self.side[kept(self.waiter(w), "cup", Cup)] == Side.IN
            for w in Waiter
        )

    @lemma
    def nobody_turned(self) -> bool:
        "Wrong once the door is shut: the place is one of two alternatives."
        return all(not at(self.waiter(w), "turned", "done") for w in Waiter)

    @eventually(id="T-1", why="promises are facts too", weak=("waiter",))
    def the_cup_is_served(self, w: Waiter) -> bool:
        "A waiter who took a cup comes to serve."
        require("the waiter has taken one", at(self.waiter(w), "took"))
        return at(self.waiter(w), "served")


class Straight(Carrying):
    """A variant without the place `turned`."""

    @thread
    def waiter(self, w: Waiter) -> Iterator[str]:
        """Carries without turning."""
        while True:
            require("a cup is inside", any(self.side[c] == Side.IN for c in Cup))
            cup: Cup = next(c for c in Cup if self.side[c] == Side.IN)
            yield "took"
            self.side[cup] = Side.OUT
            yield "served"


MODEL = Carrying.instance()


def fact(model: Model, name: str):
    return next(p for p in model.properties if p.name == name)


def walked(model: Model, *moves: tuple[str, int]):
    """The state after these steps of waiters."""
    (state,) = initial_states(model)
    for name, who in moves:
        taken = next(a for a in model.actions if a.name == name)
        outcome = step(model, state, taken, (who,))
        assert isinstance(outcome, Stepped)
        state = outcome.state
    return state


def test_a_place_is_a_comparison_of_the_thread_s_counter():
    formula = fact(MODEL, "nobody_turned").formula
    either = formula.body.operands[0]
    assert either.operator is Operator.OR
    places = []
    for part in either.operands:
        assert isinstance(part, Apply)
        counter, place = part.operands
        assert isinstance(counter, Read)
        assert counter.variable.name == "waiter__at"
        places.append(counter.variable.leaf.members[place.value])
    assert places == ["turned", "done"]


def test_what_is_kept_is_read_where_the_thread_stands():
    both_took = walked(MODEL, ("waiter__start", 0), ("waiter__start", 1))
    one_served = walked(MODEL, ("waiter__start", 0), ("waiter__start", 1), ("waiter__took", 0))
    claim = fact(MODEL, "who_took_a_cup_found_it_inside")
    assert holds(MODEL, claim, both_took)
    assert not holds(MODEL, claim, one_served), "the second waiter holds on to a cup that is gone"


def test_a_promise_may_say_where_a_thread_stands():
    (promise,) = MODEL.promises
    begins, ends = promise.begins
    places = MODEL.variables[2].leaf.members
    for condition, place in ((begins.condition, "took"), (ends.value, "served")):
        counter, number = condition.operands
        assert (counter.variable.name, places[number.value]) == ("waiter__at", place)


def test_a_variant_never_stands_where_its_thread_has_no_place():
    straight = Straight.instance()
    assert "turned" not in straight.variables[2].leaf.members
    formula = fact(straight, "nobody_turned").formula
    counter, place = formula.body.operands[0].operands
    assert counter.variable.leaf.members[place.value] == "done", "nothing is left of the other"


def test_python_says_of_threads_what_the_traced_facts_say():
    walk = NativeWalk(Natives(Carrying, MODEL))
    state = walk.state()
    seen = set()
    for turn in range(20):
        moves = [
            (a, x)
            for a in MODEL.actions
            for x in arguments_of(a)
            if isinstance(step(MODEL, state, a, x), Stepped)
        ]
        taken, arguments = moves[turn % len(moves)]
        state = walk.take(taken, arguments).state
        for prop in MODEL.properties:
            assert walk.holds(prop) == holds(MODEL, prop, state), prop.name
            seen.add((prop.name, walk.holds(prop)))
    assert seen == {(p.name, truth) for p in MODEL.properties for truth in (True, False)}
