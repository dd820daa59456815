"""A manager of anybody's, judged by the contract: each step it tells, and what it chooses to show.

It decides whether a told step is one of the contract's, not how a manager's events are worded as
such steps: that mapping is a few lines of its owner's. The idea: places are numbered as the manager
numbers them, users and keys are whatever it calls them by, and what it cannot show is a blind spot
that the verdict names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias, cast

from kvcheck.lockstep.compiled import compiled
from kvcheck.lockstep.frontier import first_false
from kvcheck.lockstep.refusal import Conjunct
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.contract import Contract, Traffic
from kvspec.lang.concrete import Arguments, initial_states
from kvspec.lang.ir import Action

Place: TypeAlias = int
User: TypeAlias = Hashable
Key: TypeAlias = Hashable

USERS, PINNED, TRAFFIC, FILLED, CONTENT, KNOWN, _PLACE_OF, AVAILABLE, COUNT = range(9)
FIELDS = ("available", "available_count", "users", "contents", "pins", "copies")
WORDS = {"p": "place", "q": "target", "u": "user", "k": "key"}


class OutOfContract(Exception):
    """The manager did what the contract does not allow, or shows what is not so."""


class TooManyNames(ValueError):
    """More users or keys are in use at once than the judge was made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a manager shows after a step; None where it cannot, which is then a blind spot.

    `available`: places that can be handed out, also those whose content would be forgotten.
    `users`, `contents` and `pins` (how many) by place; a place that is left out has none.
    `copies`: source and target of each copy that is not known to be complete.
    """

    available: Collection[Place] | None = None
    available_count: int | None = None
    users: Mapping[Place, Collection[User]] | None = None
    contents: Mapping[Place, Key] | None = None
    pins: Mapping[Place, int] | None = None
    copies: Collection[tuple[Place, Place]] | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """Where the contract was left: the step, why, and what it would have allowed instead."""

    number: int
    step: str
    conjunct: Conjunct | None
    differs: tuple[str, ...]
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"Step {self.number}, {self.step}, breaks the contract."]
        if self.conjunct is not None:
            lines.append(f"  false: {self.conjunct.label}")
            lines += [f"    {name} = {value}" for name, value in self.conjunct.values]
        lines += [f"  {words}" for words in self.differs]
        if self.conjunct is not None:
            lines.append("  the contract allows here: " + (", ".join(self.allowed) or "nothing"))
        return "\n".join(lines)


class _Names:
    """Whatever users or keys are called by, as numbers; a number is free when it is out of use."""

    def __init__(self, what: str, count: int) -> None:
        self.what, self.count = what, count
        self.number_of: dict[Hashable, int] = {}
        self.name_of: dict[int, Hashable] = {}

    def number(self, name: Hashable, in_use: int) -> int:
        """The name's number. Raises: TooManyNames."""
        known = self.number_of.get(name)
        if known is not None:
            return known
        if len(self.number_of) == self.count:
            self._sweep(in_use)
        if len(self.number_of) == self.count:
            raise TooManyNames(
                f"{self.count} {self.what} are in use, and {name!r} is one more. The judge was made"
                f" for fewer than the manager has. Make it with a larger {self.what}_max."
            )
        number = next(n for n in range(self.count) if n not in self.name_of)
        self.number_of[name], self.name_of[number] = number, name
        return number

    def _sweep(self, in_use: int) -> None:
        for number, name in list(self.name_of.items()):
            if not in_use >> number & 1:
                del self.name_of[number], self.number_of[name]


class ContractJudge:
    """Judges one manager of `place_count` places, all of them available and empty at its start.

    One method a contract action; each is told after the step was made. `look` compares what is
    shown. Nothing is judged after the first breach, which every later call raises again. A step
    that could not be judged, since its names did not fit, leaves the verdict inconclusive.

    Raises (each method):
        OutOfContract: the contract does not allow the step, or what is shown is not so.
        TooManyNames: more users or keys at once than it was made for.
        ValueError: the place does not exist.
    """

    def __init__(
        self, place_count: int, *, users_max: int = 64, keys_max: int = 256, pins_max: int = 8
    ) -> None:
        self.model = Contract.instance(N=place_count, U=users_max, K=keys_max, PINS=pins_max)
        self._steps = compiled(self.model).steps
        self._actions = {action.name: action for action in self.model.actions}
        (self.state,) = initial_states(self.model)
        self.place_count = place_count
        self._users, self._keys = _Names("users", users_max), _Names("keys", keys_max)
        self.taken: Counter[str] = Counter()
        self.looks = 0
        self.breach: Breach | None = None
        self._seen: set[str] = set()
        self._unjudged = ""

    # ---- one method a contract action

    def take(self, place: Place, user: User) -> None:
        self._step("take", self._place(place), self._user(user))

    def share(self, key: Key, place: Place, user: User) -> None:
        self._step("share", self._key(key), self._place(place), self._user(user))

    def fill(self, place: Place, user: User, key: Key) -> None:
        self._step("fill", self._place(place), self._user(user), self._key(key))

    def drop(self, place: Place, user: User) -> None:
        self._step("drop", self._place(place), self._user(user))

    def pin(self, place: Place) -> None:
        self._step("pin", self._place(place))

    def unpin(self, place: Place) -> None:
        self._step("unpin", self._place(place))

    def evict(self, place: Place) -> None:
        self._step("evict", self._place(place))

    def move(self, source: Place, target: Place) -> None:
        self._step("move", self._place(source), self._place(target))

    def settle(self, place: Place) -> None:
        self._step("settle", self._place(place))

    # ---- what is shown

    def look(self, books: Books) -> None:
        """Compare what the manager shows with what its steps amount to."""
        self._stop_if_broken()
        self.looks += 1
        differs = tuple(self._differences(books))
        self._seen.update(name for name in FIELDS if getattr(books, name) is not None)
        if differs:
            self._break("look", (), None, differs)

    def _differences(self, books: Books) -> Iterable[str]:
        own = self.books()
        for name in FIELDS:
            shown = getattr(books, name)
            if shown is None:
                continue
            owed = getattr(own, name)
            if name == "available":
                twice = sorted({p for p in shown if list(shown).count(p) > 1})
                if twice:
                    yield f"available: the manager shows {_said(set(twice))} more than once"
                shown = set(shown)
            elif name == "users":
                shown = {place: set(users) for place, users in shown.items() if users}
            elif name == "contents":
                shown = dict(shown)
            elif name == "pins":
                shown = {place: count for place, count in shown.items() if count}
            elif name == "copies":
                yield from self._traffic(shown)
                continue
            if shown != owed:
                yield f"{name}: the manager shows {_said(shown)}, its steps amount to {_said(owed)}"

    def _traffic(self, copies: Collection[tuple[Place, Place]]) -> Iterable[str]:
        """The contract knows which places are read and written, not which belong together."""
        for what, kind, shown in (
            ("read", Traffic.READ, {source for source, _ in copies}),
            ("written", Traffic.WRITTEN, {target for _, target in copies}),
        ):
            owed = {p for p, use in enumerate(self._row(TRAFFIC)) if use == kind.value}
            if shown != owed:
                yield (
                    f"copies: by what the manager shows, {_said(shown)} are {what}, its steps"
                    f" amount to {_said(owed)}"
                )

    def books(self) -> Books:
        """What the steps amount to, in the manager's words; copies are compared by place."""
        users, filled = self._row(USERS), self._row(FILLED)
        return Books(
            available={p for p, is_free in enumerate(self._row(AVAILABLE)) if is_free},
            available_count=self._row(COUNT)[0],
            users={p: self._members(mask) for p, mask in enumerate(users) if mask},
            contents={
                p: self._keys.name_of[self._row(CONTENT)[p]]
                for p, is_in in enumerate(filled)
                if is_in
            },
            pins={p: count for p, count in enumerate(self._row(PINNED)) if count},
        )

    def verdict(self) -> Verdict:
        """What was seen; no step at all is `not run`, never a pass."""
        count = self.taken.total()
        bound = f"the contract, {self.place_count} places, {count} steps, {self.looks} looks"
        blind = [name for name in FIELDS if name not in self._seen]
        if blind:
            bound += f", blind to {', '.join(blind)}"
        if self.breach is not None:
            why = self.breach.conjunct.label if self.breach.conjunct else self.breach.differs[0]
            reason = f"step {self.breach.number}, {self.breach.step}: {why}"
            return Verdict(Outcome.VIOLATED, Evidence.OBSERVED, bound, reason)
        if self._unjudged:
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, self._unjudged)
        if not count:
            return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, "no step was told")
        return Verdict(Outcome.HOLDS, Evidence.OBSERVED, bound)

    # ---- building blocks

    def _step(self, name: str, *chosen: int) -> None:
        self._stop_if_broken()
        after = self._steps[name](self.state, chosen)
        if isinstance(after, int):
            why = first_false(self.model, self.state, self._actions[name], chosen)
            self._break(name, chosen, why, ())
        else:
            self.state = after
            self.taken[name] += 1

    def _break(
        self, name: str, chosen: Arguments, why: Conjunct | None, differs: tuple[str, ...]
    ) -> None:
        action = self._actions.get(name)
        told = {} if action is None else _by_parameter(action, chosen)
        number = self.taken.total() + (1 if action else 0)
        step = f"{name}({self._words(told)})" if action else "what is shown after it"
        allowed = tuple(self._allowed(told)) if action else ()
        self.breach = Breach(number, step, why, differs, allowed)
        self._stop_if_broken()

    def _allowed(self, told: Mapping[str, int]) -> Iterable[str]:
        """Each action that is allowed now, with what was told where it takes that."""
        domains = {
            "p": range(self.place_count),
            "q": range(self.place_count),
            "u": sorted(self._users.name_of),
            "k": sorted(self._keys.name_of),
        }
        for name, action in self._actions.items():
            kinds = [p.name for p in action.parameters]
            for chosen in product(*((told[k],) if k in told else domains[k] for k in kinds)):
                if not isinstance(self._steps[name](self.state, chosen), int):
                    yield f"{name}({self._words(_by_parameter(action, chosen))})"
                    break

    def _words(self, told: Mapping[str, int]) -> str:
        names = {"u": self._users.name_of, "k": self._keys.name_of}
        return ", ".join(
            f"{WORDS[kind]} {names[kind][n] if kind in names else n}" for kind, n in told.items()
        )

    def _stop_if_broken(self) -> None:
        if self.breach is not None:
            raise OutOfContract(str(self.breach))

    def _place(self, place: Place) -> int:
        if not 0 <= place < self.place_count:
            self._unjudged = (
                f"There is no place {place}. The judge was made for {self.place_count} places, from"
                " 0. Number places as the judge does, or make it larger."
            )
            raise ValueError(self._unjudged)
        return place

    def _user(self, user: User) -> int:
        in_use = 0
        if user not in self._users.number_of:
            for mask in self._row(USERS):
                in_use |= mask
        return self._number(self._users, user, in_use)

    def _key(self, key: Key) -> int:
        in_use = 0
        if key not in self._keys.number_of:
            in_use = sum(1 << n for n, is_known in enumerate(self._row(KNOWN)) if is_known)
        return self._number(self._keys, key, in_use)

    def _number(self, names: _Names, name: Hashable, in_use: int) -> int:
        try:
            return names.number(name, in_use)
        except TooManyNames as limit:
            self._unjudged = str(limit)
            raise

    def _members(self, mask: int) -> set[User]:
        return {self._users.name_of[n] for n in range(mask.bit_length()) if mask >> n & 1}

    def _row(self, variable: int) -> tuple[int, ...]:
        return cast("tuple[int, ...]", self.state[variable])  # the contract has no queues


def _by_parameter(action: Action, chosen: Arguments) -> dict[str, int]:
    return {p.name: value for p, value in zip(action.parameters, chosen, strict=True)}


def _said(value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{k}: {_said(v)}" for k, v in sorted(value.items()))
        return f"{{{inner}}}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(str, value))) + "}"
    return str(value)
