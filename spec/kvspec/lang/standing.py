"""`at` and `kept`: what a fact says of a thread, namely where it stands and what it keeps there.

It decides what the two mean while a spec runs as ordinary Python; the tracer reads the same calls
in `thread_facts`. A thread is named by calling it, `self.reader(r)`: that runs none of its lines,
and lets the type checker see its arguments. Only facts may use them: a program that runs cannot
see where another one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one thread stands, by the label of its yield, and the values of its own variables."""

    place: str
    own: Mapping[str, object]


WhereIs = Callable[[str, tuple[object, ...]], Standing]

_where_is: ContextVar[WhereIs] = ContextVar("kvspec_where_is")


@contextmanager
def watching(where_is: WhereIs) -> Iterator[None]:
    """Run what is inside with this answer to where a thread of given name and arguments stands."""
    token = _where_is.set(where_is)
    try:
        yield
    finally:
        _where_is.reset(token)


def at(thread: Iterator[str], *places: str) -> bool:
    """Whether the thread stands at one of these places: labels of its yields, `start` or `done`."""
    return _standing(thread).place in places


def kept(thread: Iterator[str], name: str, kind: type[T]) -> T:
    """The thread's own variable of this name; said only of places to which it brings a value."""
    own: Mapping[str, Any] = _standing(thread).own  # Any: the tracer has compared it with `kind`
    found: T = own[name] if name in own else _blank(kind)
    return found


def _blank(kind: Any) -> Any:  # Any: a sort, an enum, bool or int, by the tracer
    """What a variable holds that a variant's thread does not have."""
    return kind() if kind in (int, bool) else next(iter(kind))


def _standing(thread: Any) -> Standing:  # Any: typeshed hides what a generator was called with
    given = dict(thread.gi_frame.f_locals)
    names = thread.gi_code.co_varnames[1 : thread.gi_code.co_argcount]
    return _where_is.get()(thread.gi_code.co_name, tuple(given[name] for name in names))
