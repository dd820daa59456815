"""Theorems about counts and sums over finite sets, instantiated for the ones that a query reads.

It states facts that hold in every state because sets are finite; it decides nothing. Each schema
is written out with its proof in docs/every-size.md and checked on concrete states by
tests/differential/test_every_size_axioms.py. They come in two layers: what is true of one count
or sum or of its change by a step, which every query gets; and how two counts compare (subset,
disjoint union, injection, surjection), which a query gets when the first layer did not do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_reading import Reading
from kvcheck.solve.every_size_state import HAS, VALUE, Cells, Index, SymbolicState, element_of
from kvcheck.solve.every_size_symbols import Instance, Role
from kvcheck.solve.every_size_terms import (
    Sort,
    Term,
    choice,
    conjunction,
    disjunction,
    equality,
    for_all,
    implication,
    negation,
    there_is,
    total,
)
from kvspec.lang.types import SortType

POINTS_MAX = 6  # a step that writes at more points gets no change schema: 2^points cases
COUNTED_MAX = 12  # more counted sets than this are not compared


def predicate_of(weight: Term) -> Term | None:
    """The condition of which the weight is the 0/1 indicator, if it is one."""
    if z3.is_int_value(weight):
        return z3.BoolVal(bool(weight.as_long())) if weight.as_long() in (0, 1) else None
    if not z3.is_app_of(weight, z3.Z3_OP_ITE):
        return None
    condition, yes, no = weight.children()
    yes_is, no_is = predicate_of(yes), predicate_of(no)
    if yes_is is None or no_is is None:
        return None
    return disjunction(
        [conjunction([condition, yes_is]), conjunction([negation(condition), no_is])]
    )


def sum_facts(reading: Reading) -> list[Term]:
    """What is true of each count and sum by itself."""
    return [
        for_all(instance.around, fact)
        for instance in sums(reading)
        for fact in _facts_of_one(reading, instance)
    ]


def sums(reading: Reading) -> list[Instance]:
    """The counts and sums that were read, in the order in which they were."""
    found = reading.symbols.instances.values()
    return [instance for instance in found if instance.symbol.role is Role.SUM]


def _facts_of_one(reading: Reading, instance: Instance) -> Iterator[Term]:
    value, sort = instance.term, instance.symbol.bound.sort()
    x = z3.Const("x!", sort)
    weight = instance.meaning_at(x)
    is_in = predicate_of(weight)
    if is_in is None:
        never_negative = for_all([x], weight >= 0)
        yield implication(never_negative, conjunction([value >= 0, for_all([x], value >= weight)]))
        yield implication(for_all([x], weight == 0), value == 0)
        return
    yield value >= 0
    yield for_all([x], implication(is_in, value > 0))
    yield implication(value > 0, there_is([x], is_in))
    if str(sort) in reading.words.sorts:
        size = reading.words.size(str(sort))
        yield value <= size
        yield for_all([x], implication(negation(is_in), value < size))
        yield implication(value < size, there_is([x], negation(is_in)))


def change_facts(reading: Reading, points: Sequence[Term]) -> list[Term]:
    """How a count or sum differs between two states that differ only at the points written."""
    found = []
    every = sums(reading)
    for earlier, later in permutations(every, 2):
        same_text = earlier.origin is not None and earlier.origin == later.origin
        if not same_text or earlier.symbol is later.symbol:
            continue
        if int(earlier.symbol.name.split("!")[1]) > int(later.symbol.name.split("!")[1]):
            continue
        for instance in (earlier, later):
            pair = _versions(instance, earlier, later)
            if pair is not None:
                found.append(for_all(instance.around, _change(*pair, points)))
    return list({fact.get_id(): fact for fact in found}.values())


def _versions(
    instance: Instance, earlier: Instance, later: Instance
) -> tuple[Instance, Instance] | None:
    """Both symbols at this instance's arguments."""
    one, two = earlier.symbol, later.symbol
    if [p.sort() for p in one.parameters] != [p.sort() for p in two.parameters]:
        return None
    held, around, origin = instance.arguments, instance.around, instance.origin
    return Instance(one, held, around, origin), Instance(two, held, around, origin)


def _change(earlier: Instance, later: Instance, points: Sequence[Term]) -> Term:
    sort = later.symbol.bound.sort()
    where = [point for point in points if point.sort() == sort][:POINTS_MAX]
    x = z3.Const("x!", sort)
    elsewhere = conjunction(negation(equality(x, point)) for point in where)
    same = equality(earlier.meaning_at(x), later.meaning_at(x))
    differences = []
    for number, point in enumerate(where):
        is_first = conjunction(negation(equality(point, other)) for other in where[:number])
        difference = later.meaning_at(point) - earlier.meaning_at(point)
        differences.append(choice(is_first, difference, z3.IntVal(0)))
    return implication(
        for_all([x], implication(elsewhere, same)),
        later.term == earlier.term + total(differences),
    )


# ---- comparing two counted sets ----------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class Counted:
    """A set whose size a query reads: its sort, its membership and its count."""

    sort: Sort
    has: Callable[[Term], Term]
    count: Term


def counted_sets(reading: Reading) -> list[Counted]:
    """Every set of elements of open sorts of which the query reads the size, each once."""
    found: dict[int, Counted] = {}
    for instance in sums(reading):
        sort = instance.symbol.bound.sort()
        is_count = predicate_of(instance.meaning_at(z3.Const("x!", sort))) is not None
        if is_count and not instance.around and str(sort) in reading.words.sorts:
            found[instance.term.get_id()] = Counted(sort, _member(instance), instance.term)
    for count, variable, index, state in reading.measured.values():
        sort = reading.words.sort_of(element_of(variable))
        if str(sort) in reading.words.sorts:
            has = _cell(state[variable.name, HAS], index)
            found[count.get_id()] = Counted(sort, has, count)
    return list(found.values())[:COUNTED_MAX]


def _member(instance: Instance) -> Callable[[Term], Term]:
    def has(x: Term) -> Term:
        is_in = predicate_of(instance.meaning_at(x))
        assert is_in is not None
        return is_in

    return has


def _cell(cells: Cells, index: Index) -> Callable[[Term], Term]:
    return lambda x: cells(*index, x)


def _functions(
    reading: Reading, states: Sequence[SymbolicState]
) -> Iterator[tuple[Callable[[Term], Term], Sort, Sort]]:
    """The maps from one open sort to another, in each of the states: candidates for a matching."""
    words = reading.words
    for variable in words.model.variables:
        leaf = variable.leaf
        if isinstance(leaf, SortType) and words.is_open(leaf) and len(variable.dims) == 1:
            source = words.sort_of(variable.dims[0])
            if words.is_open(variable.dims[0]):
                for cells in {id(s[variable.name, VALUE]): s for s in states}.values():
                    yield cells[variable.name, VALUE], source, words.sort_of(leaf)


def comparison_facts(reading: Reading, states: Sequence[SymbolicState]) -> list[Term]:
    """How the counted sets compare: by inclusion, disjoint union, injection and surjection."""
    sets = counted_sets(reading)
    facts = [_inclusion(a, b) for a, b in permutations(sets, 2) if a.sort == b.sort]
    for whole in sets:
        rest = [s for s in sets if s is not whole and s.sort == whole.sort]
        facts += [fact for a, b in combinations(rest, 2) for fact in _union(a, b, whole)]
    for function, source, target in _functions(reading, states):
        for a, b in permutations(sets, 2):
            if a.sort == source and b.sort == target:
                facts += [_injection(function, a, b), _surjection(function, a, b)]
    return facts


def _inclusion(a: Counted, b: Counted) -> Term:
    x = z3.Const("x!", a.sort)
    return implication(for_all([x], implication(a.has(x), b.has(x))), a.count <= b.count)


def _union(a: Counted, b: Counted, whole: Counted) -> Iterator[Term]:
    x = z3.Const("x!", a.sort)
    disjoint = for_all([x], negation(conjunction([a.has(x), b.has(x)])))
    either = disjunction([a.has(x), b.has(x)])
    within = for_all([x], implication(either, whole.has(x)))
    covering = for_all([x], implication(whole.has(x), either))
    yield implication(conjunction([disjoint, within]), a.count + b.count <= whole.count)
    yield implication(covering, whole.count <= a.count + b.count)


def _injection(function: Callable[[Term], Term], a: Counted, b: Counted) -> Term:
    x, y = z3.Consts("x! y!", a.sort)
    lands = for_all([x], implication(a.has(x), b.has(function(x))))
    both = conjunction([a.has(x), a.has(y), equality(function(x), function(y))])
    apart = for_all([x, y], implication(both, equality(x, y)))
    return implication(conjunction([lands, apart]), a.count <= b.count)


def _surjection(function: Callable[[Term], Term], a: Counted, b: Counted) -> Term:
    x, y = z3.Const("x!", a.sort), z3.Const("y!", b.sort)
    hit = there_is([x], conjunction([a.has(x), equality(function(x), y)]))
    return implication(for_all([y], implication(b.has(y), hit)), b.count <= a.count)
