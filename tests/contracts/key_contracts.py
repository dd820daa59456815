"""What content keys promise, as contracts that CrossHair executes symbolically.

It decides nothing at run time; each function calls the real chain. BLAKE2b is executed and not
reasoned about, so tokens come from small ranges; long sequences are left to the drawn tests.
"""

from __future__ import annotations

from kvimpl.blocks import Scope, chain, keys_of, root_key


def keys_are_equal_exactly_for_equal_tokens(left: int, right: int) -> bool:
    """Two blocks of one token each, after the same parent.

    pre: 0 <= left <= 3
    pre: 0 <= right <= 3
    post: _ == (left == right)
    """
    root = root_key(Scope())
    return chain(root, [left]) == chain(root, [right])


def where_tokens_are_cut_is_part_of_a_key(cut: int, other: int) -> bool:
    """Four tokens as two blocks, cut at two places.

    pre: 1 <= cut <= 3
    pre: 1 <= other <= 3
    post: _ == (cut == other)
    """
    root, tokens = root_key(Scope()), [5, 5, 5, 5]
    one = chain(chain(root, tokens[:cut]), tokens[cut:])
    return one == chain(chain(root, tokens[:other]), tokens[other:])


def only_full_blocks_have_keys(count: int, size: int) -> int:
    """As many keys as full blocks.

    pre: 0 <= count <= 5
    pre: 1 <= size <= 3
    post: _ == count // size
    """
    return len(set(keys_of([7] * count, tokens_per_block=size, scope=Scope())))
