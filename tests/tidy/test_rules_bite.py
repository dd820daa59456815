"""Each rule of the house fails on a planted breach and passes on its nearest innocent neighbour."""

from __future__ import annotations

import pytest
from rooms import file_is_in_a_room, heavy_packages_wait, imports_keep_to_the_room
from rules import (
    Rule,
    file_is_named_by_a_noun,
    file_is_short,
    functions_are_short,
    module_has_docstring,
    modules_hold_no_state,
    no_file_is_opened,
    process_is_left_alone,
    public_names_are_few,
)

SPEC = "spec/kvspec/models/pool.py"
SOLVE = "checker/kvcheck/solve/induction.py"
EXPLORE = "checker/kvcheck/explore/search.py"
NAMES_25 = ", ".join(f"name_{k}" for k in range(25))

BREACHES: tuple[tuple[Rule, str, str], ...] = (
    (file_is_short, SPEC, "x = 1\n" * 501),
    (functions_are_short, SPEC, "def f():\n" + "    x = 1\n" * 70),
    (functions_are_short, SPEC, "class C:\n    @d\n    def f(self):\n" + "        x = 1\n" * 69),
    (file_is_named_by_a_noun, "spec/kvspec/lang/utils.py", ""),
    (file_is_named_by_a_noun, "checker/kvcheck/common/order.py", ""),
    (module_has_docstring, SPEC, "from __future__ import annotations\n"),
    (module_has_docstring, SPEC, '""" """\n'),
    (public_names_are_few, "spec/kvspec/__init__.py", f"from x import {NAMES_25}, one_more\n"),
    (public_names_are_few, "spec/kvspec/__init__.py", f"__all__ = {[str(k) for k in range(26)]}"),
    (process_is_left_alone, SPEC, "def f():\n    print(1)\n"),
    (process_is_left_alone, SPEC, "def f():\n    sys.exit(1)\n"),
    (process_is_left_alone, SPEC, "def f():\n    raise SystemExit(1)\n"),
    (process_is_left_alone, SPEC, "home = os.environ['HOME']\n"),
    (process_is_left_alone, SPEC, "from os import environ\n"),
    (process_is_left_alone, SPEC, "def f():\n    sys.stderr.write('x')\n"),
    (no_file_is_opened, SPEC, "def f():\n    return open('x').read()\n"),
    (modules_hold_no_state, SPEC, "seen = []\n"),
    (modules_hold_no_state, SPEC, "seen: dict[str, int] = {}\n"),
    (modules_hold_no_state, SPEC, "seen = defaultdict(list)\n"),
    (modules_hold_no_state, SPEC, "ids = itertools.count(1)\n"),
    (modules_hold_no_state, SPEC, "seen = {'a': 1}\ndef f():\n    seen['b'] = 2\n"),
    (modules_hold_no_state, SPEC, "seen = [1]\ndef f():\n    seen.append(2)\n"),
    (modules_hold_no_state, SPEC, "n = 0\ndef f():\n    global n\n    n = 1\n"),
    (imports_keep_to_the_room, SPEC, "import z3\n"),
    (imports_keep_to_the_room, SPEC, "from kvcheck.verdict import Verdict\n"),
    (imports_keep_to_the_room, SPEC, "def f():\n    import torch\n"),
    (imports_keep_to_the_room, EXPLORE, "def f():\n    from z3 import Solver\n"),
    (imports_keep_to_the_room, EXPLORE, "from kvcheck.report import text\n"),
    (imports_keep_to_the_room, EXPLORE, "from kvcheck import report\n"),
    (imports_keep_to_the_room, EXPLORE, "from ..report import text\n"),
    (imports_keep_to_the_room, EXPLORE, "from .. import solve\n"),
    (imports_keep_to_the_room, SOLVE, "import kvimpl.blocks\n"),
    (imports_keep_to_the_room, SOLVE, "import rich\n"),
    (imports_keep_to_the_room, "checker/kvcheck/report/html.py", "import z3\n"),
    (imports_keep_to_the_room, "checker/kvcheck/trace/file.py", "from kvcheck import solve\n"),
    (imports_keep_to_the_room, "impl/kvimpl/blocks/pool.py", "import kvspec.models.pool\n"),
    (imports_keep_to_the_room, "impl/kvimpl/blocks/pool.py", "from kvspec import models\n"),
    (imports_keep_to_the_room, "impl/kvimpl/blocks/pool.py", "import torch\n"),
    (imports_keep_to_the_room, "impl/kvimpl/blocks/pool.py", "import kvcheck\n"),
    (imports_keep_to_the_room, "checker/kvcheck/cli.py", "import torch\n"),
    (imports_keep_to_the_room, "checker/kvcheck/schedule/pct.py", "import kvimpl.blocks\n"),
    (heavy_packages_wait, "impl/kvimpl/device/cuda.py", "import torch.cuda\n"),
    (file_is_in_a_room, "setup.py", ""),
    (file_is_in_a_room, "spec/stray.py", ""),
    (file_is_in_a_room, "spec/other/machine.py", ""),
    (file_is_in_a_room, "checker/kvcheck/novelty/idea.py", ""),
)

INNOCENTS: tuple[tuple[Rule, str, str], ...] = (
    (file_is_short, SPEC, "x = 1\n" * 500),
    (functions_are_short, SPEC, "def f():\n" + "    x = 1\n" * 69),
    (file_is_named_by_a_noun, "spec/kvspec/lang/database.py", ""),
    (module_has_docstring, SPEC, '"""Decides."""\n'),
    (public_names_are_few, "spec/kvspec/__init__.py", f"from x import {NAMES_25}\n"),
    (public_names_are_few, SPEC, f"from x import {NAMES_25}, one_more\n"),
    (process_is_left_alone, SPEC, "def f(report):\n    report.print(1)\n"),
    (process_is_left_alone, SPEC, "text = 'print(1)'\n"),
    (no_file_is_opened, SPEC, "def f(path):\n    return path.is_open()\n"),
    (modules_hold_no_state, SPEC, "TABLE = {'a': 1}\n"),
    (modules_hold_no_state, SPEC, "def f():\n    seen = []\n    seen.append(1)\n"),
    (imports_keep_to_the_room, SPEC, "import ast\nfrom kvspec.lang import ir\n"),
    (imports_keep_to_the_room, SOLVE, "def f():\n    import z3\n"),
    (imports_keep_to_the_room, EXPLORE, "from ..trace.path import Finding\n"),
    (imports_keep_to_the_room, EXPLORE, "from . import frontier\n"),
    (imports_keep_to_the_room, "impl/kvimpl/blocks/pool.py", "from kvspec.events import Event\n"),
    (imports_keep_to_the_room, "checker/kvcheck/cli.py", "from kvcheck.solve import prove\n"),
    (imports_keep_to_the_room, "impl/kvimpl/device/cuda.py", "def f():\n    import torch\n"),
    (heavy_packages_wait, "impl/kvimpl/device/cuda.py", "def f():\n    import torch\n"),
    (file_is_in_a_room, "checker/kvcheck/gate.py", ""),
    (file_is_in_a_room, "tests/unit/test_x.py", ""),
)


def _name(case: tuple[Rule, str, str] | object) -> str:
    return getattr(case, "__name__", "")


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES, ids=_name)
def test_a_planted_breach_is_seen(rule: Rule, path: str, text: str) -> None:
    found = list(rule(path, text))
    assert found
    assert all(breach.path == path and breach.line >= 1 for breach in found)


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENTS, ids=_name)
def test_the_nearest_innocent_passes(rule: Rule, path: str, text: str) -> None:
    assert list(rule(path, text)) == []


def test_every_rule_has_a_planted_breach() -> None:
    defined = {
        name
        for module in (__import__("rules"), __import__("rooms"))
        for name, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and list(getattr(value, "__annotations__", {})) == ["path", "text", "return"]
        and not name.startswith("_")
    } - {"imported"}
    assert defined == {rule.__name__ for rule, _, _ in BREACHES}
