"""One block as the contract sees it, used by one caller at a time.

It decides which answers about a single block are possible. The idea: the contract's own actions at
one place do the judging, and what the contract has no word for stands beside them: the generation
of the content, which pins are out, and where the block is while somebody holds it. That a block is
evicted between two calls is the manager's right, so it happens just before an answer that needs it.

A block keeps its content through a move between levels, so the block is the contract's place here;
copies are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kvcheck.linear.history import Call, Operation, Said
from kvcheck.linear.search import Impossible
from kvspec.contract import Contract
from kvspec.lang import concrete
from kvspec.lang.state import State

PLACE = 0


class Block(NamedTuple):
    """The block between two operations; `slot` is None while nobody is known to rely on it."""

    books: State
    generation: int
    pins: frozenset[int]
    slot: int | None


class TooManyNames(ValueError):
    """A history of one block has more requests or keys than the contract was made for."""


class BlockContract:
    """The contract at one place, for so many users, keys and pins; made once, used for any block.

    `pins_max` must be what the manager was given: one that allowed more would be called wrong.
    Steps of the contract are remembered: at one place there are few.
    """

    def __init__(self, *, users_max: int = 16, keys_max: int = 16, pins_max: int = 64) -> None:
        self._model = Contract.instance(N=1, U=users_max, K=keys_max, PINS=pins_max)
        self._actions = {action.name: action for action in self._model.actions}
        self._row = {v.name: n for n, v in enumerate(self._model.variables)}
        self._known: dict[tuple[str, State, tuple[int, ...]], State | Impossible] = {}
        self.users_max, self.keys_max = users_max, keys_max
        (self.start,) = concrete.initial_states(self._model)

    def step(self, action: str, books: State, *arguments: int) -> State | Impossible:
        """What a step of the contract makes of the books, or the guard that is false."""
        asked = (action, books, arguments)
        if asked not in self._known:
            outcome = concrete.step(self._model, books, self._actions[action], arguments)
            if isinstance(outcome, concrete.Stepped):
                self._known[asked] = outcome.state
            else:
                assert isinstance(outcome, concrete.Disabled), "the contract asserts nothing"
                self._known[asked] = Impossible(f"{action}: {outcome.require.label} is false")
        return self._known[asked]

    def users(self, books: State) -> int:
        """Who uses the place, as bits."""
        return self._int("users", books)

    def is_filled(self, books: State) -> bool:
        """Whether the place has content that a key finds."""
        return bool(self._int("filled", books))

    def content(self, books: State) -> int:
        """The number of the key that finds it, while it is filled."""
        return self._int("content", books)

    def _int(self, variable: str, books: State) -> int:
        row = books[self._row[variable]][PLACE]
        assert isinstance(row, int)
        return row


@dataclass(frozen=True, slots=True)
class OneBlock:
    """A sequential block; requests and keys are numbered as its operations bring them up."""

    contract: BlockContract
    request_number: dict[int, int]
    key_number: dict[bytes, int]

    @classmethod
    def of(cls, contract: BlockContract, operations: tuple[Operation, ...]) -> OneBlock:
        """The block that these operations are about. Raises: TooManyNames."""
        requests = dict.fromkeys(o.request for o in operations if o.request is not None)
        keys = dict.fromkeys(o.key for o in operations if o.key is not None)
        for what, found, most in (
            ("requests", len(requests), contract.users_max),
            ("keys", len(keys), contract.keys_max),
        ):
            if found > most:
                raise TooManyNames(
                    f"One block met {found} {what}, and the contract was made for {most}. The "
                    f"program has more than it was foreseen to. Make it with fewer, or make the "
                    f"contract larger."
                )
        return cls(
            contract,
            {request: n for n, request in enumerate(requests)},
            {key: n for n, key in enumerate(keys)},
        )

    def initial(self) -> Block:
        """Free, empty, never handed out."""
        return Block(self.contract.start, 0, frozenset(), None)

    def after(self, block: Block, operation: Operation) -> Block | Impossible:
        """The block after an operation that was answered so; the rule that forbids it, if any."""
        if operation.said is Said.REFUSED:
            return block
        if operation.said is not Said.DONE:
            return self._refused(block, operation)
        match operation.call:
            case Call.ALLOCATE:
                return self._allocated(block, operation)
            case Call.ACQUIRE:
                return self._acquired(block, operation)
            case Call.COMMIT:
                arguments = (PLACE, self._request(operation), self._key(operation))
                return self._moved(block, operation, "fill", *arguments)
            case Call.RELEASE:
                return self._moved(block, operation, "drop", PLACE, self._request(operation))
            case Call.PIN | Call.PIN_KEY:
                return self._pinned(block, operation)
            case Call.UNPIN:
                return self._unpinned(block, operation)
            case Call.SLOT_OF:
                return self._seen(block, operation)

    # ---- answers of success

    def _allocated(self, block: Block, operation: Operation) -> Block | Impossible:
        assert operation.generation is not None
        if operation.generation <= block.generation:
            return Impossible(f"it is handed out as generation {operation.generation} again")
        books = self._evicted(block.books)
        taken = self.contract.step("take", books, PLACE, self._request(operation))
        if isinstance(taken, Impossible):
            return taken
        return Block(taken, operation.generation, block.pins, None)

    def _acquired(self, block: Block, operation: Operation) -> Block | Impossible:
        arguments = (self._key(operation), PLACE, self._request(operation))
        return self._moved(block, operation, "share", *arguments)

    def _pinned(self, block: Block, operation: Operation) -> Block | Impossible:
        assert operation.pin is not None
        if operation.pin in block.pins:
            return Impossible(f"pin {operation.pin} is out already")
        if operation.call is Call.PIN_KEY and not self._has_key(block, operation):
            return Impossible("the block does not have the key")
        if operation.call is Call.PIN and self._is_empty(block):
            return Impossible("the block has no content")
        seen = self._seen(self._settled(block), operation)
        if isinstance(seen, Impossible):
            return seen
        moved = self._moved(seen, operation, "pin", PLACE)
        if isinstance(moved, Impossible):
            return moved
        return moved._replace(pins=block.pins | {operation.pin}, slot=operation.slot)

    def _unpinned(self, block: Block, operation: Operation) -> Block | Impossible:
        assert operation.pin is not None
        if operation.pin not in block.pins:
            return Impossible(f"pin {operation.pin} is not out")
        moved = self._moved(block, operation, "unpin", PLACE)
        if isinstance(moved, Impossible):
            return moved
        return self._settled(moved._replace(pins=block.pins - {operation.pin}))

    def _seen(self, block: Block, operation: Operation) -> Block | Impossible:
        if not self._is_current(block, operation):
            return Impossible(f"its generation is {block.generation}")
        if operation.slot is None or not self._is_held(block):
            return block
        if block.slot is not None and block.slot != operation.slot:
            return Impossible(f"it is held in slot {block.slot}, and may not move")
        return block._replace(slot=operation.slot)

    def _moved(
        self, block: Block, operation: Operation, action: str, *arguments: int
    ) -> Block | Impossible:
        if not self._is_current(block, operation):
            return Impossible(f"its generation is {block.generation}")
        books = self.contract.step(action, block.books, *arguments)
        if isinstance(books, Impossible):
            return books
        return self._settled(block._replace(books=books))

    # ---- answers of refusal

    def _refused(self, block: Block, operation: Operation) -> Block | Impossible:
        match operation.said:
            case Said.ABSENT:
                return self._without_key(block, operation)
            case Said.STALE:
                is_so = operation.generation != block.generation
            case Said.NOT_HELD:
                is_so = self._is_current(block, operation) and not self._uses(block, operation)
            case Said.NOT_PINNED:
                is_so = operation.pin not in block.pins
            case Said.NOT_CACHED:
                gone = self._evicted(block.books)
                is_so = self._is_empty(block._replace(books=gone))
                block = block._replace(books=gone) if is_so else block
            case _:
                is_so = self._is_as_said(block, operation)
        return block if is_so else Impossible(f"it is not so that {operation.said.value}")

    def _is_as_said(self, block: Block, operation: Operation) -> bool:
        held = self._is_current(block, operation) and self._uses(block, operation)
        is_filled = self.contract.is_filled(block.books)
        return held and is_filled == (operation.said is Said.HAS_KEY)

    def _without_key(self, block: Block, operation: Operation) -> Block | Impossible:
        if not self._has_key(block, operation):
            return block
        evicted = self.contract.step("evict", block.books, PLACE)
        if isinstance(evicted, Impossible):
            return Impossible("the block has the key, and is held")
        return block._replace(books=evicted)

    # ---- vocabulary

    def _request(self, operation: Operation) -> int:
        assert operation.request is not None
        return self.request_number[operation.request]

    def _key(self, operation: Operation) -> int:
        assert operation.key is not None
        return self.key_number[operation.key]

    def _has_key(self, block: Block, operation: Operation) -> bool:
        books = block.books
        return self.contract.is_filled(books) and self.contract.content(books) == self._key(
            operation
        )

    def _uses(self, block: Block, operation: Operation) -> bool:
        return bool(self.contract.users(block.books) >> self._request(operation) & 1)

    @staticmethod
    def _is_current(block: Block, operation: Operation) -> bool:
        return operation.generation in (None, block.generation)

    def _is_held(self, block: Block) -> bool:
        return bool(self.contract.users(block.books) or block.pins)

    def _is_empty(self, block: Block) -> bool:
        return not self.contract.is_filled(block.books) and not self._is_held(block)

    def _settled(self, block: Block) -> Block:
        """A block that nobody holds may move."""
        return block if self._is_held(block) else block._replace(slot=None)

    def _evicted(self, books: State) -> State:
        evicted = self.contract.step("evict", books, PLACE)
        return books if isinstance(evicted, Impossible) else evicted
