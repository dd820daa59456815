"""Whether a declared kernel touches what it did not declare: told by the bytes that it is given.

It decides what is noticed of one execution. The idea: what is declared only read must come back as
it was; and what is declared only written is given with two different fillings, one after the other,
so that a result which depends on the filling was read. Where the first filling does not give the
same twice, as with random numbers, the result depends on more, and nothing is said of reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from kvimpl.device.port import Mode

On: TypeAlias = Callable[[Sequence[bytearray]], None]
"""Runs the kernel on these bytes, one an operand, which it may change."""
Audit: TypeAlias = Callable[[On, Sequence[bytearray], Sequence[Mode]], list[Mode | None]]
OTHER = 0x7F  # a number out of every range that a place is looked up in


def trusted(on: On, stores: Sequence[bytearray], modes: Sequence[Mode]) -> list[Mode | None]:
    """Run it once, as an operator of torch, whose schema is believed."""
    on(stores)
    return [None] * len(modes)


def audited(on: On, stores: Sequence[bytearray], modes: Sequence[Mode]) -> list[Mode | None]:
    """Run it, and once more on other fillings; of each operand what was done and not declared.

    It is run a third time if the second ends otherwise.
    """
    before = [bytes(store) for store in stores]
    again = [
        bytearray(store) if mode.reads else bytearray([OTHER]) * len(store)
        for store, mode in zip(stores, modes, strict=True)
    ]
    on(stores)
    found: list[Mode | None] = [
        Mode.WRITE if not mode.writes and store != old else None
        for store, old, mode in zip(stores, before, modes, strict=True)
    ]
    written = [at for at, mode in enumerate(modes) if not mode.reads]
    if written:
        depends = _depends(on, stores, again)
        seen = [at for at in written if depends is None or depends[at]]
        if seen and _repeats(on, stores, before):
            for at in seen:
                found[at] = Mode.READ
    return found


def _depends(on: On, stores: Sequence[bytearray], again: Sequence[bytearray]) -> list[bool] | None:
    """Of each operand whether it ends otherwise on other fillings; None: it does not even end."""
    try:
        on(again)
    except Exception:  # on the first fillings it ended well: it is these that it cannot stand
        return None
    return [
        any(one != two and (one, two) != (0, OTHER) for one, two in zip(*pair, strict=True))
        for pair in zip(stores, again, strict=True)
    ]


def _repeats(on: On, stores: Sequence[bytearray], before: Sequence[bytes]) -> bool:
    """Whether what it made of these bytes is what it makes of them once more."""
    once_more = [bytearray(old) for old in before]
    try:
        on(once_more)
    except Exception:  # it ended well before: it goes by more than its operands
        return False
    return once_more == list(stores)
