"""CrossHair reaches the pure parts: it refutes each planted wrong one, and no right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.check import COMPARED, FOLDER, Likeness, State, check, compare, contracts_of

WRONG_PAGES = """
from kvimpl.blocks.pages import unpack, device_table, SECONDARY_BIT

def pack(slot: SlotId, sizes: Shape) -> int:
    return slot if slot < sizes.primary_count else slot - sizes.primary_count  # no level bit
"""

WRONG_KEYS = """
from kvimpl.blocks import Scope, keys_of, root_key
from kvspec.events import Key

def chain(parent: Key, tokens: list[int]) -> Key:
    return Key(parent + bytes(tokens))  # no length before the fields
"""

WRONG_QUEUE = """
from kvimpl.blocks.queue import Line as RightLine

class Line(RightLine):
    def push(self, block: BlockId, end: End) -> None:
        super().push(block, End.BACK)
"""

PLANTED = {
    "page": (
        "from kvimpl.blocks.pages import SECONDARY_BIT, device_table, pack, unpack",
        WRONG_PAGES,
    ),
    "key": ("from kvimpl.blocks import Scope, chain, keys_of, root_key", WRONG_KEYS),
    "queue": ("from kvimpl.blocks.queue import Line", WRONG_QUEUE),
}
REFUTED = {
    "page": "packing_is_undone",
    "key": "where_tokens_are_cut_is_part_of_a_key",
    "queue": "a_line_is_a_list_without_repeats",
}


@pytest.mark.parametrize("part", sorted(PLANTED))
def test_a_planted_wrong_part_is_refuted(part: str, tmp_path: Path) -> None:
    right, wrong = PLANTED[part]
    text = (FOLDER / f"{part}_contracts.py").read_text()
    assert right in text
    module = tmp_path / f"wrong_{part}_contracts.py"
    module.write_text(text.replace(right, wrong.strip()))
    states = {c.name.partition(".")[2]: c for c in check([module])}
    refuted = states[REFUTED[part]]
    assert refuted.state is State.REFUTED
    assert "false when calling" in refuted.words


def test_the_right_parts_are_not_refuted_and_each_contract_is_reached() -> None:
    found = check()
    assert len(found) == sum(len(contracts_of(p)) for p in FOLDER.glob("*_contracts.py")) > 0
    assert {c.state for c in found} <= {State.CONFIRMED, State.NOT_CONFIRMED}
    assert State.CONFIRMED in {c.state for c in found}


def test_a_contract_that_cannot_be_exhausted_is_not_called_confirmed(tmp_path: Path) -> None:
    module = tmp_path / "endless_contracts.py"
    module.write_text(
        "from hashlib import blake2b\n\n\n"
        "def sixteen(data: bytes) -> int:\n"
        '    """post: _ == 16"""\n'
        "    return len(blake2b(bytes(data), digest_size=16).digest())\n"
    )
    assert [c.state for c in check([module], seconds=1)] == [State.NOT_CONFIRMED]


def test_a_module_that_cannot_be_read_confirms_nothing(tmp_path: Path) -> None:
    module = tmp_path / "absent_contracts.py"
    module.write_text(
        'import nowhere\n\n\ndef one() -> int:\n    """post: _ == 1"""\n    return 1\n'
    )
    assert [c.state for c in check([module])] == [State.SILENT]


@pytest.mark.parametrize("compared", COMPARED, ids=lambda c: c[1])
def test_the_queue_designs_differ_only_where_a_block_changed_while_queued(
    compared: tuple[str, str, str, Likeness],
) -> None:
    _, first, second, wanted = compared
    likeness, words = compare(f"queue_designs.{first}", f"queue_designs.{second}")
    assert likeness is wanted
    if wanted is Likeness.DIFFERENT:
        assert "named_moved : returns 'refused, [" in words
        assert "stored_moved : returns 'claimed, [0, 0] free" in words
