"""The page on lockstep is one program, and prints what the page says that it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "lockstep.md"
BLOCK = re.compile(r"```(python|text)\n(.*?)```", re.DOTALL)


def without_lines(text: str) -> list[str]:
    "The lines of a text, less the source's line numbers, and less spaces at their ends."
    return [re.sub(r"\.py:\d+:", ".py:", line).rstrip() for line in text.strip().splitlines()]


def test_the_page_runs_from_top_to_bottom_and_prints_what_it_says() -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert sum(kind == "text" for kind, _ in blocks) >= 6
    names: dict[str, object] = {}
    printed: list[str] = []
    for kind, text in blocks:
        if kind == "text":
            assert without_lines("\n".join(printed)) == without_lines(text)
            printed.clear()
            continue
        assert not printed, "what a snippet prints is shown before the next one"
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(text, str(PAGE), "exec"), names)
        printed += out.getvalue().splitlines()
    assert not printed


def test_the_page_names_only_things_that_exist() -> None:
    import kvcheck.lockstep
    import kvspec.events

    for name in re.findall(r"`([A-Z][a-z]\w+)(?:\.\w+)?`", PAGE.read_text(encoding="utf-8")):
        known = hasattr(kvcheck.lockstep, name) or hasattr(kvspec.events, name)
        assert known or name == "None", name


def test_every_test_file_that_the_page_names_is_there() -> None:
    names = re.findall(r"`(tests/[\w/]+\.py)`", PAGE.read_text(encoding="utf-8"))
    assert len(names) >= 3
    for name in names:
        assert (PAGE.parents[1] / name).is_file(), name
