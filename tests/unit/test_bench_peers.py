"""The yardsticks of the search benches search the same model, and a short search is refused."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kvcheck.explore.options import Engine, Options
from kvcheck.explore.search import explore
from kvspec.models.tiers import TieredPool

BENCH = Path(__file__).resolve().parents[2] / "bench"
SIZES = {"P": 2, "S": 1, "R": 1, "REFS": 1, "PINS": 1, "K": 1, "T": 1}
SHORT = """
error: max search depth too small
State-vector 60 byte, depth reached 9999, errors: 0
   924318 states, stored
  7000000 transitions (= stored+matched)
   12.391\ttotal actual memory usage
"""

needs_cpp = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")
needs_spin = pytest.mark.skipif(shutil.which("spin") is None, reason="no spin here")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """`bench/explore_vs_peers.py` as a module that builds into an empty folder."""
    monkeypatch.syspath_prepend(str(BENCH))
    import explore_vs_peers

    monkeypatch.setattr(explore_vs_peers, "BUILD", tmp_path)
    yield explore_vs_peers
    sys.modules.pop("explore_vs_peers", None)


def edited_peers(bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers in which an offload forgets that the spare block was claimed."""
    peers = tmp_path / "peers"
    shutil.copytree(bench.PEERS, peers)
    for name, right in (("tiers.cpp", "claim(s, spare);"), ("tiers.pml", "claim(y);")):
        text = (peers / name).read_text()
        assert right in text
        (peers / name).write_text(text.replace(right, "", 1))
    monkeypatch.setattr(bench, "PEERS", peers)


def our_counts() -> tuple[int, int]:
    result = explore(TieredPool.instance(**SIZES), Options(engine=Engine.PYTHON))
    assert result.complete
    return result.states, result.transitions


@needs_cpp
def test_the_search_by_hand_finds_our_states(bench: ModuleType) -> None:
    peer = bench.cpp(SIZES, "small")
    found = bench.read(peer, peer.run())
    assert (found.states, found.transitions) == our_counts()


@needs_spin
def test_spin_finds_our_states(bench: ModuleType) -> None:
    states, transitions = our_counts()
    peer = bench.spin(SIZES, "small", states)
    found = bench.read(peer, peer.run())
    assert (found.states, found.transitions) == (states, transitions)


@needs_cpp
def test_the_search_by_hand_sees_a_planted_fault(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited_peers(bench, tmp_path, monkeypatch)
    peer = bench.cpp(SIZES, "small")
    with pytest.raises(bench.Disagreement, match="violated"):
        bench.read(peer, peer.run())


@needs_spin
def test_spin_sees_a_planted_fault(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited_peers(bench, tmp_path, monkeypatch)
    peer = bench.spin(SIZES, "small", 1824)
    with pytest.raises(bench.Disagreement):
        bench.read(peer, peer.run())


@pytest.mark.parametrize(
    "said",
    [SHORT, SHORT.replace("too small", "fine").replace("errors: 0", "errors: 1"), "nothing"],
)
def test_a_spin_run_that_stopped_short_is_refused(bench: ModuleType, said: str) -> None:
    import measure

    sample = measure.Sample(1.0, 1.0, 1, 0, said)
    peer = bench.Contestant("SPIN, breadth-first", [], BENCH, 0.0)
    with pytest.raises(bench.Disagreement):
        bench.read(peer, sample)
