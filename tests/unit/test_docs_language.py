"""The language page is one module that runs: its pool is right, and its variant is wrong."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kvspec.lang.concrete import Failed, Stepped, arguments_of, holds, initial_states, step
from kvspec.lang.ir import Model, PropertyKind

PAGE = Path(__file__).parents[2] / "docs" / "language.md"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path_factory.mktemp("docs") / "language_page.py"
    path.write_text("\n".join(blocks), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("language_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["language_page"] = module
    spec.loader.exec_module(module)
    return module


def search(model: Model) -> tuple[int, set[str], set[str]]:
    """States, the actions whose assertions fail, and the goals reached, by plain search."""
    seen = set(initial_states(model))
    queue, failed = list(seen), set[str]()
    for state in queue:
        for prop in model.of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA):
            assert holds(model, prop, state), prop.name
        for action in model.actions:
            for arguments in arguments_of(action):
                outcome = step(model, state, action, arguments)
                if isinstance(outcome, Failed):
                    failed.add(f"{action.name}: {outcome.check.message}")
                elif isinstance(outcome, Stepped) and outcome.state not in seen:
                    seen.add(outcome.state)
                    queue.append(outcome.state)
    goals = {g.name for g in model.of_kind(PropertyKind.GOAL) for s in seen if holds(model, g, s)}
    return len(seen), failed, goals


def test_the_page_states_a_pool_that_is_right(page: ModuleType) -> None:
    model = page.Pool.instance(P=1, S=1, R=1, LIMIT=1)

    states, failed, goals = search(model)

    assert (states, failed, goals) == (432, set(), {"a_block_moved"})


def test_the_variant_on_the_page_fails_at_the_line_it_says(page: ModuleType) -> None:
    _, failed, _ = search(page.Hasty.instance(P=1, S=1, R=1, LIMIT=1))

    assert failed == {"mover__chosen: remove of what is not in free"}
