"""Known answers for measures: which step of whom makes a promise come true, and which does not."""

from __future__ import annotations

from collections.abc import Iterator

from waiting import WHY, Client, Crossing, Light, Lock

from kvspec.lang import (
    Machine,
    Map,
    Model,
    action,
    eventually,
    implies,
    init,
    lemma,
    require,
    thread,
)
from kvspec.lang.standing import at


class Counting(Machine):
    """Copies are sent at once; each completes by itself; the owner looks when all are complete."""

    left: Map[Client, bool]
    is_lent: bool
    is_noisy: bool

    @classmethod
    def instance(cls, *, C: int = 3) -> Model:
        """C copies."""
        return cls.trace(sizes={"Client": C})

    @init
    def here(self) -> None:
        "Nothing is lent."

    @action
    def lend(self) -> None:
        "All copies are sent."
        require("it is here", not self.is_lent)
        self.is_lent = True
        for c in Client:
            self.left[c] = True

    @action
    def complete(self, c: Client) -> None:
        "One copy is complete."
        require("it is on its way", self.left[c])
        self.left[c] = False

    @action
    def look(self) -> None:
        "The owner takes back what no copy needs."
        require("it is lent", self.is_lent)
        require("all are complete", not any(self.left[c] for c in Client))
        self.is_lent = False

    @action
    def hum(self) -> None:
        "Somebody else does something for ever."
        self.is_noisy = not self.is_noisy

    @eventually(id="TOY-L3", why=WHY, weak=("complete", "look"), measure=("copies_left",))
    def comes_back(self) -> bool:
        "What is lent comes back."
        require("it is lent", self.is_lent)
        return not self.is_lent

    def copies_left(self) -> int:
        "Copies on their way"
        return sum(1 for c in Client if self.left[c])


class CountingOnNobody(Counting):
    """The device owes nothing."""

    @eventually(id="TOY-L3", why=WHY, weak=("look",), measure=("copies_left",))
    def comes_back(self) -> bool:
        "What is lent comes back, though no copy need complete."
        require("it is lent", self.is_lent)
        return not self.is_lent


class CountingUp(Counting):
    """The measure goes the wrong way, though the promise is kept."""

    def copies_left(self) -> int:
        "Copies that are complete"
        return sum(1 for c in Client if not self.left[c])


class CountingNoise(Counting):
    """The measure follows something that goes up and down, though the promise is kept."""

    @eventually(id="TOY-L3", why=WHY, weak=("complete", "look"), measure=("copies_left", "noise"))
    def comes_back(self) -> bool:
        "What is lent comes back."
        require("it is lent", self.is_lent)
        return not self.is_lent

    def noise(self) -> bool:
        return self.is_noisy


class CountingNoted(Counting):
    """The owner looks at a note, which is right: the proof needs that said."""

    all_complete: bool

    @action
    def complete(self, c: Client) -> None:
        "One copy is complete; the last one notes that."
        require("it is on its way", self.left[c])
        self.left[c] = False
        self.all_complete = not any(self.left[d] for d in Client)

    @action
    def look(self) -> None:
        "The owner takes back what the note says that no copy needs."
        require("it is lent", self.is_lent)
        require("all are complete", self.all_complete)
        self.is_lent = False
        self.all_complete = False

    @lemma
    def the_note_is_right(self) -> bool:
        "While something is lent, the note is there or a copy is on its way."
        return implies(self.is_lent, self.all_complete or any(self.left[c] for c in Client))


class CountingAgain(Counting):
    """A copy may be sent again and again."""

    @action
    def send_again(self, c: Client) -> None:
        "A copy is sent once more."
        require("it is lent", self.is_lent)
        self.left[c] = True


class CountingInTurn(Counting):
    """A copy completes only in its turn, and turns change: each can miss all of its own."""

    is_even: bool

    @action
    def hum(self) -> None:
        "Turns change."
        self.is_even = not self.is_even

    @action
    def complete(self, c: Client) -> None:
        "One copy is complete."
        require("it is on its way", self.left[c])
        require("an even turn", self.is_even)
        self.left[c] = False

    @action
    def complete_oddly(self, c: Client) -> None:
        "One copy is complete."
        require("it is on its way", self.left[c])
        require("an odd turn", not self.is_even)
        self.left[c] = False

    @eventually(
        id="TOY-L3",
        why=WHY,
        weak=("complete", "complete_oddly", "look"),
        measure=("copies_left",),
    )
    def comes_back(self) -> bool:
        "What is lent comes back, though nobody is enabled for long."
        require("it is lent", self.is_lent)
        return not self.is_lent


class Doorbell(Machine):
    """A bell rings and may stop by itself; whoever rang still waits."""

    rings: bool
    answered: bool

    @classmethod
    def instance(cls) -> Model:
        """There is one size."""
        return cls.trace(sizes={})

    @init
    def quiet(self) -> None:
        "Nobody there."

    @action
    def ring(self) -> None:
        "Somebody rings."
        require("nobody was answered", not self.answered)
        self.rings = True

    @action
    def stop(self) -> None:
        "The bell stops by itself."
        self.rings = False

    @action
    def answer(self) -> None:
        "The door is opened."
        require("it rings", self.rings)
        self.answered = True

    @eventually(id="TOY-L4", why=WHY, weak=("answer",), measure=("rings_now",))
    def is_heard(self) -> bool:
        "Who rings is answered."
        require("it rings", self.rings)
        return self.answered

    def rings_now(self) -> bool:
        return self.rings


class CountingForgetful(Counting):
    """The promise is about what a step may undo: it is not open until it is met."""

    @eventually(id="TOY-L3", why=WHY, weak=("complete", "look"), measure=("copies_left",))
    def comes_back(self) -> bool:
        "What is lent while it is quiet comes back."
        require("it is lent", self.is_lent)
        require("quiet", not self.is_noisy)
        return not self.is_lent


class CountingUnmeasured(Counting):
    """No measure is stated."""

    @eventually(id="TOY-L3", why=WHY, weak=("complete", "look"))
    def comes_back(self) -> bool:
        "What is lent comes back."
        require("it is lent", self.is_lent)
        return not self.is_lent


class Desk(Machine):
    """Each client has a clerk, a thread that works off what lies there, whoever puts it there."""

    lies_there: Map[Client, bool]

    @classmethod
    def instance(cls, *, C: int = 2) -> Model:
        """C clients."""
        return cls.trace(sizes={"Client": C})

    @init
    def empty(self) -> None:
        "Nothing lies there."

    @action
    def put(self, c: Client) -> None:
        "A client brings work."
        self.lies_there[c] = True

    @thread
    def clerk(self, c: Client) -> Iterator[str]:
        "Takes it up, works it off, and again."
        while True:
            require("work lies there", self.lies_there[c])
            yield "took"
            self.lies_there[c] = False
            yield "idle"

    @eventually(id="TOY-L5", why=WHY, weak=("clerk",), measure=("is_not_taken_up",))
    def is_done(self, c: Client) -> bool:
        "Work that lies there is done."
        require("it lies there", self.lies_there[c])
        return not self.lies_there[c]

    def is_not_taken_up(self, c: Client) -> bool:
        return not at(self.clerk(c), "took")


class ToldDesk(Desk):
    """It is said that no clerk goes home."""

    @lemma
    def nobody_is_done(self) -> bool:
        "No clerk comes to its end."
        return all(not at(self.clerk(c), "done") for c in Client)


class RelyingCrossing(Crossing):
    """The car counts on a green light that comes again and again, which is a promise of its own."""

    @eventually(id="TOY-L6", why=WHY, weak=("change",), measure=("is_red",))
    def green_comes(self) -> bool:
        "The light turns green."
        require("red", self.light == Light.RED)
        return self.light == Light.GREEN

    @eventually(
        id="TOY-L1",
        why=WHY,
        strong=("go",),
        weak=("change",),
        measure=("waits_there",),
        relies_on="green_comes",
    )
    def served(self) -> bool:
        "A car that waits goes, if it takes a green light that comes again and again."
        require("it waits", self.waits)
        return not self.waits

    def is_red(self) -> bool:
        return self.light == Light.RED

    def waits_there(self) -> bool:
        return self.waits


class RelyingWeakly(RelyingCrossing):
    """The car need not take a green light that does not stay."""

    @eventually(
        id="TOY-L1",
        why=WHY,
        weak=("go", "change"),
        measure=("waits_there",),
        relies_on="green_comes",
    )
    def served(self) -> bool:
        "A car that waits goes, if it takes a green light that stays."
        require("it waits", self.waits)
        return not self.waits


class RelyingOnNobody(RelyingCrossing):
    """Nobody owes a change of the light."""

    @eventually(id="TOY-L6", why=WHY, measure=("is_red",))
    def green_comes(self) -> bool:
        "The light turns green, though it need not change."
        require("red", self.light == Light.RED)
        return self.light == Light.GREEN

    @eventually(
        id="TOY-L1",
        why=WHY,
        strong=("go",),
        measure=("waits_there",),
        relies_on="green_comes",
    )
    def served(self) -> bool:
        "A car that waits goes, though the light need not change."
        require("it waits", self.waits)
        return not self.waits


class RelyingOnRed(RelyingCrossing):
    """What comes again and again is of no use; the light may break while it is red."""

    is_broken: bool

    @action
    def change(self) -> None:
        "The light changes, but for one that is broken."
        require("it works", not self.is_broken)
        self.light = Light.GREEN if self.light == Light.RED else Light.RED

    @action
    def break_down(self) -> None:
        "It stays red."
        require("red", self.light == Light.RED)
        self.is_broken = True

    @lemma
    def only_red_breaks(self) -> bool:
        "A broken light is red."
        return implies(self.is_broken, self.light == Light.RED)

    @eventually(id="TOY-L6", why=WHY, weak=("change",), measure=("is_green",))
    def green_comes(self) -> bool:
        "The light turns red."
        require("green", self.light == Light.GREEN)
        return self.light == Light.RED

    def is_green(self) -> bool:
        return self.light == Light.GREEN


class RelyingLock(Lock):
    """Each client counts on itself, once the lock comes free again and again."""

    @lemma
    def one_holds_what_is_taken(self) -> bool:
        "The lock is taken by the one who holds it."
        return self.taken == any(at(self.client(c), "holds") for c in Client) and all(
            c == d or not (at(self.client(c), "holds") and at(self.client(d), "holds"))
            for c in Client
            for d in Client
        )

    @lemma
    def who_wants_waits(self) -> bool:
        "Who wants the lock waits for it, and nobody comes to its end."
        return all(
            self.wants[c] == at(self.client(c), "waits") and not at(self.client(c), "done")
            for c in Client
        )

    @eventually(id="TOY-L7", why=WHY, weak=("client",), measure=("is_taken",))
    def it_comes_free(self) -> bool:
        "A lock that is taken is given back."
        require("it is taken", self.taken)
        return not self.taken

    @eventually(
        id="TOY-L2",
        why=WHY,
        strong=("client",),
        measure=("still_wants",),
        relies_on="it_comes_free",
    )
    def everybody_gets_it(self, c: Client) -> bool:
        "A client that waits has the lock in the end, if it takes one of the chances it gets."
        require("it wants", self.wants[c])
        return not self.wants[c]

    def is_taken(self) -> bool:
        return self.taken

    def still_wants(self, c: Client) -> bool:
        return self.wants[c]
