"""Dining philosophers: with N of them who all take the left fork first they can starve together."""

from __future__ import annotations

from enum import Enum

from kvspec.lang import Constant, Machine, Map, Model, Sort, action, goal, init, invariant, require


class Philosopher(Sort):
    """Sits at a round table."""


class Mood(Enum):
    """What a philosopher does."""

    THINKING = 0
    ONE_FORK = 1
    EATING = 2


class Table(Machine):
    """Everybody takes the left fork, then the right one."""

    right: Constant[Philosopher, Philosopher]
    mood: Map[Philosopher, Mood]
    taken: Map[Philosopher, bool]  # the fork to the left of each

    @classmethod
    def instance(cls, *, N: int = 3) -> Model:
        """N philosophers."""
        return cls.trace(
            sizes={"Philosopher": N}, constants={"right": [(k + 1) % N for k in range(N)]}
        )

    @init
    def seated(self) -> None:
        "All think, all forks are on the table."

    @action
    def take_left(self, p: Philosopher) -> None:
        "A hungry philosopher takes the fork to the left."
        require("thinking", self.mood[p] == Mood.THINKING)
        require("left fork is there", not self.taken[p])
        self.taken[p] = True
        self.mood[p] = Mood.ONE_FORK

    @action
    def take_right(self, p: Philosopher) -> None:
        "Then the one to the right."
        require("one fork", self.mood[p] == Mood.ONE_FORK)
        require("right fork is there", not self.taken[self.right[p]])
        self.taken[self.right[p]] = True
        self.mood[p] = Mood.EATING

    @action
    def put_down(self, p: Philosopher) -> None:
        "Both forks go back."
        require("eating", self.mood[p] == Mood.EATING)
        self.taken[p] = False
        self.taken[self.right[p]] = False
        self.mood[p] = Mood.THINKING

    @invariant(id="TOY-2", why="a fork is one thing")
    def neighbours_do_not_eat_together(self) -> bool:
        "Of two neighbours at most one eats."
        return all(
            not (self.mood[p] == Mood.EATING and self.mood[self.right[p]] == Mood.EATING)
            for p in Philosopher
        )

    @goal
    def somebody_eats(self) -> bool:
        "Eating is possible."
        return any(self.mood[p] == Mood.EATING for p in Philosopher)


class Polite(Table):
    """Puts the left fork back when the right one is gone."""

    @action
    def give_back(self, p: Philosopher) -> None:
        "The left fork goes back."
        require("one fork", self.mood[p] == Mood.ONE_FORK)
        require("right fork is gone", self.taken[self.right[p]])
        self.taken[p] = False
        self.mood[p] = Mood.THINKING
