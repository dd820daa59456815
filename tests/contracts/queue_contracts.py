"""What a free queue promises, as a contract that CrossHair executes symbolically.

It decides nothing at run time; the function drives the real line beside a plain list. Three moves
of two blocks are all that is tried here; longer lives are left to the drawn tests.
"""

from __future__ import annotations

from kvimpl.blocks.queue import Line
from kvspec.events import BlockId, End


def a_line_is_a_list_without_repeats(first: int, second: int, third: int) -> bool:
    """A move of 0 or 1 puts that block at the back, of 2 or 3 block 0 or 1 in front; a block that
    is there leaves instead.

    pre: 0 <= first <= 3
    pre: 0 <= second <= 3
    pre: 0 <= third <= 3
    post: _
    """
    line, plain = Line(), list[int]()
    for move in (first, second, third):
        block = move % 2
        if block in plain:
            if line.remove(BlockId(block)) is None:
                return False
            plain.remove(block)
        else:
            line.push(BlockId(block), End.FRONT if move >= 2 else End.BACK)
            plain.insert(0 if move >= 2 else len(plain), block)
        if list(line.blocks()) != plain or line.front() != next(iter(plain), None):
            return False
    return len(line) == len(plain)
