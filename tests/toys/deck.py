"""A deck of cards from which any card may be pulled: a queue that is edited in its middle."""

from __future__ import annotations

from kvspec.lang import Machine, Model, Set, Sort, UniqueFifo, action, init, invariant, require


class Card(Sort):
    """A card."""


class Deck(Machine):
    """Cards leave from anywhere and come back on top."""

    deck: UniqueFifo[Card]
    out: Set[Card]

    @classmethod
    def instance(cls, *, CARDS: int = 4) -> Model:
        """A deck of CARDS."""
        return cls.trace(sizes={"Card": CARDS}, constants={})

    @init
    def all_in(self) -> None:
        "The deck is whole."
        self.deck.fill(c for c in Card if True)

    @action
    def pull(self, c: Card) -> None:
        "A card is pulled out."
        require("in the deck", c in self.deck)
        self.deck.remove(c)
        self.out.add(c)

    @action
    def put_back(self, c: Card) -> None:
        "It goes back to the end."
        require("out", c in self.out)
        self.out.remove(c)
        self.deck.push(c)

    @invariant(id="TOY-3", why="a card is in one place")
    def in_or_out(self) -> bool:
        "Each card is in the deck or out, and all are counted."
        return all((c in self.deck) != (c in self.out) for c in Card) and len(self.deck) + len(
            self.out
        ) == len(Card)
