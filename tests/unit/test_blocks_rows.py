"""What is shown of the pool's rows: what was written since, and the same objects else."""

from __future__ import annotations

import pytest
from block_bench import A, Bench, key
from tiers_judge import Judge as Sizes
from tiers_judge import settings_for

from kvimpl.blocks.rows import Board, Row, SparseRow
from kvspec.events import Key, Observation

REFS, CACHED, KEYS = map(Observation._fields.index, ("refs", "cached", "keys"))


def test_a_row_is_shown_anew_once_a_cell_was_written_and_not_before() -> None:
    board = Board()
    row = Row(board, "refs", [0, 0, 0])
    before = board.cells()[REFS]
    assert board.cells()[REFS] is before
    row[1] += 1
    assert board.cells()[REFS] == (0, 1, 0)
    assert before == (0, 0, 0)


def test_two_writes_between_two_looks_are_both_shown() -> None:
    board = Board()
    row = Row(board, "refs", [0, 0, 0])
    assert board.cells()[REFS] == (0, 0, 0)
    row[0], row[2] = 1, 2
    assert board.cells()[REFS] == (1, 0, 2)
    row[0] = 3
    assert board.cells()[REFS] == (3, 0, 2)


def test_which_cells_are_there_is_shown_beside_what_they_are() -> None:
    board = Board()
    row = SparseRow[Key](board, "keys", [None, None], present="cached")
    assert board.cells()[CACHED] == (False, False)
    row[1] = Key(b"x")
    assert (board.cells()[KEYS], board.cells()[CACHED]) == ((None, b"x"), (False, True))
    row[1] = None
    assert (board.cells()[KEYS], board.cells()[CACHED]) == ((None, None), (False, False))


CHANGES = {
    "append": lambda row: row.append(1),
    "pop": lambda row: row.pop(),
    "sort": lambda row: row.sort(),
    "del": lambda row: row.__delitem__(0),
    "iadd": lambda row: row.__iadd__([1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_cannot_be_changed_but_by_a_cell(change: str) -> None:
    row = Row(Board(), "refs", [2, 1])
    with pytest.raises(TypeError, match="otherwise than by a cell"):
        CHANGES[change](row)
    assert row == [2, 1]


def test_a_step_shows_the_rows_that_it_did_not_write_as_the_objects_that_they_were() -> None:
    at = Bench(settings_for(Sizes(2, 2)))
    block = at.manager.allocate(A)
    before = at.manager.observe()
    at.write(block, "x")
    at.manager.commit(block, A, key("x"))
    after = at.manager.observe()
    same = [f for f, x, y in zip(Observation._fields, before, after, strict=True) if x is y]
    assert {"slot", "refs", "pins", "holders", "generations", "free", "pending"} <= set(same)
    assert {"keys", "cached"}.isdisjoint(same)
