"""The page on the block manager is one program that runs, and its claims about bugs are true."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "manager.md"


def test_the_page_runs_from_top_to_bottom() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 5
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})


def test_the_page_names_only_things_that_exist() -> None:
    import kvimpl.blocks
    from kvimpl.blocks import errors

    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"`([A-Z]\w+)`", text):
        known = hasattr(errors, name) or hasattr(kvimpl.blocks, name)
        assert known, name
