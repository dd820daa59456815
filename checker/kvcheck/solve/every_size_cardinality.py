"""Theorems about counts and sums over finite sets, instantiated for the ones that a query reads.

It states facts that hold in every state because sets are finite; it decides nothing. Each schema
is written out with its proof in docs/every-size.md and checked on concrete states by
tests/differential/test_every_size_axioms.py. They come in two layers: what is true of one count
or sum or of its change by a step, which every query gets; and how two counts compare (subset,
disjoint union, injection, surjection), which a query gets when the first layer did not do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TypeAlias

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_reading import Reading, Sizes
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
DESCRIBED_MAX = 6  # of counts by condition, so many are compared
FAMILIES_MAX = 40  # and so many families of sets


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


# ---- comparing counted sets --------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class Counted:
    """A set whose size a query reads: its sort, its membership and its count."""

    sort: Sort
    has: Callable[[Term], Term]
    count: Term


Family: TypeAlias = tuple[Counted, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Matching:
    """A function from the elements of one sort to those of another (or of the same)."""

    source: Sort
    target: Sort
    of: Callable[[Term], Term]


def comparison_facts(reading: Reading, sizes: Sizes, state: SymbolicState) -> list[Term]:
    """How the counts read in one state compare, by matchings of their elements.

    Of each family of sets and each target: if the sets are disjoint and the matching takes their
    elements one to one into the target, their sizes add up to at most the target's; if it reaches
    every element of the target, to at least that.
    """
    described, rows = _described(reading, sizes), _rows(reading, sizes)
    singles = [*described, *_unique(cell for row in rows for cell in row)]
    families: list[Family] = [(one,) for one in singles]
    families += [row for row in rows if len(row) > 1]
    families += [pair for pair in combinations(singles, 2) if pair[0] in described]
    facts: list[Term] = []
    for family in families[:FAMILIES_MAX]:
        sort = family[0].sort
        if any(member.sort != sort for member in family):
            continue
        if len(family) > 1:
            facts.append(_leaves_room(reading, family))
        for matching in (_identity(sort), *_matchings(reading, state)):
            targets = [*singles, _everything(reading, matching.target)]
            for target in targets:
                if matching.source == sort and _is_telling(family, matching, target, described):
                    facts += [_into(matching, family, target), _onto(matching, family, target)]
    return facts


def _is_telling(
    family: Family, matching: Matching, target: Counted, described: Sequence[Counted]
) -> bool:
    """Whether the comparison says more than the types do and is not between two plain cells."""
    if matching.target != target.sort or target in family:
        return False
    is_whole = z3.is_true(target.has(z3.Const("x!", target.sort)))
    if is_whole:
        return len(family) > 1 or matching.source != matching.target
    return target in described or any(member in described for member in family)


def _unique(sets: Iterable[Counted]) -> list[Counted]:
    return list({one.count.get_id(): one for one in sets}.values())


def _described(reading: Reading, sizes: Sizes) -> list[Counted]:
    """The sets that a count describes by a condition."""
    found = []
    for instance in sizes.described:
        if instance.symbol.role is not Role.SUM:
            continue
        sort = instance.symbol.bound.sort()
        is_count = predicate_of(instance.meaning_at(z3.Const("x!", sort))) is not None
        if is_count and not instance.around and str(sort) in reading.words.sorts:
            found.append(Counted(sort, _member(instance), instance.term))
    return found[:DESCRIBED_MAX]


def _member(instance: Instance) -> Callable[[Term], Term]:
    def has(x: Term) -> Term:
        is_in = predicate_of(instance.meaning_at(x))
        assert is_in is not None
        return is_in

    return has


def _rows(reading: Reading, sizes: Sizes) -> list[Family]:
    """The cells of each counted variable in each state: by line along an index, and all together.

    Only cells whose index is written out, so that two of them are known to be different.
    """
    words = reading.words
    grouped: dict[tuple[object, ...], dict[int, Counted]] = {}
    for count, variable, index, state in sizes.cells:
        sort = words.sort_of(element_of(variable))
        if str(sort) not in words.sorts:
            continue
        cells = state[variable.name, HAS]
        cell = Counted(sort, _cell(cells, index), count)
        numerals = [z3.is_int_value(term) for term in index]
        key = [term.get_id() for term in index]
        lines = [(n, *key[:n], *key[n + 1 :]) for n, is_one in enumerate(numerals) if is_one]
        whole = [("all",)] if index and all(numerals) else []
        for line in [*lines, *whole] or [("alone", *key)]:
            grouped.setdefault((id(cells), *line), {})[count.get_id()] = cell
    return list({tuple(row): tuple(row.values()) for row in grouped.values()}.values())


def _cell(cells: Cells, index: Index) -> Callable[[Term], Term]:
    return lambda x: cells(*index, x)


def _everything(reading: Reading, sort: Sort) -> Counted:
    return Counted(sort, lambda _: z3.BoolVal(True), reading.words.size(str(sort)))


def _identity(sort: Sort) -> Matching:
    return Matching(sort, sort, lambda x: x)


def _matchings(reading: Reading, state: SymbolicState) -> Iterator[Matching]:
    """The maps from one open sort to another."""
    words = reading.words
    for variable in words.model.variables:
        leaf, dims = variable.leaf, variable.dims
        if not isinstance(leaf, SortType) or len(dims) != 1:
            continue
        if words.is_open(leaf) and words.is_open(dims[0]):
            at = state[variable.name, VALUE]
            yield Matching(words.sort_of(dims[0]), words.sort_of(leaf), at)


def _some(family: Family, x: Term) -> Term:
    return disjunction(member.has(x) for member in family)


def _are_disjoint(family: Family) -> Term:
    x = z3.Const("x!", family[0].sort)
    pairs = combinations(family, 2)
    return for_all([x], conjunction(negation(conjunction([a.has(x), b.has(x)])) for a, b in pairs))


def _sum(family: Family) -> Term:
    return total([member.count for member in family])


def _into(matching: Matching, family: Family, target: Counted) -> Term:
    x, y = z3.Consts("x! y!", family[0].sort)
    lands = for_all([x], implication(_some(family, x), target.has(matching.of(x))))
    both = conjunction([_some(family, x), _some(family, y)])
    same = equality(matching.of(x), matching.of(y))
    apart = for_all([x, y], implication(conjunction([both, same]), equality(x, y)))
    if matching.of(x).eq(x):
        apart = z3.BoolVal(True)
    return implication(
        conjunction([_are_disjoint(family), lands, apart]), _sum(family) <= target.count
    )


def _onto(matching: Matching, family: Family, target: Counted) -> Term:
    x, y = z3.Const("x!", family[0].sort), z3.Const("y!", target.sort)
    if matching.of(x).eq(x):
        reached = implication(target.has(x), _some(family, x))
        return implication(for_all([x], reached), target.count <= _sum(family))
    hit = there_is([x], conjunction([_some(family, x), equality(matching.of(x), y)]))
    reached = implication(target.has(y), hit)
    return implication(for_all([y], reached), target.count <= _sum(family))


def _leaves_room(reading: Reading, family: Family) -> Term:
    """Disjoint sets that all lack one element are together fewer than the sort."""
    x = z3.Const("x!", family[0].sort)
    size = reading.words.size(str(family[0].sort))
    room = for_all([x], implication(negation(_some(family, x)), _sum(family) < size))
    return implication(_are_disjoint(family), room)
