"""The second manager: facts about it, and that it shares nothing with the first."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

import kvimpl.simple
from kvimpl.simple import OutOfPages, SimpleManager, WrongPage


def test_empty_pages_are_taken_before_content_is_given_up() -> None:
    pages = SimpleManager(2)
    first = pages.take("a")
    assert pages.fill("a", first, "x")
    pages.drop("a", first)
    assert pages.take("b") != first
    assert pages.find("c", "x") == first


def test_the_content_unused_for_longest_is_given_up() -> None:
    pages = SimpleManager(2)
    for content in ("x", "y"):
        page = pages.take("a")
        pages.fill("a", page, content)
        pages.drop("a", page)
    assert pages.find("b", "x") is not None
    pages.drop("b", 0)
    pages.take("c")
    assert pages.find("c", "y") is None
    assert pages.find("c", "x") is not None


def test_a_shared_page_is_kept_until_its_last_user_drops_it() -> None:
    pages = SimpleManager(1)
    page = pages.take("a")
    pages.fill("a", page, "x")
    pages.find("b", "x")
    pages.drop("a", page)
    with pytest.raises(OutOfPages, match="All 1 pages"):
        pages.take("c")
    pages.drop("b", page)
    assert pages.take("c") == page


def test_equal_content_is_stored_once() -> None:
    pages = SimpleManager(2)
    one, two = pages.take("a"), pages.take("b")
    assert pages.fill("a", one, "x")
    assert not pages.fill("b", two, "x")
    assert pages.find("c", "x") == one


def test_wrong_pages_are_refused() -> None:
    pages = SimpleManager(2)
    page = pages.take("a")
    with pytest.raises(WrongPage):
        pages.drop("b", page)
    pages.fill("a", page, "x")
    with pytest.raises(WrongPage, match="filled already"):
        pages.fill("a", page, "y")
    pages.drop("a", page)
    with pytest.raises(WrongPage):
        pages.drop("a", page)
    with pytest.raises(ValueError, match="page_count"):
        SimpleManager(0)


def test_random_calls_lose_no_page_and_every_change_is_noted() -> None:
    rng, notes = random.Random(0), []
    pages = SimpleManager(4, note=notes.append)
    for _ in range(500):
        user, content = rng.choice("abc"), rng.choice("uvwxyz")
        mine = [page for page, users in pages.users.items() if user in users]
        try:
            match rng.randrange(4):
                case 0:
                    pages.take(user)
                case 1 if mine:
                    pages.fill(user, rng.choice(mine), content)
                case 2:
                    pages.find(user, content)
                case 3 if mine:
                    pages.drop(user, rng.choice(mine))
        except (OutOfPages, WrongPage):
            pass
        assert sorted([*pages.empty, *pages.kept, *pages.users]) == [0, 1, 2, 3]
    assert {what for what, _, _ in notes} == {"take", "evict", "share", "fill", "drop"}


def test_it_shares_no_code_with_the_block_manager_and_is_short() -> None:
    text = Path(kvimpl.simple.__file__).read_text()
    imported = {
        name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }
    assert not {name for name in imported if name.startswith("kv")}
    code = [line for line in text.splitlines() if line.strip()]
    assert len(code) <= 125
