"""Golden files: text that people read, compared byte for byte.

One command writes them anew: `pytest tests/golden --update-golden`. Read the diff before it is
committed; it is the review of every word that users will see.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "unit"))  # the hand-made models

Check = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Check:
    """Compare text with the golden file of that name, or write the file where it is asked for."""

    def check(name: str, text: str) -> None:
        path = HERE / "expected" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"no {path.name}: run pytest tests/golden --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check
