"""`at` and `kept` in a fact, translated to reads of the thread's cells.

It decides which places and variables of a thread a fact may name, and that `kept` is said only
under an `at` that names places where the variable is kept. A variant may cut a thread at other
places than the class that states the fact: at a place that it does not have it never stands.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable

from kvspec.lang import calls, expressions, quantifiers
from kvspec.lang.frame import Frame
from kvspec.lang.ir import Apply, Expr, Literal, Operator, Read
from kvspec.lang.sources import Source
from kvspec.lang.threads import own_names, places_of
from kvspec.lang.types import EnumType, IntType, ScalarType
from kvspec.lang.values import BOOL, Kind, Text, either, same_kind, type_name, whole
from kvspec.lang.whereabouts import Whereabouts


def at_call(frame: Frame, node: ast.Call) -> Expr:
    """`at(self.worker(w), "chosen", ...)`: a comparison of the thread's counter."""
    thread, index = _thread(frame, node)
    known = {*thread.places, *_places_as_stated(frame, thread.name)}
    found = []
    for argument in node.args[1:]:
        place = _text(frame, argument)
        if place not in known:
            raise frame.error(
                argument,
                f"The thread {thread.name} has no place {place!r}.",
                f"It stands at {_listed(thread.places)}.",
                "Name one of them; the label of a yield names the place behind it.",
            )
        if place in thread.places:
            found.append(_stands(thread, index, place))
    return either(*found)


def kept_call(frame: Frame, node: ast.Call) -> Expr:
    """`kept(self.worker(w), "mine", Block)`: the cell of the thread's own variable."""
    thread, index = _thread(frame, node)
    if len(node.args) != 3:
        raise _no_form(frame, node)
    name, kind = _text(frame, node.args[1]), _kind(frame, node.args[2])
    places = _places_left(frame.path, thread, index)
    if name not in thread.own and (name not in _own_as_stated(frame, thread.name) or places):
        raise frame.error(
            node.args[1],
            f"The thread {thread.name} has no variable {name!r} of its own.",
            f"It has {_listed(sorted(thread.own))}; a local without an annotation ends at a yield.",
            f"Annotate its binding, as in `{name}: Block = ...`, or name another.",
        )
    keeping = {place for place, names in thread.keeps.items() if name in names}
    if not places <= keeping:
        raise frame.error(
            node,
            f"{thread.name} need not keep {name} at {_listed(thread.ordered(places - keeping))}.",
            f"It surely keeps {name} at {_listed(thread.ordered(keeping))}.",
            f"Say it only there, as in `not at(...) or {frame.spell(node)} == ...`.",
        )
    if name not in thread.own:
        return whole(0) if isinstance(kind, IntType) else Literal(kind.low, kind)
    cell = Read(thread.own[name], index)
    if not same_kind(cell.type, kind):
        raise frame.error(
            node.args[2],
            f"{name} of {thread.name} is {type_name(cell.type)}, not {type_name(kind)}.",
            "The third argument says what kind of value is kept, for the type checker.",
            "Give the class that the thread annotates it with.",
        )
    return cell


def _thread(frame: Frame, node: ast.Call) -> tuple[Whereabouts, tuple[Expr, ...]]:
    """The thread that the first argument names, and which of its kind."""
    if not frame.is_fact:
        raise frame.error(
            node,
            f"`{frame.spell(node)}` stands outside a fact.",
            "What runs cannot see where another thread stands, nor what it keeps to itself.",
            "Keep what others must know in a state variable.",
        )
    named = node.args[0] if node.args and not node.keywords else None
    if not isinstance(named, ast.Call) or not isinstance(named.func, ast.Attribute):
        raise _no_form(frame, node)
    thread = frame.unit.threads.get(named.func.attr)
    if thread is None:
        raise frame.error(
            named,
            f"{frame.unit.machine.__name__} has no thread {named.func.attr}.",
            f"It has {_listed(sorted(frame.unit.threads)) or 'none'}.",
            "Name a method that is marked @thread.",
        )
    if len(named.args) != len(thread.parameters) or named.keywords:
        raise frame.error(
            named,
            f"`{frame.spell(named)}` does not say which {thread.name} is meant.",
            f"It takes {_listed(p.name for p in thread.parameters) or 'no argument'}.",
            "Give exactly these arguments, in order.",
        )
    index = []
    for parameter, argument in zip(thread.parameters, named.args, strict=True):
        value = expressions.scalar(frame, argument)
        index.append(calls.fitting(frame, value, parameter.type, parameter.name, argument))
    return thread, tuple(index)


def _no_form(frame: Frame, node: ast.Call) -> Exception:
    return frame.error(
        node,
        f"`{frame.spell(node)}` is no statement about a thread.",
        "A thread is named by calling it, with its arguments; a variable also by its kind.",
        'Write at(self.worker(w), "chosen") or kept(self.worker(w), "mine", Block).',
    )


def _text(frame: Frame, node: ast.expr) -> str:
    found = expressions.value(frame, node)
    if isinstance(found, Text):
        return found.text
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is not written out as a string.",
        "Places and variables of a thread are known from the text alone.",
        "Write the label of the yield, or the name of the variable, in quotes.",
    )


def _kind(frame: Frame, node: ast.expr) -> ScalarType:
    if isinstance(node, ast.Name) and node.id in ("int", "bool"):
        return BOOL if node.id == "bool" else IntType(0, 0)
    found = expressions.value(frame, node)
    if isinstance(found, Kind):
        return quantifiers.kind_type(frame, found, node)
    raise frame.error(
        node,
        f"`{frame.spell(node)}` is no kind of value that a thread keeps.",
        "A thread keeps ids, enum members, bools and ints.",
        "Give the sort, the enum, `bool` or `int`.",
    )


def _stands(thread: Whereabouts, index: tuple[Expr, ...], place: str) -> Expr:
    kind = thread.counter.leaf
    assert isinstance(kind, EnumType)
    here = Literal(thread.places.index(place), kind)
    return Apply(Operator.EQ, (Read(thread.counter, index), here), BOOL)


# ---- where the path to a formula says that the thread stands -----------------------------------


def _places_left(
    path: Iterable[Expr], thread: Whereabouts, index: tuple[Expr, ...]
) -> frozenset[str]:
    counter = Read(thread.counter, index)
    left = frozenset(thread.places)
    for condition in path:
        left &= _places_where(condition, True, counter, thread.places)
    return left


def _places_where(
    condition: Expr, truth: bool, counter: Read, places: tuple[str, ...]
) -> frozenset[str]:
    """The places at which the condition can have this truth, as far as it is about the counter."""
    everywhere = frozenset(places)
    if isinstance(condition, Literal):
        return everywhere if bool(condition.value) is truth else frozenset()
    if not isinstance(condition, Apply):
        return everywhere
    parts = condition.operands
    if condition.operator is Operator.NOT:
        return _places_where(parts[0], not truth, counter, places)
    if condition.operator in (Operator.AND, Operator.OR):
        each = [_places_where(part, truth, counter, places) for part in parts]
        one_is_enough = (condition.operator is Operator.OR) is truth
        return frozenset().union(*each) if one_is_enough else everywhere.intersection(*each)
    if condition.operator is Operator.EQ and parts[0] == counter:
        assert isinstance(parts[1], Literal)
        here = frozenset({places[parts[1].value]})
        return here if truth else everywhere - here
    return everywhere


# ---- the thread as the class that states the fact knows it -------------------------------------


def _places_as_stated(frame: Frame, name: str) -> tuple[str, ...]:
    found = _as_stated(frame, name)
    return places_of(found) if found else ()


def _own_as_stated(frame: Frame, name: str) -> frozenset[str]:
    found = _as_stated(frame, name)
    return own_names(found) if found else frozenset()


def _as_stated(frame: Frame, name: str) -> Source | None:
    for owner in frame.owner.__mro__:
        member = vars(owner).get(name)
        if inspect.isfunction(member):
            return frame.unit.library.method(member)
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
