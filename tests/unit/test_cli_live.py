"""`kvproof live`: its endings."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import toy_designs
from command_lines import Kvproof

sys.path.insert(0, str(Path(__file__).parents[1] / "toys"))

import measured
import waiting

from kvcheck.verdict import Exit


@pytest.fixture(autouse=True)
def waiting_toys(kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys of waiting beside the others."""
    toys = {
        "crossing": waiting.Crossing,
        "weak": waiting.WeakCrossing,
        "empty": waiting.EmptyCrossing,
        "lock": waiting.Lock,
        "counting": measured.Counting,
        "noise": measured.CountingNoise,
    }
    monkeypatch.setattr("kvspec.models.MACHINES", {**toy_designs.MACHINES, **toys})


def test_a_kept_promise_ends_well(kvproof: Kvproof) -> None:
    ran = kvproof("live", "crossing", "--json", "r.json")
    assert ran.code == Exit.OK
    assert "served: holds" in ran.out
    (obligation,) = json.loads(Path("r.json").read_bytes())["obligations"]
    assert (obligation["id"], obligation["evidence"]) == ("crossing/live/served", "exhausted")


def test_a_broken_promise_shows_its_loop(kvproof: Kvproof) -> None:
    ran = kvproof("live", "weak")
    assert ran.code == Exit.VIOLATION
    assert "and from here for ever:" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("cups",), Exit.NOTHING_RAN, "makes no promise"),
        (("empty",), Exit.NOTHING_RAN, "no reachable state makes the promise"),
        (("lock", "--size", "C=3", "--states", "4"), Exit.INCONCLUSIVE, "more than 4 states"),
        (("lock", "--select", "nobody"), Exit.NOTHING_RAN, "nobody"),
    ],
)
def test_what_is_not_concluded_has_its_own_ending(
    kvproof: Kvproof, arguments: tuple[str, ...], code: Exit, said: str
) -> None:
    ran = kvproof("live", *arguments)
    assert ran.code == code
    assert said in ran.out + ran.err


def test_a_promise_is_proved_by_its_measure_at_a_size_that_is_asked(kvproof: Kvproof) -> None:
    asked = ("live", "counting", "--by", "measure", "--size", "C=9")
    ran = kvproof(*asked, "--json", "r.json")
    assert ran.code == Exit.OK
    assert (
        "counting: comes_back: holds, proved at size, C=9, by its measure and no invari" in ran.out
    )
    (obligation,) = json.loads(Path("r.json").read_bytes())["obligations"]
    assert obligation["evidence"] == "proved at size"


def test_a_measure_that_is_refused_is_no_broken_promise(kvproof: Kvproof) -> None:
    ran = kvproof("live", "noise", "--by", "measure")
    assert ran.code == Exit.INCONCLUSIVE
    assert "it is not so that no step raises the measure" in ran.out
    assert "  noise: 0 -> 1" in ran.out.splitlines()
    assert kvproof("live", "noise").code == Exit.OK


def test_a_promise_without_a_measure_is_not_run_by_it(kvproof: Kvproof) -> None:
    ran = kvproof("live", "crossing", "--by", "measure")
    assert ran.code == Exit.NOTHING_RAN
    assert "it states no measure" in ran.out
    late = kvproof("live", "counting", "--by", "measure", "--budget", "0s")
    assert late.code == Exit.INCONCLUSIVE
    assert "the time was up" in late.out
