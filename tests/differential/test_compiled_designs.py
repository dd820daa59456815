"""The shipped designs and bugs: both engines, with and without symmetry, find the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvcheck.explore import Engine, ExploreResult, Options, Symmetry, explore
from kvcheck.explore.native import NoCompiler, find_compiler
from kvspec.bugs import BUGS, Bug
from kvspec.models import DESIGNS

DEPTH = 5


def runs(result: ExploreResult) -> list[tuple[str, str, int]]:
    """Kind, name and length of what was found."""
    found = (*result.findings, *result.witnesses)
    return [(f.finding.kind.value, f.finding.name, len(f.finding.path.moves)) for f in found]


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("symmetry", Symmetry)
def test_a_design_has_one_state_space_in_both_engines(
    name: str, symmetry: Symmetry, tmp_path: Path
) -> None:
    try:
        find_compiler(None)
    except NoCompiler as error:
        pytest.skip(str(error))
    model = DESIGNS[name].instance()
    python, compiled = (
        explore(model, Options(engine=e, symmetry=symmetry, depth_max=DEPTH, cache_dir=tmp_path))
        for e in (Engine.PYTHON, Engine.COMPILED)
    )
    assert compiled.engine == "compiled"
    assert python.levels == compiled.levels
    assert python.actions == compiled.actions
    assert [f.finding for f in python.witnesses] == [f.finding for f in compiled.witnesses]


@pytest.mark.parametrize("bug", BUGS.values(), ids=lambda bug: bug.id)
def test_a_bug_has_the_same_shortest_run_with_symmetry(bug: Bug) -> None:
    model = bug.machine.instance(**bug.sizes)
    options = {"engine": Engine.PYTHON, "python_states_max": 6_000}
    whole = explore(model, Options(**options))
    if not whole.findings:
        pytest.skip("its shortest run is too long for the Python engine in a test")
    less = explore(model, Options(symmetry=Symmetry.ON, **options))
    violations = runs(whole)[: len(whole.findings)]
    assert runs(less)[: len(less.findings)] == violations
