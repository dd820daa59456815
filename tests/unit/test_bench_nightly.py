"""The night's parts: each is run whatever the others did, and the end says what each covered."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kvcheck.mutate import Judgement, Notice

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """`bench/nightly.py` as a module."""
    monkeypatch.syspath_prepend(str(BENCH))
    import nightly

    yield nightly
    sys.modules.pop("nightly", None)


def part(bench: ModuleType, name: str, code: int, said: str = "covered 3") -> object:
    program = f"print({said!r}); import sys; sys.exit({code})"
    command = (sys.executable, "-c", program)
    return bench.Part(name, command, lambda line: line.startswith("covered"))


def test_a_part_that_fails_hides_no_other(bench: ModuleType) -> None:
    night = [part(bench, "a", 10), part(bench, "b", 1), part(bench, "c", 0)]
    ended = bench.all_of(night)
    assert [(one.part.name, bench.told(one), one.covered) for one in ended] == [
        ("a", "inconclusive", "covered 3"),
        ("b", "VIOLATED", "covered 3"),
        ("c", "holds", "covered 3"),
    ]
    assert bench.exit_code(ended) == 1


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ((0, 0), 0),
        ((0, 10), 10),
        ((10, 5), 5),
        ((11, 10), 11),
        ((3, 10), 3),
        ((-9, 10), 3),
        ((-9, 1), 1),
    ],
)
def test_the_worst_ending_is_the_night_s(
    bench: ModuleType, codes: tuple[int, ...], worst: int
) -> None:
    one = part(bench, "a", 0)
    assert bench.exit_code([bench.Ended(one, code, 0.0, "covered 3") for code in codes]) == worst


@pytest.mark.parametrize("code", [0, 1])
def test_a_part_that_does_not_say_what_it_covered_is_a_fault(bench: ModuleType, code: int) -> None:
    (ended,) = bench.all_of([part(bench, "a", code, said="Traceback")])
    assert bench.told(ended) == "fault of the tool"
    assert bench.exit_code([ended]) == 3


def test_after_an_interruption_the_rest_is_said_not_to_have_run(bench: ModuleType) -> None:
    night = [part(bench, "a", 2), part(bench, "b", 0)]
    ended = bench.all_of(night)
    assert [bench.told(one) for one in ended] == ["interrupted", "not run"]
    assert bench.exit_code(ended) == 2


def test_the_night_draws_what_no_other_day_draws_and_its_parts_say_what_they_covered(
    bench: ModuleType,
) -> None:
    asked = Namespace(histories=2, operations=20, fuzz="100ms", designs=["window"], jobs=1, seed=7)
    threads, sim, fuzzing, mutants = bench.parts(asked)
    assert sim.command[sim.command.index("--seed") + 1] == "14"
    assert fuzzing.tells("blocks: holds, 82 runs, 2,054 judged steps, seed 0 (6.05 s)")
    assert mutants.tells("13 mutants of 1 designs: 13 noticed")
    ended = bench.all_of([threads, sim])
    assert [bench.told(one) for one in ended] == ["holds", "holds"]
    assert all("2 histories of 20 calls" in one.covered for one in ended)


def test_a_survivor_that_the_page_does_not_name_fails_the_pass(
    bench: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    import mutate_spec

    def judged(text: str, notice: Notice) -> mutate_spec.Verdict:
        return mutate_spec.Verdict("d", "guard", "go", 1, text, Judgement(notice, ""))

    page = "## Survivors\n\n- d, go: `old`\n\n## Every mutant\n\n- d, go: `elsewhere`\n"
    noticed = next(notice for notice in Notice if notice is not Notice.NOBODY)
    known = [judged("old", Notice.NOBODY), judged("seen", noticed)]
    assert mutate_spec.check(known, page) == 0
    assert "1 noticed, 1 survive as the page says, 0 survive" in capsys.readouterr().out
    assert mutate_spec.check([*known, judged("elsewhere", Notice.NOBODY)], page) == 1
    assert "nobody notices any more: d, go: `elsewhere`" in capsys.readouterr().out
    assert mutate_spec.check([], page) == 1
